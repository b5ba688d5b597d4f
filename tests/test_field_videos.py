"""Odd videos from the field, with their frame numbers in the pixels: every frame and every second.

Made after public bug reports of people who work with CCTV; the answers are of an independent tool.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.extractors.decoding.frame_reader import FrameRequest, NumberedFrame, read_frames
from c2fpl.extractors.settings import DecodingSettings
from damaged import decoded

pytestmark = pytest.mark.shared_data
EVENT = 112, 144
STARTS_S = {
    **{"vfr.mp4": 6.4, "gap.mkv": 64.48, "gap.ts": 64.48, "raw_10fps.264": 11.2},
    **{"sizechange.mkv": 4.4, "sizechange.ts": 4.4, "joined_otherpid.ts": 4.4},
    "dash_segment.mp4": 112 / 30,
}
"""Of the event by the file's own times, where they are not frame / 25."""
UNNUMBERED = ("dash_segment.mp4", "mjpeg_sizes.avi", "joined.mp4", "t8x8.mp4")
VIDEOS = (
    *("anamorphic.mp4", "base.mp4", "cam_gop250.mp4", "cam_gop250.ts", "dash_segment.mp4"),
    *("dup_pts.mkv", "gap.mkv", "gap.ts", "h264_b.avi", "insta360_trailer.mp4", "joined.mp4"),
    *("joined_otherpid.ts", "joined_reset.ts", "mjpeg_sizes.avi", "mkv_late.mkv", "ps.mpg"),
    *("raw_10fps.264", "raw_h264.264", "sizechange.mkv", "sizechange.ts", "still_first.mp4"),
    *("t8x8.mp4", "ts.ts", "ts_wrap.ts", "twotracks.mp4", "vfr.mp4", "xvid_b.avi"),
)
FRAMES = {
    **{"cam_gop250.mp4": 400, "cam_gop250.ts": 400, "dash_segment.mp4": 240},
    **{"joined.mp4": 100, "t8x8.mp4": 25},
}
"""Where they are not 200."""


def number_of(picture: NDArray[np.uint8]) -> int:
    """Twelve blocks across the top, a bit each, lowest first."""
    height, width = picture.shape[:2]
    blocks = [
        picture[height // 16, int((bit + 0.5) * width / 16)].mean() > 128 for bit in range(12)
    ]
    return sum(1 << bit for bit, lit in enumerate(blocks) if lit)


@pytest.mark.parametrize("name", VIDEOS)
def test_every_frame_is_counted_and_read_back_by_number_and_time(
    name: str, shared_data: Path
) -> None:
    path = shared_data / "field" / "video" / name
    report = decoded(path, DecodingSettings())[1]
    count = FRAMES.get(name, 200)
    assert report.num_frames_decoded == count
    start, end = EVENT if count > EVENT[1] else (10, 20)
    read = read_frames(FrameRequest(path, ((start, end), (count - 1, count)), report.times))
    frames = [frame for frame in read if isinstance(frame, NumberedFrame)]
    wanted = [*range(start, end), count - 1]
    assert [frame.frame for frame in frames] == wanted
    if name not in UNNUMBERED:
        assert [number_of(frame.pixels) for frame in frames] == wanted
    assert frames[0].time_s == pytest.approx(STARTS_S.get(name, start / 25), abs=0.06)
    assert report.times.remark == ""
    assert frames[0].pixel_aspect == (2 if name == "anamorphic.mp4" else 1)
