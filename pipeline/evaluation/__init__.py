"""Evaluate scores against annotations.

- `evaluate`: evaluation of one test set
- `truth_inputs`: annotations of a test set and how they are read
- `join`: score files joined with a test set by name
- `score_provenance`: times of the frames of scores, and notes on their features
- `metrics`: AUC, average precision, false-alarm rate
- `intervals`: bootstrap confidence intervals over videos
- `yardsticks`: metrics that a video's length cannot inflate
- `references`: baseline scores without a network
- `tables`: tables for the terminal
"""
