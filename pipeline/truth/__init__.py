"""What people say about the videos of a test set.

- `datasets`: official names, counts and published figures
- `forms`: annotation files in every form that people have
- `video_annotation`, `annotations`: these files to anomalous frames
- `windows`: the annotated windows of a run's videos
- `frame_counts`: tables of videos with their frame and segment counts
- `frame_runs`: long vectors of frames as runs of equal value
- `protocols`: which frames count under which published convention
- `score_lengths`: scores of segments or parts as scores of frames, fitted to the truth
- `test_set`: videos, counts, annotations and scores joined by name
- `groundtruth`: the ground-truth vector of a test set
- `vectors`: a ready vector in place of the intervals
- `dataset_videos`: a benchmark's videos as they were unpacked
"""
