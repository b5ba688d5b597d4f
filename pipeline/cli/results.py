"""Commands on results and file formats: evaluate, groundtruth, report, convert."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from c2fpl.pipeline.cli.app import Annotation, Events, Output, Reading, Unit, app, show
from c2fpl.pipeline.evaluation.truth_inputs import TruthInputs
from c2fpl.pipeline.settings import EventSettings, ReadingSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.protocols import ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit

if TYPE_CHECKING:
    from c2fpl.pipeline.evaluation.evaluate import Evaluation


@app.command
def evaluate(
    scores: Path,
    *,
    truth: Annotated[TruthInputs, Parameter(name="*")],
    reading: Annotation = AnnotationSettings(),
    unit: Unit = ScoreUnit(),
    allow_missing: bool = False,
    frame_rate: float | None = None,
    seed: int = 0,
    output: Path | None = None,
) -> int:
    """Evaluate scores against annotations: AUC, AP, false alarms, per class, with 95 % intervals.

    Also prints metrics that do not depend on the lengths of the videos (AUC within videos, AUC with
    matched lengths, events found at 1 and 6 false alarms per hour), and what trivial scores without
    a network reach.

    Args:
        scores: folder of scores per frame. With --scores-per also per segment or part.
        allow_missing: evaluate even if some test videos have no scores.
        frame_rate: frames per second, used for false alarms per hour. By default that of the videos
            if recorded, else 24 for XD-Violence and ShanghaiTech and 30 for others.
        seed: random seed of the bootstrap.
        output: metrics file. By default metrics.json in the folder of the run or of the scores.
    """
    from c2fpl.pipeline.evaluation import evaluate as evaluation_of
    from c2fpl.pipeline.files.run_files import save_json

    evaluation = evaluation_of.evaluate(
        scores,
        truth,
        reading=reading,
        unit=unit,
        allow_missing=allow_missing,
        frame_rate=frame_rate,
        seed=seed,
    )
    save_json(output or _metrics_path(scores), evaluation.as_json())
    _show(evaluation)
    return 0


def _metrics_path(scores: Path) -> Path:
    """metrics.json in the folder of the run that the scores belong to, or in their own folder."""
    from c2fpl.pipeline.files.run_files import RunFiles

    run = RunFiles(scores.parent)
    return run.metrics if run.record.exists() and run.scores == scores else RunFiles(scores).metrics


def _show(evaluation: "Evaluation") -> None:
    from rich.console import Console

    from c2fpl.pipeline.evaluation.tables import class_table, metrics_table, reference_table

    console = Console()
    console.print(metrics_table(evaluation))
    console.print(reference_table(evaluation))
    if len(evaluation.metrics.classes) > 1:
        console.print(class_table(evaluation))
    for note in (*evaluation.notes, *evaluation.metrics.notes):
        show(note)


@app.command
def groundtruth(
    *,
    dataset: DatasetName,
    annotations: Path,
    frame_counts: Path,
    protocol: ProtocolName,
    output: Output,
    segments_column: str | None = None,
    reading: Annotation = AnnotationSettings(),
) -> int:
    """Write the ground-truth vector of a test set under a named protocol.

    Args:
        dataset: data set.
        annotations: annotation file of the data set; for ShanghaiTech the folder of frame masks.
        frame_counts: CSV of the test list with columns video and n_frames, in list order.
        protocol: convention of the ground truth.
        output: .npy file to write.
        segments_column: column of the CSV with the segment counts of a published feature set.
    """
    from c2fpl.pipeline.files.run_files import save_array
    from c2fpl.pipeline.files.wording import counted
    from c2fpl.pipeline.truth.groundtruth import make_ground_truth

    truth = make_ground_truth(
        dataset,
        annotations=annotations,
        frame_counts=frame_counts,
        protocol=protocol,
        segments_column=segments_column,
        reading=reading,
    )
    save_array(output, truth.frames)
    frames, ones = len(truth.frames), int(truth.frames.sum())
    summary = f"{output}: {counted(len(truth.names), 'video')}, {frames} frames, {ones} anomalous, "
    for line in (f"{summary}git blob {truth.blob_id()}", *truth.notes):
        show(line)
    return 0


@app.command
def report(
    run: Path,
    *,
    annotations: Path | None = None,
    dataset: DatasetName = "own",
    reading: Annotation = AnnotationSettings(),
    events: Events = EventSettings(),
) -> int:
    """Rebuild the events, plots and page of a run.

    Args:
        run: folder of a run, or of scores from `c2fpl score`.
        annotations: known events to shade in the plots.
        dataset: data set whose format the annotations have.
    """
    from c2fpl.pipeline.files.lock import only_writer
    from c2fpl.pipeline.files.run_files import RunFiles
    from c2fpl.pipeline.results import write_results
    from c2fpl.pipeline.steps.score_index import warn_of_left_out
    from c2fpl.pipeline.steps.scored_videos import scored_videos
    from c2fpl.pipeline.truth.windows import read_windows

    files = RunFiles.opened(run)
    names = [video.name for video in scored_videos(files)]
    warn_of_left_out(files.scores)
    windows = read_windows(annotations, names, dataset, reading) if annotations else None
    with only_writer(files):
        write_results(files, events, windows)
    return 0


@app.command
def convert(
    features: Path,
    *,
    output: Output,
    dtype: Literal["keep", "float16", "float32"] = "keep",
    key: str | None = None,
    reading: Reading = ReadingSettings(),
) -> int:
    """Convert features of any supported format to one array (segments, crops, dim) per video.

    Args:
        features: folder or file of features, in any format of docs/features.md.
        output: folder for the arrays.
        dtype: number type to write: the same, float16 (relative error 2e-4) or float32.
        key: name of the array to read if each file holds several (.npz, .h5, .mat, .pt).
    """
    import logging

    from c2fpl.pipeline.files.outcomes import exit_code
    from c2fpl.pipeline.files.wording import counted
    from c2fpl.pipeline.steps.convert_features import convert_features

    logger = logging.getLogger(__name__)
    count, failures = convert_features(features, output, dtype, reading=reading, key=key)
    for failure in failures:
        logger.warning("left out: %s", failure.reason)
    logger.info("%s in %s", counted(count, "video"), output)
    return exit_code(failures)


@app.command
def convert_detector(checkpoint: Path, *, output: Output) -> None:
    """Convert a published checkpoint of C2FPL, or an older detector, to the current format.

    `score --detector` also reads such checkpoints directly.

    Args:
        checkpoint: file of the authors, such as UCFfinal.pkl, with the layers fc1, fc2, fc3,
            fc_att1 and fc_att2.
        output: detector file to write.
    """
    from c2fpl.pipeline.steps.detector_files import load_detector, save_detector

    save_detector(output, load_detector(checkpoint))
