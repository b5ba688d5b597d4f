"""Plots: what is drawn where, for hostile names and missing videos, holding on to nothing."""

import gc
import os
import subprocess
import sys
import warnings
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from PIL import Image

from c2fpl.errors import WorkersDied
from c2fpl.extractors.decoding.pyav_frames import upright
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report import plots
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import events_by_video, write_events
from c2fpl.pipeline.report.frames import VideoFrames
from c2fpl.pipeline.report.plots import write_plots
from c2fpl.pipeline.report.video_figure import clock, plot_video, shown_name, tick_distance_s
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import scored_videos
from run_folder import HEIGHT, HOSTILE, WIDTH, add_video, scores_with, small_run


@pytest.fixture(scope="module")
def run_files(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    return small_run(tmp_path_factory.mktemp("plots"))


def figure_of(files: RunFiles, name: str, windows: tuple[tuple[int, int], ...] = ()) -> Figure:
    events = write_events(files, EventSettings())
    video = next(video for video in scored_videos(files) if video.name == name)
    with VideoFrames() as frames:
        own = replace(events, events=tuple(events_by_video(events).get(name, ())))
        return plot_video(video, windows, own, frames)


def test_every_video_gets_one_picture_under_its_own_name(run_files: RunFiles) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        paths = write_plots(run_files, {"quiet": [(10, 20)]})
    names = [path.relative_to(run_files.plots).as_posix() for path in paths]
    assert names == [f"{HOSTILE}.png", "gate/night.png", "quiet.png"]
    with Image.open(paths[0]) as picture:
        assert picture.size == (1210, 396)


def test_pictures_do_not_depend_on_the_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    alone = [path.read_bytes() for path in write_plots(files)]
    for path in files.plots.rglob("*.png"):
        path.unlink()
    in_two_processes(monkeypatch)
    assert [path.read_bytes() for path in write_plots(files)] == alone


def in_two_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "PLOTS_WORTH_A_PROCESS", 1)
    monkeypatch.setattr(plots, "usable_cores", lambda: 2)


def test_an_error_of_a_process_is_the_error_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small_run(tmp_path)
    files.plots.write_text("a file where the folder belongs")
    in_two_processes(monkeypatch)
    with pytest.raises(OSError, match="plots"):
        write_plots(files)


