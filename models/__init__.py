"""Arrays to labels, and labels to a detector. Knows no files and no videos.

- `settings`: what labels, training and scores depend on
- `sources`, `halves`, `rows`: features in memory or on disk, behind one interface
- `relative`: features beside the usual state of their video
- `labels`: features to pseudo-labels
- `detection`: pseudo-labels to a detector, and a detector to scores
"""
