"""Pseudo-labels from features, without annotations.

- `summaries`: segment norms, and the two numbers that describe a video
- `coarse`: which videos are pseudo-anomalous
- `fine`: which of their segments are
- `change`, `surroundings`, `distance`, `usual`, `evidence`, `two_states`, `refined`: method
  `refined`
- `confidence`: how far the features are from noise
- `joined`: one score from the evidence and a detector
"""
