"""The networks that turn clips into features.

- `catalogue`: every backbone, its input, size and weights
- `builders`: the networks, built by the libraries that own them
- `weights`: official or local files, checked by SHA-256
- `caffe2`: the files of video-nonlocal-net, read without executing them
"""
