"""The command watch: score videos as they arrive."""

from dataclasses import replace
from pathlib import Path

from c2fpl.pipeline.cli.app import Events, How, Output, Scores, Watching, app
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import NoEvents, load_events
from c2fpl.pipeline.settings import EventSettings, Execution, ScoreSettings, WatchSettings


@app.command
def watch(
    folder: Path,
    *,
    detector: Path,
    output: Output,
    weights: Path | None = None,
    watching: Watching = WatchSettings(),
    scores: Scores = ScoreSettings(),
    events: Events = EventSettings(),
    execution: How = Execution(),
) -> int:
    """Score videos as they arrive in a folder, until it is stopped.

    A file that is still being written waits until it is whole. Stop with Ctrl-C and start again
    with the same command: nothing is scored or reported twice. Without --threshold, the threshold
    of the run that made the detector is used. Needs the extra [watch].

    Args:
        folder: the folder, with its sub-folders.
        detector: file that `train` or `run` made.
        output: folder of features, scores, events and page.
        weights: weights file of the backbone, the one that made the detector's features.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector
    from c2fpl.pipeline.steps.new_videos import extraction_of
    from c2fpl.pipeline.watch import Watch, ticks

    saved = load_detector(detector)
    files = RunFiles(output)
    if events.threshold is None:
        events = replace(events, threshold=_threshold_beside(detector), quantile=None)
    started = Watch(
        videos=str(folder),
        files=files,
        detector=saved,
        extraction=extraction_of(saved, weights, str(folder)),
        scores=scores,
        events=events,
        settings=watching,
        execution=execution,
    )
    with only_writer(files):
        started.follow(ticks(folder, watching))
    return 0


def _threshold_beside(detector: Path) -> float:
    """The threshold of the run that a detector belongs to.

    Raises:
        NoEvents: there is none.
    """
    try:
        return load_events(RunFiles(detector.parent)).threshold.value
    except NoEvents as error:
        raise NoEvents(
            f"no threshold is known, as there is no events.json beside {detector}; give the "
            "--threshold that `c2fpl run` printed"
        ) from error
