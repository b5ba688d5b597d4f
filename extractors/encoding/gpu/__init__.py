"""Runs networks on an NVIDIA GPU.

- `folding`: 3D convolutions as 2D convolutions, whose sums and ReLUs cuDNN fuses
- `folded_network`: a whole network in that form
- `device`: copies, CUDA graphs and clocks of one GPU
- `device_resize`: Pillow's resize on the GPU, equal to the bit
- `clips`: cuts the network's input from frames on the GPU
- `batches`: runs a network on batches of one size, captured once
- `kernel_check`: compares a network on the GPU with float32
- `startup`: chooses form and batch size, and checks them
- `cuda_encoder`: frames to features with all of these
"""
