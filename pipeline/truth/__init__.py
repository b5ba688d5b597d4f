"""Frame-level ground truth of a test set.

- `datasets`: official names, counts and published figures of the benchmarks
- `dataset_videos`: split lists and raw video files of a benchmark
- `forms`: readers for the supported annotation formats
- `video_annotation`, `annotations`: anomalous intervals of each video
- `windows`: annotated intervals for plots and reports
- `frame_counts`: tables of frame and segment counts
- `frame_runs`: run-length encoding of scores and labels
- `protocols`: published conventions for turning intervals into frame labels
- `score_lengths`: segment scores expanded to frames and fitted to the ground truth
- `test_set`: videos, counts, annotations and scores joined by name
- `groundtruth`: the ground-truth vector of a test set
- `vectors`: an existing ground-truth vector used instead of intervals
"""
