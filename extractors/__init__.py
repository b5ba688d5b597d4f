"""Videos to features: decoding, segments, crops, backbones. Independent of labels and run folders.

In the order in which a video passes through them:

- `settings`: settings of decoding and extraction
- `decoding`: a file to frames, with their times
- `damage`: what a broken file says about itself
- `segments`: frames to segments of 16, and scores of segments back to frames
- `decoder_process`, `child_process`, `decoder_child`, `decoder_messages`, `frame_slots`: decoding
  in watched children
- `confinement`: what a child cannot do while it decodes
- `backbones`: the networks and their weights
- `encoding`: frames to crops to features, on the CPU or a GPU
- `extraction`: the pipeline that joins them
- `cores`, `devices`, `posix`: what this machine has
"""
