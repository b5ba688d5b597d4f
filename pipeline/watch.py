"""Scores videos as they arrive in a folder, with a trained detector: `c2fpl watch`."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from c2fpl.errors import BadScores, BadSettings, NoVideos
from c2fpl.pipeline.extraction.extract_features import extract_features
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.extracted import ExtractedFeatures
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import RunFiles, beside, load_json
from c2fpl.pipeline.growing_results import GrowingResults
from c2fpl.pipeline.notify import Notifier
from c2fpl.pipeline.report.events import Event, load_events
from c2fpl.pipeline.report.thresholds import Threshold
from c2fpl.pipeline.settings import EventSettings, Execution, ScoreSettings, WatchSettings
from c2fpl.pipeline.steps.detector_files import SavedDetector
from c2fpl.pipeline.steps.run_record import recorded
from c2fpl.pipeline.steps.score_videos import score_videos
from c2fpl.pipeline.videos.find import VideoFile, find_videos
from c2fpl.pipeline.videos.output_names import given_names

logger = logging.getLogger(__name__)

_PAUSE_PER_LISTING = 4
"""Pause after listing the folder, in units of the time that it took: 20 % of one core at most."""

Signature = tuple[int, int]
"""Size in bytes and modification time in nanoseconds. They change while a file is written."""


@dataclass
class Arrivals:
    """Keeps track of files that are complete but not scored yet.

    A file counts as complete once its size and date have not changed for `settle_s` seconds.
    """

    settle_s: float
    _since_s: dict[VideoFile, tuple[Signature, float]] = field(default_factory=dict)
    _taken: dict[VideoFile, Signature] = field(default_factory=dict)

    def complete(self, present: Mapping[VideoFile, Signature], now_s: float) -> list[VideoFile]:
        """The files that have become complete. Each is returned once, and again if it changes.

        Args:
            present: all videos that are in the folder now; others are forgotten.
            now_s: time of a monotonic clock, in seconds.
        """
        self._taken = {v: s for v, s in self._taken.items() if present.get(v) == s}
        waiting = {v: s for v, s in present.items() if v not in self._taken}
        before = self._since_s
        self._since_s = {
            video: before[video] if video in before and before[video][0] == now else (now, now_s)
            for video, now in waiting.items()
        }
        found = [v for v, (_, since_s) in self._since_s.items() if now_s - since_s >= self.settle_s]
        for video in found:
            self._taken[video] = self._since_s.pop(video)[0]
        return found


@dataclass
class Changes:
    """Logs a line unless it is the same as the last one."""

    log: Callable[[str], None]
    _last: str = ""

    def __call__(self, line: str) -> None:
        """Log the line if it is new."""
        if line != self._last:
            self.log(line)
        self._last = line


@dataclass(frozen=True)
class Watch:
    """A watched folder, and how to score the videos that arrive in it."""

    videos: str
    """Folder or glob of the videos."""
    files: RunFiles
    detector: SavedDetector
    extraction: FeatureSettings
    scores: ScoreSettings
    events: EventSettings
    threshold: Threshold
    """Fixed, so that events do not change when more videos arrive."""
    settings: WatchSettings
    execution: Execution

    def follow(self, ticks: Iterable[object]) -> None:
        """Check the folder at every tick and score the videos that have become complete."""
        arrivals = Arrivals(self.settings.settle_s)
        notifier = Notifier(self.files.notified, self.settings, self._fingerprint)
        quiet = self.execution.quiet
        results = GrowingResults(self.files, self.events, self.threshold, quiet=quiet)
        log = Changes(logger.info)
        names = given_names(self.files)
        logger.info("watching %s; stop with Ctrl-C, start again with the same command", self.videos)
        for _ in ticks:
            start_s = time.monotonic()
            present = self._present(names, log)
            time.sleep(_PAUSE_PER_LISTING * (time.monotonic() - start_s))
            arrived = arrivals.complete(present, start_s)
            names |= {video.path: video.name for video in arrived}
            if arrived:
                notifier.report(self.score(arrived, results), time.monotonic())
            notifier.retry(time.monotonic())

    def score(self, arrived: list[VideoFile], results: GrowingResults) -> tuple[Event, ...]:
        """Score videos and add them to the results; return their events."""
        with (
            recorded(self.files, "watch", {"watch": self.settings}) as record,
            record.stage("watch"),
        ):
            report = extract_features(
                self.files, arrived, self.extraction, self.execution, keep_failures=True
            )
            failures = self._score_features(report.ready) if report.ready else []
            record.failures += [*report.failures, *failures]
            scored = set(report.ready) - {failure.video for failure in failures}
            return results.add(sorted(scored))

    def _score_features(self, names: tuple[str, ...]) -> list[Failure]:
        features = ExtractedFeatures(self.files.features, names)
        return score_videos(
            self.files, features, self.detector, self.scores, self.execution, keep_failures=True
        )

    def _fingerprint(self, name: str) -> str:
        """Fingerprint of the features of a video, if they are still there."""
        record = beside(self.files.features, name, ".json")
        return str(load_json(record).get("fingerprint", "")) if record.is_file() else ""

    def _present(
        self, names: Mapping[Path, str], log: Callable[[str], None]
    ) -> dict[VideoFile, Signature]:
        try:
            found = find_videos(self.videos, (self.files.root,), given=names, log=log)
        except NoVideos:
            return {}
        return {v: s for v in found if (s := _signature(v.path)) is not None}


def fixed_threshold(events: EventSettings, detector: Path) -> Threshold:
    """The given threshold, or that of the run that trained the detector.

    The background is that of the run; without a run it is 0, and events end a little later.

    Raises:
        BadScores: no threshold was given, and there is no events.json next to the detector.
        BadSettings: a quantile was given.
    """
    if events.quantile is not None:
        raise BadSettings(
            f"quantile {events.quantile}: the threshold of `c2fpl watch` must not change when more "
            "videos arrive; give --threshold"
        )
    try:
        run = load_events(RunFiles(detector.parent)).threshold
    except BadScores as error:
        if events.threshold is not None:
            return Threshold(events.threshold, 0.0, "given")
        raise BadScores(
            f"the threshold is unknown: there is no events.json next to {detector}; give the "
            "--threshold that `c2fpl run` printed"
        ) from error
    if events.threshold is not None:
        return Threshold(events.threshold, run.background, "given")
    return Threshold(run.value, run.background, "of the run that trained the detector")


def ticks(folder: Path) -> Iterator[None]:
    """Yields once per second.

    The folder is listed instead of waiting for notifications: these are missing on network disks,
    and a file name that is not UTF-8 ends them.

    Raises:
        NoVideos: the folder does not exist.
    """
    if not folder.is_dir():
        raise NoVideos(f"{folder} is not a folder; create it, then start `c2fpl watch` again")
    while True:
        yield
        time.sleep(1)


def _signature(path: Path) -> Signature | None:
    try:
        found = path.stat()
    except OSError:  # removed since it was found
        return None
    return found.st_size, found.st_mtime_ns
