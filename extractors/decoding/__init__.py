"""A video file to its frames.

- `header`: what the container says before anything is decoded
- `streams`: which of its video streams is read
- `one_pid`: a transport stream whose video changes its packet identifier, as one stream
- `pyav_frames`, `decord_frames`: the two decoders
- `frame_clock`, `presentation_times`: when each frame is shown
- `frame_times`: frames missing between the time stamps of the others
- `resampling`: frames at a constant rate
- `resizing`: frames to the size that crops are cut from
- `frame_reader`: frames by number, for pictures and clips
- `video`: one video through all of these, with a report of what was lost
"""
