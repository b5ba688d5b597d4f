"""Which videos are meant.

- `search`: video files below a folder or glob, and what is left out
- `list_entries`: lists in the forms of the field, to their entries
- `find`: a file, folder, glob or list to videos
- `names`: the name that joins a video to its outputs and annotations
- `name_limits`: names that no disk can hold
"""
