"""Every form of feature set behind one interface.

- `extracted`: features that this program extracted
- `published`: features as others published them, in any of these layouts
- `crop_layouts`, `crop_names`, `concatenated`, `text`: one layout each
- `frame_plans`: which frames the segments of published features stand for
- `repaired`: features that cannot be read in place
- `array_blocks`, `segment_store`: some segments of large files, in bounded memory
- `in_memory`: features of one video for the Python functions
- `feature_set`: opens any of these
"""
