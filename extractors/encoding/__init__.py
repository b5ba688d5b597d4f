"""Computes the features of segments from their frames.

- `crops`: ten, five or one crop of a frame
- `network`: rewrites a network into a faster equivalent form
- `fusing`: sums and ReLUs computed together with the convolution before them
- `shared_stem`: the first convolution computed once for all crops
- `packed`: fused convolutions in the CPU's own memory layout
- `allocator`: keeps freed memory in the process while a CPU computes
- `held_frames`: the interface to every encoder, and the frames that it holds
- `cpu_encoder`: the network on the CPU
- `gpu`: the network on an NVIDIA GPU, in a form of its own
- `flow_encoder`: histograms of optical flow, without a network
- `camera_motion`: the motion of the camera, subtracted from the flow
- `encoder`: chooses one of these encoders
"""
