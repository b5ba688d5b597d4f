"""Videos and frames: decoding, segments, crops, backbones. Knows no labels and no run folders."""
