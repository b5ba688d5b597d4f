"""Finds videos and names them.

- `search`: searches a folder or glob for video files
- `list_entries`: reads lists of videos in their usual formats
- `find`: resolves a file, folder, glob or list to videos
- `output_names`: the name of a video's outputs, which never changes in an output folder
- `names`: the name that joins a video to its features and annotations
- `name_limits`: names that cannot be used for outputs
"""
