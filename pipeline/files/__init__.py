"""The files of a run.

- `run_files`: their names; atomic writing; fingerprints
- `npy_header`: what a `.npy` file says of itself, without trusting it
- `array_files`, `plain_pickles`: arrays in .npz, PyTorch, HDF5, MATLAB and pickle files
- `lists`: lists in text files, however they are written
- `saved_times`: when the frames of a video are shown
- `lock`: one writer at a time
- `progress`: how far a step is
- `outcomes`: which videos failed, and why
- `words`: numbers with their nouns
- `changes`: which settings changed since a file was made
"""
