"""Every form of feature set behind one interface.

- `extracted`: features that this program extracted
- `published`: features as others published them, in any of these layouts
- `crop_layouts`, `concatenated`, `text`: one layout each
- `array_blocks`, `segment_store`: some segments of large files, in bounded memory
- `in_memory`: features of one video for the Python functions
- `feature_set`: opens any of these
"""
