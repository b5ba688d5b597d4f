"""The demo's videos: drawn from their seeds, with movement where the annotation says."""

from pathlib import Path

import numpy as np

from c2fpl.pipeline.demo_videos import draw_frames, plan_videos, write_videos


def test_every_third_video_has_its_brawl_inside_the_video() -> None:
    videos = plan_videos(count=12, seed=3)
    assert [video.anomaly is not None for video in videos] == [False, False, True] * 4
    for video in videos[2::3]:
        start, end = video.anomaly or (0, 0)
        assert 25 <= start < end <= video.frame_count - 25
        assert 0.17 < (end - start) / video.frame_count < 0.27


def test_the_same_seed_draws_the_same_frames() -> None:
    (video,) = plan_videos(count=1, seed=1)
    first = [frame for frame, _ in zip(draw_frames(video), range(3), strict=False)]
    again = [frame for frame, _ in zip(draw_frames(video), range(3), strict=False)]
    np.testing.assert_array_equal(first, again)
    assert first[0].shape == (240, 320, 3)


def test_the_brawl_moves_more_than_the_walkers() -> None:
    video = plan_videos(count=3, seed=0)[2]
    start, end = video.anomaly or (0, 0)
    frames = np.stack([f[::4, ::4].mean(2) for f in draw_frames(video)])
    change = np.abs(np.diff(frames, axis=0)).mean((1, 2))
    assert change[start:end].mean() > 1.3 * np.delete(change, slice(start, end)).mean()


def test_annotations_name_every_video_and_its_frames(tmp_path: Path) -> None:
    videos = plan_videos(count=3, seed=0)
    short = [video.__class__(**{**vars(video), "frame_count": 4}) for video in videos]
    lines = write_videos(short, tmp_path / "videos").read_text().splitlines()
    start, end = videos[2].anomaly or (0, 0)
    assert lines == ["hall00", "yard01", f"hall02 {start} {end}"]
    assert sorted(p.name for p in (tmp_path / "videos").iterdir()) == [
        "hall00.mp4",
        "hall02.mp4",
        "yard01.mp4",
    ]
