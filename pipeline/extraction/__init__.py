"""Extracts features of videos to files.

- `extract_features`: the extraction step, which skips videos with up-to-date features
- `feature_settings`: everything that determines the content of a feature file
- `freshness`: checks whether features are up to date
- `worker`: one encoder on one device with its decoders
- `feature_writer`: writes arrays that grow while a video is encoded
- `precisions`: chooses one precision for all devices of a run
- `device_processes`: runs one process per device
- `ray_cluster`, `ray_engine`: extraction on several machines
- `inspect_videos`, `estimate`, `dry_run`: check videos and estimate the run time in advance
"""