def test_a_process_that_dies_ends_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = small_run(tmp_path)
    (tmp_path / "dying.py").write_text("import os\ndef main(*descriptors):\n    os._exit(3)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(plots, "__name__", "dying")
    in_two_processes(monkeypatch)
    with pytest.raises(WorkersDied, match=r"draws plots died \(exit code 3\)"):
        write_plots(files)


def test_the_curve_holds_each_score_until_the_next(run_files: RunFiles) -> None:
    axes = figure_of(run_files, "gate/night").axes[1]
    (filled, *_) = axes.patches
    assert isinstance(filled, StepPatch)
    values, edges, _ = filled.get_data()
    assert edges.tolist() == [0, 8, 12, 24]
    assert values.tolist() == pytest.approx([0.1, 0.9, 0.1])


def test_annotated_windows_are_shaded_from_start_to_end_in_seconds(run_files: RunFiles) -> None:
    plain = figure_of(run_files, "quiet").axes[1]
    shaded = figure_of(run_files, "quiet", ((30, 60), (100, 120))).axes[1]
    assert len(shaded.patches) - len(plain.patches) == 2
    boxes = [shaded.patches[index].get_extents() for index in (0, 1)]
    to_data = shaded.transData.inverted()
    spans = [(to_data.transform(box)[:, 0]).round(6).tolist() for box in boxes]
    assert spans == [[3.0, 6.0], [10.0, 12.0]]


def test_the_stills_show_the_video_at_the_middles_of_equal_parts(run_files: RunFiles) -> None:
    # 240 frames, frames 80..119 red: the still of part 4 of 8 (frame 105) is the only red one.
    strip = figure_of(run_files, "gate/night").axes[0]
    means = [np.asarray(image.get_array())[..., :3].mean((0, 1)) for image in strip.images]
    assert [bool(red > 150 and green < 80) for red, green, _ in means] == [
        index == 3 for index in range(8)
    ]
    assert means[0][0] == pytest.approx(40 + 15, abs=4)


def test_a_video_that_is_gone_still_has_its_curve(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "gone", scores_with(50), with_file=False)
    add_video(files, tmp_path, "text", scores_with(50), with_file=False)
    (tmp_path / "text.mp4").write_text("no video")
    assert [path.name for path in write_plots(files)] == ["gone.png", "text.png"]


def test_a_picture_is_drawn_again_only_when_something_in_it_changed(tmp_path: Path) -> None:
    files = small_run(tmp_path)
    write_events(files, EventSettings())
    first = {path: path.stat().st_mtime_ns for path in write_plots(files)}
    assert {path: path.stat().st_mtime_ns for path in write_plots(files)} == first
    write_plots(files, {"quiet": [(10, 20)]})
    again = [path.stem for path, time in first.items() if path.stat().st_mtime_ns != time]
    assert again == ["quiet"]
    write_events(files, EventSettings(threshold=0.7))
    write_plots(files)
    assert all(path.stat().st_mtime_ns != time for path, time in first.items())


def test_a_damaged_picture_is_drawn_again(tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(50), with_file=False)
    (path,) = write_plots(files)
    path.write_bytes(b"no picture")
    write_plots(files)
    with Image.open(path) as picture:
        assert picture.size == (1210, 396)


def test_thousands_of_figures_leave_nothing_behind(run_files: RunFiles) -> None:
    figures = [weakref.ref(figure_of(run_files, "quiet")) for _ in range(3)]
    gc.collect()
    assert [figure() for figure in figures] == [None] * 3
    code = "import c2fpl.pipeline.report.plots, sys; assert 'matplotlib.pyplot' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_names_are_written_as_they_are_and_what_the_font_lacks_as_a_square() -> None:
    assert shown_name("a$b$ {x}_<i>") == "a$b$ {x}_<i>"
    assert shown_name("a\n\udcff\u52a8") == "a" + "\N{WHITE SQUARE}" * 3
    assert len(shown_name("x" * 300)) == 113


@pytest.mark.parametrize(
    ("seconds", "text"), [(2.5, "0:02.5"), (75, "1:15"), (3675, "1:01:15"), (0, "0:00")]
)
def test_times_on_the_axis(seconds: float, text: str) -> None:
    assert clock(seconds) == text


@pytest.mark.parametrize(("duration_s", "distance"), [(8, 1), (34, 5), (3600, 600), (90000, 14400)])
def test_an_axis_has_at_most_ten_usual_ticks(duration_s: float, distance: float) -> None:
    assert tick_distance_s(duration_s) == distance


def test_a_short_curve_keeps_every_change() -> None:
    scores = np.array([0.2, 0.2, 0.5, 0.1, 0.1], dtype=np.float32)
    curve = curve_of(scores, 10)
    assert curve.starts.tolist() == [0, 2, 3]
    assert curve.edges.tolist() == [0, 2, 3, 5]
    assert np.array_equal(np.repeat(curve.values, np.diff(curve.edges)), scores)


def test_a_thinned_curve_keeps_every_peak() -> None:
    scores = np.random.default_rng(0).random(10_007).astype(np.float32)
    curve = curve_of(scores, 100)
    drawn = np.repeat(curve.values, np.diff(curve.edges))
    assert len(curve.values) == 100
    assert len(drawn) == len(scores)
    assert (drawn >= scores).all()
    assert set(curve.values) <= set(scores)


def test_stills_are_the_frames_that_were_asked_for(run_files: RunFiles) -> None:
    quiet = next(v for v in scored_videos(run_files) if v.name == "quiet")
    wanted = [0, 9, 159, 73, 73]
    with VideoFrames() as frames:
        stills = frames.stills(quiet, wanted, HEIGHT // 2)
    greys = [None if still is None else float(still.mean()) for still in stills]
    # frame i is grey 40 + i % 100
    assert greys == pytest.approx([40 + frame % 100 for frame in wanted], abs=3)
    assert stills[0] is not None
    assert stills[0].shape == (HEIGHT // 2, WIDTH // 2, 3)


@pytest.mark.parametrize("text", ["no video", ""])
def test_no_video_gives_no_still_and_no_error(text: str, tmp_path: Path) -> None:
    files = RunFiles(tmp_path / "run")
    add_video(files, tmp_path, "a", scores_with(60), with_file=False)
    (video,) = scored_videos(files)
    with VideoFrames() as frames:
        assert frames.stills(video, [0, 10], 10) == [None, None]
        (tmp_path / "a.mp4").write_text(text)
        assert frames.stills(video, [0, 10], 10) == [None, None]


def test_a_picture_is_turned_counterclockwise_by_its_tag() -> None:
    picture = np.zeros((1, 2, 3), dtype=np.uint8)
    picture[0, 1] = 255  # right end is white
    assert upright(picture, 90)[:, 0, 0].tolist() == [255, 0]
    assert upright(picture, -90)[:, 0, 0].tolist() == [0, 255]
    assert upright(picture, 270)[:, 0, 0].tolist() == [0, 255]


def test_pictures_and_features_leave_a_slanted_tag_alone() -> None:
    picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    for degrees in (0, 7, 60, -80):
        np.testing.assert_array_equal(upright(picture, degrees), picture)
