"""Pseudo-labels to a detector.

- `detector`: the network, and scores of segments
- `published`: the authors' checkpoints as detectors
- `feeding`: batches of segments in bounded memory
- `training`: one epoch, and all of them
- `onnx_model`: the network for other runtimes
- `scores`: smoothing and calibration of the scores of a video
"""
