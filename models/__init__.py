"""Arrays: coarse and fine labels, the detector, its training. Knows no files and no videos."""
