"""Labels, detectors and scores from arrays. These modules do not read files or videos.

- `settings`: settings of labels, training and scores
- `sources`: one interface to features in memory or on disk
- `chunks`: samples and blocks of a video that is read in chunks
- `float16`: fast conversion to float32
- `relative`: features relative to the usual state of their video
- `repeated`: segments that training reads more often
- `labels`: pseudo-labels from features
- `detection`: a detector from pseudo-labels, and its scores
"""
