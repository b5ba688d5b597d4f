"""Decodes video files into frames.

- `header`: properties of a video, read without decoding it
- `streams`: chooses the video stream to read
- `one_pid`: reads a transport stream whose video changes its packet identifier as one stream
- `pyav_frames`, `decord_frames`: the two decoders
- `timestamps`, `presentation_times`: timestamps of a file to the presentation time of each frame
- `missing_frames`: counts frames missing between timestamps
- `resampling`: resamples frames to a constant rate
- `resizing`: resizes frames before cropping
- `frame_reader`: reads frames by number, for stills and clips
- `video`: decodes one video with all of these and reports what was lost
"""
