"""Clips and overlays: which frames are in them, read back off their pixels."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import UnknownVideo
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.clips import clip_name, cut_clips
from c2fpl.pipeline.report.events import Event, write_events
from c2fpl.pipeline.report.overlay import BACK, BAR, EVENT, panel_height, write_overlay
from c2fpl.pipeline.settings import ClipSettings, EventSettings
from command_line import c2fpl
from run_folder import (
    FRAME_RATE,
    HEIGHT,
    WIDTH,
    add_video,
    frames_of,
    scores_with,
    small_run,
    write_video,
)


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    files = small_run(tmp_path_factory.mktemp("clips"))
    write_events(files, EventSettings())
    return files


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
    assert "missing at" in clips.failures[0].reason
    assert [path.name for path in files.clips.iterdir()] == [clips.paths[0].name]


def test_a_damaged_video_costs_its_own_clips_and_the_exit_code(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    for name, height in (("cut", 0.9), ("text", 0.85), ("whole", 0.8)):
        add_video(files, tmp_path, name, scores_with(160, [(20, 40, height), (120, 150, height)]))
    write_events(files, EventSettings())
    write_video(tmp_path / "cut.mp4", 100)  # overwritten by a shorter one
    (tmp_path / "text.mp4").write_text("no video")
    clips = cut_clips(files, ClipSettings(before_s=0, after_s=0))
    assert sorted(path.name[4:14] for path in clips.paths) == [
        *("0.800_whol", "0.800_whol", "0.900_cut_")
    ]
    reasons = {failure.video: failure.reason for failure in clips.failures}
    assert "event of frames 120 to 149: the video ends at frame 100" in reasons["cut"]
    assert "not a readable video" in reasons["text"]
    assert len(clips.failures) == 3
    assert c2fpl("clips", files.root) == 1
    assert not [path for path in files.clips.iterdir() if path.suffix != ".mp4"]


def test_events_that_overlap_share_one_pass_and_are_each_whole(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(160, [(40, 60, 0.9), (70, 90, 0.8)]))
    write_events(files, EventSettings(merge_gap_s=0, threshold=0.5))
    clips = cut_clips(files, ClipSettings(before_s=2, after_s=3))
    greys = [[frame.picture.mean() for frame in frames_of(path)] for path in clips.paths]
    assert greys[0] == pytest.approx([40 + n for n in range(20, 90)], abs=4)
    assert greys[1] == pytest.approx([40 + n % 100 for n in range(50, 120)], abs=4)


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
    with pytest.raises(UnknownVideo, match=r"'other' has no scores in .*; use a name such as"):
        write_overlay(run_files, "other")


def test_an_overlay_of_a_resampled_video_has_a_picture_for_each_score(tmp_path: Path) -> None:
    # 40 frames at 10 a second, 120 scores at 30 a second: high from 2 s on
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(40))
    np.save(files.scores / "a.npy", scores_with(120, [(60, 120, 0.9)]))
    record = files.features / "a.json"
    facts = json.loads(record.read_text())
    resampled = {"frame_rate": 30, "times": "constant", "settings": {"fps": "30"}}
    record.write_text(json.dumps({**facts, **resampled}))
    frames = frames_of(write_overlay(files, "a"))
    assert [frame.time_s for frame in frames] == pytest.approx(np.arange(120) / 30)
    greys = [frame.picture[:HEIGHT].mean() for frame in frames]
    assert greys == pytest.approx([40 + int(slot / 3 + 0.34) for slot in range(120)], abs=4)
