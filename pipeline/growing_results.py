"""Events, plots and page of a folder to which scored videos are added, for `c2fpl watch`."""

import logging
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from c2fpl.pipeline.files.outcomes import load_failures
from c2fpl.pipeline.files.run_files import RunFiles, beside
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.report.events import Event, RunEvents, events_of, ranked, save_events
from c2fpl.pipeline.report.page import Page, write_page
from c2fpl.pipeline.report.plots import plot_videos
from c2fpl.pipeline.report.thresholds import Threshold
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.score_index import score_files
from c2fpl.pipeline.steps.scored_videos import ScoredVideo, scored_video, scored_videos
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)


@dataclass
class GrowingResults:
    """The events, plots and page of a folder of scores.

    The threshold is fixed, so the events of a video do not depend on other videos. The first `add`
    reads all scores in the folder, and later ones only those of the videos that they add.
    """

    files: RunFiles
    settings: EventSettings
    threshold: Threshold
    quiet: bool = False
    _page: Page = field(init=False)
    _found: RunEvents = field(init=False)

    def __post_init__(self) -> None:
        self._page = Page(self.files)
        self._found = RunEvents(self.threshold, self.settings, ())

    def add(self, names: Collection[str]) -> tuple[Event, ...]:
        """Add or replace the results of scored videos and rewrite the tables of all videos.

        Returns:
            The events of the videos that were read, highest peak first.
        """
        videos = self._new_videos(names)
        if not videos and not self._page.names:
            return ()
        found = [e for video in videos for e in events_of(video, self.threshold, self.settings)]
        read = {video.name for video in videos}
        others = (event for event in self._found.events if event.video not in read)
        self._found = replace(self._found, events=ranked([*others, *found]))
        self._write(videos)
        return ranked(found)

    def _new_videos(self, names: Collection[str]) -> list[ScoredVideo]:
        """The videos to read: at first all in the folder, in the order of scoring."""
        if self._page.names:
            paths = {name: beside(self.files.scores, name, ".npy") for name in names}
            return [scored_video(self.files, name, path, {}) for name, path in paths.items()]
        if not score_files(self.files.scores).counted:
            return []
        return sorted(scored_videos(self.files), key=lambda v: v.scores_file.stat().st_mtime_ns)

    def _write(self, videos: list[ScoredVideo]) -> None:
        first = not self._page.names
        names = self._page.names | {video.name for video in videos}
        unscored = sorted({failure.video for failure in load_failures(self.files)} - names)
        save_events(self.files, self._found, len(names), unscored)
        plot_videos(self.files, videos, self._found, {}, quiet=self.quiet)
        self._page.add(videos, self._found, unscored, quiet=self.quiet)
        page = write_page(self.files.report) if first else self.files.report / "index.html"
        logger.info(
            "added %s: %s, %s above %.3f; page %s",
            named(video.name for video in videos) or "nothing",
            counted(len(names), "video"),
            counted(len(self._found.events), "event"),
            self.threshold.value,
            page,
        )
