"""Runs networks on an NVIDIA GPU.

- `folding`: 3D convolutions as 2D convolutions, whose sums and ReLUs cuDNN fuses
- `folded_network`: a whole network in that form
"""
