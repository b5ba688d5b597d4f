"""What people look at.

- `thresholds`, `events`: scores to the stretches worth looking at
- `curves`: scores small enough to draw
- `frames`: frames by number
- `event_stills`, `plots`: pictures
- `mp4`, `clips`, `overlay`: videos
- `exports`: events for other programs
- `page_data`, `page`: the report that opens from disk
"""
