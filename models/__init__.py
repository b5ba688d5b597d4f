"""Arrays: coarse labels, fine labels, the detector and its training. Knows no files and no videos."""
