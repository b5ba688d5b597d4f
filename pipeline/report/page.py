"""Write the report: static pages that open from disk, without a server or a network.

`index.html` and its scripts are the same for every run; the data of a run are in script files of
their own. uPlot draws the curves and Tabulator the tables (both MIT, licences included).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from importlib import resources
from pathlib import Path

from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.event_stills import write_stills
from c2fpl.pipeline.report.events import RunEvents, load_events, write_events
from c2fpl.pipeline.report.page_data import (
    Json,
    event_data,
    run_data,
    script,
    video_data,
    video_row,
)
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos
from c2fpl.pipeline.truth.windows import Windows

ROWS_A_FILE = 2000
"""Rows of the video table in one script file: about 400 KB."""
MOST_EVENTS = 500
"""Events listed with a still, highest peaks first; events.csv lists all."""


def write_report(
    files: RunFiles, annotations: Mapping[str, Windows] | None = None, *, quiet: bool = False
) -> Path:
    """Write report/index.html and its data.

    The events come from events.json; if the run has none, they are found with the default settings
    first. Stale files of an older report are removed.

    Args:
        files: the run.
        annotations: annotated windows to shade, by video name.
        quiet: hide the progress bar.

    Returns:
        Path of the page.

    Raises:
        BadScores: the run has no scores yet.
    """
    videos = scored_videos(files)
    found = (
        load_events(files) if files.events_json.is_file() else write_events(files, EventSettings())
    )
    shown = {video.name for video in videos}
    listed = [event for event in found.events if event.video in shown][:MOST_EVENTS]
    stills = write_stills(files.report / "stills", {v.name: v for v in videos}, listed)
    rows = write_videos(files, videos, found, annotations or {}, quiet=quiet)
    tables = write_tables(files.report, rows)
    index_of = {video.name: index for index, video in enumerate(videos)}
    events = [event_data(event, index_of[event.video], stills.get(event)) for event in listed]
    run = run_data(files, videos, rows, found) | {"tables": tables}
    write_script(files.report / "data" / "run.js", "receiveRun", run, events)
    keep_only(files.report / "stills", set(stills.values()))
    return write_page(files.report)


def write_videos(
    files: RunFiles,
    videos: Sequence[ScoredVideo],
    found: RunEvents,
    annotations: Mapping[str, Windows],
    *,
    quiet: bool,
) -> list[list[object]]:
    """Write one data script per video and return the rows of the video table."""
    counts = Counter(event.video for event in found.events)
    folder, rows = files.report / "videos", []
    with progress("report", len(videos), "videos", quiet=quiet) as shown:
        for index, video in enumerate(videos):
            scores = video.scores()
            data: Json = video_data(files, video, scores, annotations.get(video.name, ()))
            write_script(folder / f"{index}.js", "receiveVideo", index, data)
            rows.append(video_row(video, scores, found.threshold.value, counts[video.name]))
            shown.advance()
    keep_only(folder, {f"{index}.js" for index in range(len(videos))})
    return rows


def write_tables(report: Path, rows: Sequence[Sequence[object]]) -> list[str]:
    """Write the video table in files of at most ROWS_A_FILE rows and return their names."""
    names = []
    for start in range(0, len(rows), ROWS_A_FILE):
        names.append(f"data/videos-{start}.js")
        write_script(report / names[-1], "receiveRows", start, rows[start : start + ROWS_A_FILE])
    keep_only(report / "data", {Path(name).name for name in names} | {"run.js"})
    return names


def write_page(report: Path) -> Path:
    """Copy the page, its scripts, and the libraries with their licences."""
    names = set()
    for asset in resources.files("c2fpl.pipeline.report").joinpath("assets").iterdir():
        folder = report if asset.name == "index.html" else report / "assets"
        with whole_file(folder / asset.name) as file:
            file.write(asset.read_bytes())
        names.add(asset.name)
    keep_only(report / "assets", names)
    return report / "index.html"


def write_script(path: Path, function: str, *values: object) -> None:
    """Write one data script."""
    with whole_file(path) as file:
        file.write(script(function, *values))


def keep_only(folder: Path, names: Collection[str]) -> None:
    """Delete files left in a folder by an older report."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            path.unlink()
