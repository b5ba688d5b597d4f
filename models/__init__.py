"""Arrays to labels, and labels to a detector. Knows no files and no videos.

- `settings`: what labels, training and scores depend on
- `sources`, `halves`: features in memory or on disk, behind one interface
- `labels`: features to pseudo-labels
- `detection`: pseudo-labels to a detector, and a detector to scores
"""
