"""Labels, detectors and scores from arrays. These modules do not read files or videos.

- `settings`: settings of labels, training and scores
- `sources`, `halves`, `rows`: one interface to features in memory or on disk
- `relative`: features relative to the usual state of their video
- `labels`: pseudo-labels from features
- `detection`: a detector from pseudo-labels, and its scores
"""
