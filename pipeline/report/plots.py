"""Write one plot per video, in child processes if there are many."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

from PIL import Image

from c2fpl.errors import WorkersDied
from c2fpl.extractors.child_process import (
    ChildDied,
    ChildProcess,
    connect_to_parent,
    ready_children,
)
from c2fpl.extractors.cores import usable_cores
from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles, beside, fingerprint
from c2fpl.pipeline.report.events import RunEvents, events_by_video, load_events
from c2fpl.pipeline.report.frames import VideoFrames
from c2fpl.pipeline.report.video_figure import plot_video
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos
from c2fpl.pipeline.truth.windows import Windows

DRAWN_FROM = "c2fpl-fingerprint"
PLOTS_WORTH_A_PROCESS = 16
"""A child process takes 2 s to start: fewer plots are drawn sooner without one."""


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
    """Write one plot, unless the existing file was drawn from the same inputs.

    A plot with pictures is kept after its video was deleted.
    """
    facts = facts_of(plot.video, plot.windows, plot.found)
    wanted = fingerprint({**facts, "pictures": plot.video.playable is not None})
    with_pictures = fingerprint({**facts, "pictures": True})
    if plot.path.is_file() and drawn_from(plot.path) in (wanted, with_pictures):
        return
    figure = plot_video(plot.video, plot.windows, plot.found, frames)
    with whole_file(plot.path) as file:
        figure.savefig(file, format="png", metadata={DRAWN_FROM: wanted})


def facts_of(video: ScoredVideo, windows: Windows, found: RunEvents | None) -> dict[str, object]:
    """Everything that the plot of a video depends on."""
    scores_digest = hashlib.sha256(video.scores().tobytes()).hexdigest()
    times = video.times()
    return {
        "video": (video.name, times.frame_rate, scores_digest),
        "times": times.seconds is not None and hashlib.sha256(times.seconds.tobytes()).hexdigest(),
        "file": str(video.source),
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
