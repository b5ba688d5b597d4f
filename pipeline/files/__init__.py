"""The files of a run.

- `run_files`: their names; JSON, arrays, tables and fingerprints
- `atomic`: atomic writing
- `npy_header`: reads and checks the header of a `.npy` file
- `array_files`: arrays in .npz, PyTorch, HDF5, MATLAB and pickle files
- `lists`: lists in text files of any encoding and quoting
- `saved_times`: presentation times of the frames of a video
- `lock`: one writer at a time
- `progress`, `time_left`: progress bar or log lines
- `outcomes`: failed videos, their reasons and the exit code
- `wording`: wording shared by messages
"""
