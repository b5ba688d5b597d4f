"""The networks that turn clips into features.

- `catalogue`: every backbone, its input, size and weights
- `builders`: networks of pytorchvideo and torchvision
- `inception`: Inception I3D, which no library has
- `clip`: CLIP's image encoder, and the names in its weights files
- `weights`: loads the tensors of a file into a network, whatever their prefix
- `official`: the publishers' files, downloaded once and checked by SHA-256
- `state_files`: reads weights files of all formats without executing code in them
- `archives`: PyTorch archives that hold more than tensors
- `plain_pickles`: pickles of arrays, numbers, lists and dicts
- `caffe2`: the files of video-nonlocal-net
"""
