"""Scores against annotations.

- `metrics`: AUC, average precision, false alarms
- `intervals`: bootstrap over videos
- `join`: score files joined with a test set by name
- `evaluate`: one test set
- `tables`: the result on screen
"""
