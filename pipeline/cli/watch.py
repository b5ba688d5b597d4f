"""The command watch: scores videos as they arrive."""

from dataclasses import replace
from pathlib import Path

from c2fpl.errors import BadScores
from c2fpl.pipeline.cli.app import Events, How, Output, Scores, Watching, app
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.report.events import load_events
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
    """Score videos as they arrive in a folder, until stopped.

    A file that is still being written is scored once it is complete. Stop with Ctrl-C and start
    again with the same command: nothing is scored or reported twice. The default of --threshold is
    the threshold of the run that trained the detector. Needs the extra [watch].

    Args:
        folder: folder to watch, including its subfolders.
        detector: detector file from `train` or `run`.
        output: folder for features, scores, events and page.
        weights: weights file of the backbone, the same one as for the detector's features.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector
    from c2fpl.pipeline.steps.new_videos import extraction_of
    from c2fpl.pipeline.watch import Watch, ticks

    saved = load_detector(detector)
    files = RunFiles(output)
    if events.threshold is None and events.quantile is None:
        events = replace(events, threshold=_threshold_beside(detector))
    extraction = extraction_of(saved, weights, str(folder))
    started = Watch(str(folder), files, saved, extraction, scores, events, watching, execution)
    with only_writer(files):
        started.follow(ticks(folder, watching))
    return 0


def _threshold_beside(detector: Path) -> float:
    """The threshold of the run that trained a detector.

    Raises:
        BadScores: there is no events.json next to the detector.
    """
    try:
        return load_events(RunFiles(detector.parent)).threshold.value
    except BadScores as error:
        raise BadScores(
            f"the threshold is unknown: there is no events.json next to {detector}; give the "
            "--threshold that `c2fpl run` printed"
        ) from error
