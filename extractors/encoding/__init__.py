"""Frames of a segment to its features.

- `crops`: ten, five or one crop of a frame
- `network`: a backbone with its weights, ready to run on a device
- `shared_stem`, `packed`: the first convolution computed once for all crops, and faster CPU layouts
- `cpu_encoder`, `cuda_encoder`: networks on the CPU and on a GPU
- `flow_encoder`: optical-flow histograms, which need no network
- `encoder`: chooses one of these encoders
"""
