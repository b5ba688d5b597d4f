"""Feature sets in every supported layout, behind one interface.

- `array_blocks`, `segment_store`: segments read from large files in bounded memory
- `feature_set`: the interface
- `extracted`: features that this program extracted
- `published`: features published by others, in any of the layouts below
- `crop_layouts`: one file per video or per crop, and the order of the axes
- `crop_names`: crop numbers at the end of file names
- `concatenated`: one array of all videos
- `text`: text files of 32 lines
- `frame_plans`: the frames that each segment of published features covers
- `repaired`: features that cannot be read in place and must be converted
- `in_memory`: features passed to the Python functions
"""
