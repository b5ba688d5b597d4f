"""Finds damage in a video file by reading its container, without decoding.

- `broken_files`: chooses the check for a container
- `mp4_boxes`, `matroska`, `transport_stream`: one container each
- `transport_tables`: where the video of a transport stream changes its packet identifier
- `chunks`: six containers that are sequences of chunks
"""
