"""Draw one plot per video: stills on top, the score below, annotated windows shaded.

The layout is that of Figure 9 of the paper's supplementary material.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import FuncFormatter, MultipleLocator
from PIL import Image

from c2fpl.errors import WorkersDied
from c2fpl.extractors.child_process import (
    ChildDied,
    ChildProcess,
    connect_to_parent,
    ready_children,
)
from c2fpl.extractors.cores import usable_cores
from c2fpl.extractors.decoding.presentation_times import PresentationTimes
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles, beside, fingerprint
from c2fpl.pipeline.report.curves import curve_of
from c2fpl.pipeline.report.events import RunEvents, events_by_video, load_events
from c2fpl.pipeline.report.frames import Picture, VideoFrames
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos
from c2fpl.pipeline.truth.windows import Windows

WIDTH_INCHES, HEIGHT_INCHES = 11.0, 3.6
STRIP, CURVE = (0.055, 0.66, 0.93, 0.25), (0.055, 0.13, 0.93, 0.45)
"""Left, bottom, width and height as fractions of the figure."""
DRAWN_FROM = "c2fpl-fingerprint"
STILLS = 8
BLANK = np.full((3, 4, 3), 235, dtype=np.uint8)
"""Grey image shown for a still that cannot be decoded."""
STILL_HEIGHT_PIXELS = 120
MOST_STEPS = 4000
LONGEST_TITLE = 110
PLOTS_WORTH_A_PROCESS = 16
"""A child process takes 2 s to start: fewer plots are drawn sooner without one."""
SCORE_COLOUR, WINDOW_COLOUR, EVENT_COLOUR = "#1f5fa8", "#e4572e", "#f2a541"


@dataclass(frozen=True)
class Plot:
    """The inputs of one plot, small enough to send to another process."""

    path: Path
    video: ScoredVideo
    windows: Windows
    found: RunEvents | None
    """Threshold of the run and events of this video; None if the run has no events."""


def write_plots(
    files: RunFiles, annotations: Mapping[str, Windows] | None = None, *, quiet: bool = False
) -> list[Path]:
    """Write plots/<name>.png for every scored video, skipping plots that are up to date.

    Events and threshold are drawn if the run has events.json.

    Args:
        files: the run.
        annotations: annotated windows to shade, by video name.
        quiet: hide the progress bar.

    Raises:
        BadScores: the run has no scores yet.
    """
    found = load_events(files) if files.events_json.is_file() else None
    return plot_videos(files, scored_videos(files), found, annotations or {}, quiet=quiet)


def plot_videos(
    files: RunFiles,
    videos: Sequence[ScoredVideo],
    found: RunEvents | None,
    annotations: Mapping[str, Windows],
    *,
    quiet: bool,
) -> list[Path]:
    """Write the plots of some videos; `found` may have the events of more videos."""
    events = found and events_by_video(found)
    plots = [
        Plot(
            beside(files.plots, video.name, ".png"),
            video,
            tuple(annotations.get(video.name, ())),
            found and replace(found, events=tuple((events or {}).get(video.name, ()))),
        )
        for video in videos
    ]
    children = min(usable_cores(), len(plots) // PLOTS_WORTH_A_PROCESS)
    with progress("plots", len(plots), "videos", quiet=quiet) as shown:
        if children < 2:
            draw_all(plots, shown.advance)
        else:
            draw_in_children(plots, children, shown.advance)
    return [plot.path for plot in plots]


def draw_all(plots: Sequence[Plot], after_each: Callable[[], None]) -> None:
    """Write plots with one decoder process."""
    with VideoFrames() as frames:
        for plot in plots:
            draw(plot, frames)
            after_each()


def draw_in_children(plots: Sequence[Plot], count: int, after_each: Callable[[], None]) -> None:
    """Write plots in this number of child processes.

    Raises:
        WorkersDied: a child died.
        Exception: the error that ended a child, such as a full disk.
    """
    children = [ChildProcess[Exception | None](__name__) for _ in range(count)]
    try:
        for number, child in enumerate(children):
            child.send(plots[number::count])
        left = len(plots)
        while left:
            for child in ready_children(children):
                if error := child.receive():
                    raise error
                left -= 1
                after_each()
    except ChildDied as died:
        raise WorkersDied(
            f"a process that draws plots died ({died}); run the command again"
        ) from died
    finally:
        for child in children:
            child.end()


def main(connection_descriptor: int, lifeline: int) -> None:
    """Main function of a child: write the plots of the first message, then wait for the end."""
    connection = connect_to_parent(connection_descriptor, lifeline)
    try:
        draw_all(connection.recv(), lambda: connection.send(None))
    except (OSError, ValueError) as error:
        connection.send(error)  # the parent raises it
    connection.poll(None)


def draw(plot: Plot, frames: VideoFrames) -> None:
    """Write one plot, unless the existing file was drawn from the same inputs."""
    wanted = fingerprint(facts_of(plot.video, plot.windows, plot.found))
    if plot.path.is_file() and drawn_from(plot.path) == wanted:
        return
    figure = plot_video(plot.video, plot.windows, plot.found, frames)
    with whole_file(plot.path) as file:
        figure.savefig(file, format="png", metadata={DRAWN_FROM: wanted})


def facts_of(video: ScoredVideo, windows: Windows, found: RunEvents | None) -> dict[str, object]:
    """Everything that the plot of a video depends on."""
    scores_digest = hashlib.sha256(video.scores().tobytes()).hexdigest()
    source, times = video.playable, video.times()
    return {
        "video": (video.name, times.frame_rate, scores_digest),
        "times": times.seconds is not None and hashlib.sha256(times.seconds.tobytes()).hexdigest(),
        "file": source and (str(source), source.stat().st_mtime_ns),
        "windows": [tuple(window) for window in windows],
        "threshold": found and found.threshold.value,
        "events": [asdict(event) for event in found.events] if found else [],
        "drawn_by": metadata.version("c2fpl"),
    }


def drawn_from(path: Path) -> str:
    """The fingerprint stored in a plot; empty if there is none."""
    try:
        with Image.open(path) as picture:
            return str(picture.info.get(DRAWN_FROM, ""))
    except OSError:
        return ""


def plot_video(
    video: ScoredVideo, windows: Windows, events: RunEvents | None, frames: VideoFrames
) -> Figure:
    """Draw one video; stills that cannot be decoded are grey."""
    scores, times = video.scores(), video.times()
    figure = Figure(figsize=(WIDTH_INCHES, HEIGHT_INCHES), dpi=110)
    strip, axes = figure.add_axes(STRIP), figure.add_axes(CURVE)
    middles_s = (np.arange(STILLS) + 0.5) * times.duration_s / STILLS
    shown = [times.frame_shown_at(middle_s) for middle_s in middles_s]
    pictures = frames.stills(video, shown, STILL_HEIGHT_PIXELS)
    draw_strip(strip, pictures)
    curve = curve_of(scores, MOST_STEPS)
    draw_windows(axes, [(times.start_s(start), times.end_s(end)) for start, end in windows])
    edges_s = times.start_s(curve.edges)
    axes.stairs(curve.values, edges_s, color=SCORE_COLOUR, fill=True, alpha=0.12)
    axes.stairs(curve.values, edges_s, baseline=None, color=SCORE_COLOUR, lw=1.4)
    if events is not None:
        draw_events(axes, video, events)
    label_axes(axes, times)
    figure.suptitle(
        shown_name(video.name), x=0.008, ha="left", fontsize=10, fontweight="bold", parse_math=False
    )
    return figure


def draw_strip(axes: Axes, pictures: Sequence[Picture | None]) -> None:
    """Place each still above its part of the curve, as large as fits."""
    slot_aspect = WIDTH_INCHES * STRIP[2] / len(pictures) / (HEIGHT_INCHES * STRIP[3])
    axes.axis("off")
    for index, picture in enumerate(pictures):
        shown = BLANK if picture is None else picture
        aspect = shown.shape[1] / shown.shape[0] / slot_aspect
        half_width, half_height = min(aspect, 0.97) / 2, min(1, 0.97 / aspect) / 2
        middle = index + 0.5
        extent = (middle - half_width, middle + half_width, 0.5 - half_height, 0.5 + half_height)
        axes.imshow(shown, extent=extent, aspect="auto")
    axes.set(xlim=(0, len(pictures)), ylim=(0, 1))


def draw_windows(axes: Axes, windows: Sequence[tuple[float, float]]) -> None:
    """Shade annotated windows, given as (start_s, end_s)."""
    for index, (start, end) in enumerate(windows):
        axes.axvspan(
            start,
            end,
            color=WINDOW_COLOUR,
            alpha=0.22,
            lw=0,
            label="annotated" if index == 0 else None,
        )


def draw_events(axes: Axes, video: ScoredVideo, events: RunEvents) -> None:
    """Draw the events along the bottom and the threshold as a dashed line."""
    axes.axhline(events.threshold.value, color="0.45", lw=0.9, ls=(0, (4, 3)), label="threshold")
    own = [(event.start_s, event.end_s - event.start_s) for event in events.events]
    if own:
        axes.broken_barh(own, (-0.045, 0.035), color=EVENT_COLOUR, label="event")


def label_axes(axes: Axes, times: PresentationTimes) -> None:
    """Label the axes: time in minutes and seconds, score from 0 to 1."""
    duration_s, about = times.duration_s, "about " if times.seconds is not None else ""
    axes.set(xlim=(0, duration_s), ylim=(-0.05, 1.02), ylabel="anomaly score")
    axes.set_xlabel(f"time   ({about}{times.frame_rate:g} frames per second)", fontsize=8)
    axes.xaxis.set_major_locator(MultipleLocator(tick_distance_s(duration_s)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: clock(seconds)))
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=3, fontsize=8, frameon=False)


def tick_distance_s(duration_s: float) -> float:
    """The smallest round tick distance that gives at most ten ticks."""
    usual = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    return next((distance for distance in usual if duration_s <= 10 * distance), duration_s / 8)


def clock(seconds: float) -> str:
    """Seconds as a tick label: 75 -> 1:15, 3675 -> 1:01:15, 2.5 -> 0:02.5."""
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    tenths = f"{rest:02.0f}" if rest == int(rest) else f"{rest:04.1f}"
    return f"{hours}:{minutes:02d}:{tenths}" if hours else f"{minutes}:{tenths}"


def shown_name(name: str) -> str:
    """The name with characters missing from the font replaced, cut in the middle if too long."""
    known = get_font(findfont(FontProperties(weight="bold"))).get_charmap()
    written = "".join(letter if ord(letter) in known else "\N{WHITE SQUARE}" for letter in name)
    if len(written) <= LONGEST_TITLE:
        return written
    half = LONGEST_TITLE // 2
    return f"{written[:half]} \N{HORIZONTAL ELLIPSIS} {written[-half:]}"
