"""Videos to feature files.

- `extract_features`: the step, which skips what is done
- `freshness`: whether features are still of their video
- `worker`: one encoder on one device with its decoders
- `feature_writer`: arrays that grow on disk until they are whole
- `devices`, `device_processes`: which devices, and one process for each
- `ray_cluster`, `ray_engine`: many machines
- `inspect_videos`, `estimate`, `dry_run`: what would be done, and how long it would take
"""
