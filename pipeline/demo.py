"""The demo: generates videos with known anomalies, runs every step on them and evaluates."""

import logging
from pathlib import Path

from c2fpl.extractors.settings import ExtractionSettings
from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.demo_videos import plan_videos, write_videos
from c2fpl.pipeline.evaluation.evaluate import evaluate
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.files.lock import only_writer
from c2fpl.pipeline.files.outcomes import exit_code
from c2fpl.pipeline.files.progress import last_line
from c2fpl.pipeline.files.run_files import RunFiles, save_json
from c2fpl.pipeline.run import RunSettings, run
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.truth.windows import read_windows
from c2fpl.pipeline.videos.find import find_videos

logger = logging.getLogger(__name__)

DEMO_VIDEOS = 24


def run_demo(folder: Path, extraction: ExtractionSettings, execution: Execution) -> int:
    """Generate videos in `folder`, run every step and evaluate; return the exit code.

    Only the evaluation uses the annotations.
    """
    files = RunFiles(folder)
    with only_writer(files):
        logger.info("generating %d videos in %s", DEMO_VIDEOS, folder / "videos")
        annotations = write_videos(plan_videos(count=DEMO_VIDEOS, seed=0), folder / "videos")
        videos = find_videos(str(folder / "videos"))
        labels = LabelSettings(method="paper")  # the default of `run` is for real videos
        settings = RunSettings(extraction=extraction, labels=labels, execution=execution)
        windows = read_windows(annotations, [video.name for video in videos])
        failures = run(files, videos, settings, windows=windows)
        evaluation = evaluate(files.scores, TruthInputs(dataset="own", annotations=annotations))
        save_json(files.metrics, evaluation.as_json())
    logger.info(
        "frame AUC %.4f, AP %.4f over %d videos; only the evaluation used the annotations",
        evaluation.metrics.auc,
        evaluation.metrics.ap,
        evaluation.metrics.videos,
    )
    last_line(f"plots in {files.plots}, report in {files.report / 'index.html'}")
    return exit_code(failures)
