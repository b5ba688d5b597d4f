"""Features to labels, labels to a detector, a detector to scores.

- `make_labels`, `label_segments`: pseudo-labels in memory, and as files
- `train_detector`, `tensorboard`: the detector, and its curves
- `detector_files`: detectors written and read, published checkpoints too
- `new_videos`: features of new videos, made as those of a detector
- `segment_scores`: scores of segments, by the detector and the evidence
- `score_videos`: scores of every frame
- `score_index`, `scored_videos`: which score files belong together, and facts of their videos
- `convert_features`: features of any form as plain arrays
- `run_record`: run.json, what ran and with what
"""
