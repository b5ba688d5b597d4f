"""What a broken file says about itself, read from its container without decoding.

- `broken_files`: chooses the reader for a container
- `mp4_boxes`, `matroska`, `transport_stream`: one container each
- `transport_tables`: where the video of a transport stream gets another packet identifier
- `chunks`: six containers that are rows of chunks
"""
