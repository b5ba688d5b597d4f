"""Events, pictures, clips and the report: what people look at.

- `thresholds`, `events`: from scores to the stretches of video worth watching
- `curves`: score curves small enough to draw
- `frames`: reading frames by number
- `event_stills`, `plots` (each a `video_figure`): images
- `mp4`, `clips`, `overlay`: videos
- `page_data`, `page`: the HTML report, which opens from disk
"""
