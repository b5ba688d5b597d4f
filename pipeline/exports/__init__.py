"""A run in the formats of other programs.

- `score_table`: all scores as one Parquet table
- `annotations`: events for ActivityNet's evaluation, Label Studio and CVAT
- `onnx_file`: the detector as an ONNX model
"""
