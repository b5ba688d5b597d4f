"""Scores against annotations.

- `metrics`: AUC, average precision, false alarms
- `intervals`: bootstrap over videos
- `yardsticks`: what a video's length cannot flatter
- `references`: scores that need no network
- `recorded`: the times of the frames behind a folder of scores
- `join`: score files joined with a test set by name
- `evaluate`, `result`: one test set
- `tables`: the result on screen
"""
