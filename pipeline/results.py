"""Writes the events, plots and page of a run from its files; can be repeated at any time."""

import logging
from collections.abc import Mapping

from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.files.wording import counted
from c2fpl.pipeline.report.events import RunEvents, write_events
from c2fpl.pipeline.report.page import write_report
from c2fpl.pipeline.report.plots import write_plots
from c2fpl.pipeline.settings import EventSettings
from c2fpl.pipeline.steps.scored_videos import scored_videos, videos_without_scores
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation
from c2fpl.pipeline.truth.windows import windows_in_frames
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)


def write_results(
    files: RunFiles,
    events: EventSettings,
    annotated: Mapping[str, VideoAnnotation] | None,
    *,
    quiet: bool = False,
) -> RunEvents:
    """Write events.csv, plots/ and report/ of a run that has scores; return the events."""
    found = write_events(files, events)
    windows = None
    if annotated is not None:
        times = {one.name: one.times() for one in scored_videos(files) if one.name in annotated}
        windows = windows_in_frames(annotated, times)
    write_plots(files, windows, quiet=quiet)
    page = write_report(files, windows, quiet=quiet)
    logger.info(
        "%s above %.3f; page %s", counted(len(found.events), "event"), found.threshold.value, page
    )
    if unscored := videos_without_scores(files):
        logger.warning("%s without a score: %s", counted(len(unscored), "video"), named(unscored))
    return found
