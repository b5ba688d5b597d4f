"""Extracts features from videos. Independent of labels and run folders.

In the order in which a video passes through them:

- `settings`: settings of decoding and extraction
- `decoding`: a video file to frames with their times
- `damage`: detects damage from the structure of a file
- `segments`: frames to segments of 16, and segment scores to frame scores
- `decoder_pool`, `decoder_process`, `decoder_child`, `decoder_messages`, `frame_slots`: decoding in
  child processes
- `child_process`: starts, watches and ends a child process
- `confinement`: restricts what a child process can do while it decodes
- `backbones`: the networks and their weights
- `encoding`: frames to crops to features, on the CPU or a GPU
- `extraction`: the pipeline from videos to features
- `cores`, `devices`: the CPU cores of this machine, and checks of its devices
- `unix_only`: imports what exists only on Linux and macOS
"""
