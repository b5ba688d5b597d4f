"""Write the report: static pages that open from disk, without a server or a network.

`index.html` and its scripts are the same for every run; the data of a run are in script files of
their own. uPlot draws the curves and Tabulator the tables (both MIT, licences included).
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from c2fpl.pipeline.files.atomic import whole_file
from c2fpl.pipeline.files.progress import progress
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.event_stills import write_stills
from c2fpl.pipeline.report.events import Event, RunEvents, load_events, write_events
from c2fpl.pipeline.report.page_data import (
    event_data,
    run_data,
    script,
    video_data,
    video_row,
)
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_videos, videos_without_scores
from c2fpl.pipeline.truth.windows import Windows

ROWS_A_FILE = 2000
"""Rows of the video table in one script file: about 400 KB."""
MOST_EVENTS = 500
"""Events listed with a still, highest peaks first; events.csv lists all."""


@dataclass
class Page:
    """The data of a report, to which videos can be added.

    A video keeps its number, because a page that is open in a browser loads its data by number.
    The work to add a video does not depend on the number of videos, apart from writing the tables.
    """

    files: RunFiles
    annotations: Mapping[str, Windows] = field(default_factory=dict)
    """Annotated windows to shade, by video name."""
    _numbers: dict[str, int] = field(default_factory=dict)
    _rows: list[list[object]] = field(default_factory=list)
    _stills: dict[Event, str] = field(default_factory=dict)

    @property
    def names(self) -> Set[str]:
        """Names of the videos on the page."""
        return self._numbers.keys()

    def add(
        self,
        videos: Sequence[ScoredVideo],
        found: RunEvents,
        unscored: Sequence[str],
        *,
        quiet: bool = False,
    ) -> None:
        """Write the data of new or changed videos, and of the whole run.

        Args:
            videos: the videos to add or replace.
            found: the events of all videos.
            unscored: names of all videos without scores.
            quiet: hide the progress bar.
        """
        counts = Counter(event.video for event in found.events)
        threshold = found.threshold.value
        with progress("report", len(videos), "videos", quiet=quiet) as shown:
            for video in videos:
                self._write_video(video, threshold, counts[video.name])
                shown.advance()
        keep_only(self.files.report / "videos", {f"{i}.js" for i in range(len(self._rows))})
        changed = [self._numbers[video.name] for video in videos]
        tables = write_tables(self.files.report, self._rows, changed)
        run = run_data(self.files, self._rows, found, unscored) | {"tables": tables}
        write_script(
            self.files.report / "data" / "run.js", "receiveRun", run, self._events(videos, found)
        )
        keep_only(self.files.report / "stills", set(self._stills.values()))

    def _write_video(self, video: ScoredVideo, threshold: float, event_count: int) -> None:
        number = self._numbers.setdefault(video.name, len(self._rows))
        scores, windows = video.scores(), self.annotations.get(video.name, ())
        data = video_data(self.files, video, scores, windows)
        write_script(self.files.report / "videos" / f"{number}.js", "receiveVideo", number, data)
        self._rows[number : number + 1] = [video_row(video, scores, threshold, event_count)]

    def _events(self, added: Sequence[ScoredVideo], found: RunEvents) -> list[list[object]]:
        """The events with the highest peaks; writes the stills of those in the added videos."""
        listed = [event for event in found.events if event.video in self._numbers][:MOST_EVENTS]
        videos = {video.name: video for video in added}
        new = [event for event in listed if event.video in videos]
        known = {
            e: still for e in listed if e.video not in videos and (still := self._stills.get(e))
        }
        self._stills = known | write_stills(self.files.report / "stills", videos, new)
        return [event_data(e, self._numbers[e.video], self._stills.get(e)) for e in listed]


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
    Page(files, annotations or {}).add(videos, found, videos_without_scores(files), quiet=quiet)
    return write_page(files.report)


def write_tables(
    report: Path, rows: Sequence[Sequence[object]], changed: Iterable[int]
) -> list[str]:
    """Write the parts of the video table that have changed rows, ROWS_A_FILE rows a file.

    Returns:
        The names of all parts.
    """
    starts = range(0, len(rows), ROWS_A_FILE)
    names = [f"data/videos-{start}.js" for start in starts]
    for part in {row // ROWS_A_FILE for row in changed}:
        start = starts[part]
        write_script(report / names[part], "receiveRows", start, rows[start : start + ROWS_A_FILE])
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
