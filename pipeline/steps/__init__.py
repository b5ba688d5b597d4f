"""The steps from features to labels, to a detector, to scores.

- `make_labels`, `update_labels`: pseudo-labels in memory and in files
- `train_detector`: training, and its curves
- `detector_files`: writing and reading detectors, and reading published checkpoints
- `new_videos`: features of new videos, made with the settings of a detector
- `segment_scores`: segment scores from the detector and the evidence
- `score_videos`: frame scores
- `score_index`, `scored_videos`: the index of score files, and the videos that it lists
- `convert_features`: features of any format as plain arrays
- `run_record`: run.json
"""
