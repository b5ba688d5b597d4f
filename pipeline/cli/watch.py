"""The command watch: scores videos as they arrive."""

from dataclasses import replace
from pathlib import Path

from c2fpl.pipeline.cli.app import Events, How, Output, Scores, Watching, app
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.run_files import RunFiles
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
    the threshold of the run that trained the detector.

    Args:
        folder: folder to watch, including its subfolders.
        detector: detector file from `train` or `run`.
        output: folder for features, scores, events and page.
        weights: weights file of the backbone, the same one as for the detector's features.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector
    from c2fpl.pipeline.steps.new_videos import extraction_of
    from c2fpl.pipeline.watch import Watch, fixed_threshold, ticks

    saved = load_detector(detector)
    files = RunFiles(output)
    threshold = fixed_threshold(events, detector)
    events = replace(events, threshold=threshold.value)
    extraction = extraction_of(saved, weights, str(folder))
    started = Watch(
        videos=str(folder), files=files, detector=saved, extraction=extraction, scores=scores,
        events=events, threshold=threshold, settings=watching, execution=execution,
    )  # fmt: skip
    with only_writer(files):
        started.follow(ticks(folder))
    return 0
