"""The networks that turn clips into features.

- `catalogue`: every backbone, its input, size and weights
- `builders`: the networks, built by the libraries that own them
- `inception`: Inception I3D, which no library has
- `clip`: CLIP's image encoder, and the names in its weights files
- `weights`: tensors of a file into a network, whatever prefix they stand under
- `official`: the publishers' files, fetched once and checked by SHA-256
- `state_files`: weights files of every form, read without executing them
- `archives`: PyTorch archives that hold more than tensors
- `caffe2`: the files of video-nonlocal-net
"""
