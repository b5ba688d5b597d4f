"""Clips and overlays: which frames are in them, read back off their pixels."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.pipeline.clip_settings import ClipSettings
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.clips import clip_name, cut_clips
from c2fpl.pipeline.report.events import Event, write_events
from c2fpl.pipeline.report.mp4 import NotPlayable, TimedPicture, read_pictures, write_pictures
from c2fpl.pipeline.report.overlay import (
    BACK,
    BAR,
    EVENT,
    UnknownVideo,
    panel_height,
    write_overlay,
)
from c2fpl.pipeline.settings import EventSettings
from run_folder import FRAME_RATE, HEIGHT, WIDTH, add_video, scores_with, small_run
from synthetic import Synthetic, number_of


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    files = small_run(tmp_path_factory.mktemp("clips"))
    write_events(files, EventSettings())
    return files


def frames_of(path: Path) -> list[TimedPicture]:
    return list(read_pictures(path))


def near(picture: NDArray[np.uint8], colour: tuple[int, int, int]) -> NDArray[np.bool_]:
    return np.asarray((np.abs(picture.astype(int) - colour) < 60).all(axis=-1))


def test_a_clip_holds_the_event_and_the_seconds_around_it(run_files: RunFiles) -> None:
    clips = cut_clips(run_files, ClipSettings(top=1, before_s=1.5, after_s=0.5))
    assert [path.name for path in clips.paths] == ["001_0.900_gate_night_00-00-08.mp4"]
    frames = frames_of(clips.paths[0])
    # frames 80..119 are red; 15 grey ones come before and 5 after
    red = [bool(frame.picture[..., 0].mean() > 150) for frame in frames]
    assert red == [False] * 15 + [True] * 40 + [False] * 5
    assert frames[0].picture.mean() == pytest.approx(40 + 65, abs=4)
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(60) / FRAME_RATE)


def test_a_clip_is_h264_of_the_size_of_its_video(run_files: RunFiles) -> None:
    clips = cut_clips(run_files, ClipSettings(top=5))
    assert len(clips.paths) == 2
    for path in clips.paths:
        assert path.parent == run_files.clips
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            assert stream.codec_context.name == "h264"
            assert (stream.width, stream.height) == (WIDTH, HEIGHT)
            assert stream.codec_context.pix_fmt == "yuv420p"


def test_a_video_that_is_gone_is_a_failure_of_its_own(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "gone", scores_with(60, [(20, 40, 0.9)]), with_file=False)
    add_video(files, tmp_path, "here", scores_with(60, [(20, 40, 0.8)]))
    write_events(files, EventSettings())
    clips = cut_clips(files, ClipSettings())
    assert [path.name[:9] for path in clips.paths] == ["002_0.800"]
    assert [(f.video, f.step) for f in clips.failures] == [("gone", "clips")]
    assert "no longer at" in clips.failures[0].reason
    assert [path.name for path in files.clips.iterdir()] == [clips.paths[0].name]


@pytest.mark.parametrize("name", ["a/b\\c", "x" * 500, "\u52a8" * 200])
def test_a_clip_has_a_short_name_without_folders(name: str) -> None:
    written = clip_name(7, Event(name, 0, 10, 75.2, 76.2, 0.5, 3))
    assert written.startswith("007_0.500_")
    assert written.endswith("_00-01-15.mp4")
    assert not set(written) & set("/\\")
    assert len(written.encode()) < 255


@pytest.mark.parametrize("wrong", [{"top": 0}, {"before_s": -1}, {"after_s": float("nan")}])
def test_wrong_clip_settings_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} .* (at least 1|is not in)"):
        ClipSettings(**wrong)


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    picture = np.full((33, 51, 3), 120, dtype=np.uint8)
    path = tmp_path / "odd.mp4"
    assert write_pictures(path, [TimedPicture(picture, 5 + i / 10, i) for i in range(4)]) == 4
    frames = frames_of(path)
    assert [frame.picture.shape for frame in frames] == [(32, 50, 3)] * 4
    assert [frame.time_s for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])


def test_nothing_to_write_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(NotPlayable, match="no frame for"):
        write_pictures(tmp_path / "none.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_a_text_file_is_not_playable(tmp_path: Path) -> None:
    text = tmp_path / "a.mp4"
    text.write_text("no video")
    with pytest.raises(NotPlayable, match="cannot be opened"):
        next(read_pictures(text))


def test_an_overlay_has_every_frame_and_its_curve_below(run_files: RunFiles) -> None:
    path = write_overlay(run_files, "gate/night")
    assert path == run_files.overlays / "gate" / "night.mp4"
    frames = frames_of(path)
    assert len(frames) == 240
    assert frames[0].picture.shape == (HEIGHT + panel_height(HEIGHT), WIDTH, 3)
    assert [bool(f.picture[:HEIGHT, :, 0].mean() > 150) for f in frames] == [
        80 <= index < 120 for index in range(240)
    ]


def test_the_bar_moves_and_what_was_played_above_the_threshold_is_marked(
    run_files: RunFiles, tmp_path: Path
) -> None:
    frames = frames_of(write_overlay(run_files, "gate/night", tmp_path / "night.mp4"))
    low_row = HEIGHT + panel_height(HEIGHT) - 10  # below the score 0.9, above 0.1
    for index in (100, 200):
        row = frames[index].picture[low_row]
        place = index * WIDTH // 240
        assert near(row[place - 1 : place + 1], BAR).any()
        # scores above the threshold at frames 80..119: columns 32..47
        marked = near(row, EVENT)
        marked[place - 3 : place + 3] = False
        columns = np.flatnonzero(marked)
        assert columns.min() >= 31
        assert columns.max() <= min(place, 48)
    assert near(frames[200].picture[low_row, 60:75], BACK).all()


def test_the_video_of_an_overlay_is_named_or_given_by_path(
    run_files: RunFiles, tmp_path: Path
) -> None:
    source = run_files.root.parent / "videos" / "quiet.mp4"
    path = write_overlay(run_files, str(source), tmp_path / "quiet.mp4")
    assert len(frames_of(path)) == 160
    with pytest.raises(UnknownVideo, match=r"'other' has no scores in .*; names there look like"):
        write_overlay(run_files, "other")


def test_scores_at_another_rate_follow_the_time(tmp_path: Path) -> None:
    # 40 frames at 10 a second, scores at 30 a second: high from 2 s on
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(40))
    np.save(files.scores / "a.npy", scores_with(120, [(60, 120, 0.9)]))
    record = files.features / "a.json"
    facts = json.loads(record.read_text())
    record.write_text(json.dumps({**facts, "frame_rate": 30, "settings": {"fps": "30"}}))
    frames = frames_of(write_overlay(files, "a"))
    rows = [frame.picture[HEIGHT + 25].astype(int) for frame in frames[10:40:10]]
    bars = [int(np.argmax(row[:, 0] - row[:, 2])) for row in rows]
    assert bars == pytest.approx([WIDTH / 4, WIDTH / 2, WIDTH * 3 / 4], abs=2)


def test_b_frames_in_avi_which_has_no_times_come_in_order_and_evenly(tmp_path: Path) -> None:
    source = Synthetic("B-frames.avi", frames=100).write(tmp_path)
    assert [number_of(frame.picture) for frame in frames_of(source)] == list(range(100))
    clip = tmp_path / "clip.mp4"
    assert write_pictures(clip, read_pictures(source, 2, 3)) == 25
    frames = frames_of(clip)
    first = number_of(frames[0].picture)
    assert first == pytest.approx(50, abs=2)  # decoding times are late by a constant
    assert [number_of(frame.picture) for frame in frames] == list(range(first, first + 25))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(25) / 25)
    assert write_pictures(clip, read_pictures(source)) == 100
