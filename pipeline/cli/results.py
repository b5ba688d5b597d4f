"""Commands on results: evaluate, groundtruth, report."""

from pathlib import Path
from typing import Literal

from c2fpl.pipeline.cli.app import Annotation, Events, Output, Reading, Unit, app
from c2fpl.pipeline.settings import EventSettings, ReadingSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.forms.records import AnnotationSettings
from c2fpl.pipeline.truth.protocols import ProtocolName
from c2fpl.pipeline.truth.score_lengths import ScoreUnit


@app.command
def evaluate(
    scores: Path,
    *,
    annotations: Path,
    dataset: DatasetName = "own",
    protocol: ProtocolName = "native",
    frame_counts: Path | None = None,
    segments_column: str | None = None,
    ground_truth: Path | None = None,
    reading: Annotation = AnnotationSettings(),
    unit: Unit = ScoreUnit(),
    allow_missing: bool = False,
    frame_rate: float | None = None,
    seed: int = 0,
    output: Path | None = None,
) -> int:
    """Compare scores with annotations: AUC, AP, false alarms, per class, with 95 % intervals.

    Beside them stand yardsticks that a video's length cannot flatter (AUC within videos, AUC with
    lengths matched, events found at 1 and 6 false alarms an hour), and what scores without any
    network reach.

    Args:
        scores: folder of per-frame scores, or of segments or parts with --scores-per.
        annotations: the data set's annotation file; for ShanghaiTech the folder of frame masks; for
            own videos lines `name start end ...`, a table, JSON, XML or masks (docs/own-videos.md).
        dataset: whose names, classes and published figures apply.
        protocol: convention of the ground truth; native is the real frames.
        frame_counts: CSV of the test list with columns video and n_frames.
        segments_column: its column with the segment counts of a published feature set.
        ground_truth: a ready vector (gt.npy) of all videos of --frame-counts in their order, taken
            as truth and compared with the annotations; it may also stand as --annotations.
        allow_missing: measure what there is although test videos have no scores.
        frame_rate: frames a second, by which false alarms an hour are counted; by default 24 for
            XD-Violence and ShanghaiTech, else 30.
        seed: of the bootstrap.
        output: metrics file; by default metrics.json of the run, or in the scores' folder.
    """
    from rich.console import Console

    from c2fpl.pipeline.evaluation import evaluate as evaluation_of
    from c2fpl.pipeline.evaluation.result import save_metrics
    from c2fpl.pipeline.evaluation.tables import class_table, metrics_table, reference_table
    from c2fpl.pipeline.files.run_files import RunFiles
    from c2fpl.pipeline.truth.frame_counts import read_count_table

    table = read_count_table(frame_counts, segments_column) if frame_counts else None
    evaluation = evaluation_of.evaluate(
        scores,
        dataset=dataset,
        annotations=annotations,
        protocol=protocol,
        table=table,
        ground_truth=ground_truth,
        reading=reading,
        unit=unit,
        allow_missing=allow_missing,
        frame_rate=frame_rate,
        seed=seed,
    )
    in_run = RunFiles(scores.parent).record.exists() and RunFiles(scores.parent).scores == scores
    path = output or RunFiles(scores.parent if in_run else scores).metrics
    save_metrics(path, evaluation)
    console = Console()
    console.print(metrics_table(evaluation))
    console.print(reference_table(evaluation))
    if len(evaluation.metrics.classes) > 1:
        console.print(class_table(evaluation))
    for note in (*evaluation.notes, *evaluation.metrics.notes):
        console.print(note, markup=False, highlight=False)
    return 0


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
        dataset: the benchmark.
        annotations: its annotation file; for ShanghaiTech the folder of frame masks.
        frame_counts: CSV of the test list, rows in list order, columns video and n_frames.
        protocol: convention of the vector.
        output: the .npy to write.
        segments_column: column of the CSV with the segment counts of a published feature set.
    """
    from rich.console import Console

    from c2fpl.pipeline.files.run_files import save_array
    from c2fpl.pipeline.files.words import counted
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
    said = f"{output}: {counted(len(truth.names), 'video')}, {frames} frames, {ones} anomalous, "
    console = Console()
    console.print(f"{said}git blob {truth.blob_id()}", markup=False, highlight=False)
    for note in truth.notes:
        console.print(note, markup=False, highlight=False)
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
    """Make the events, plots and page of a run again.

    Args:
        run: folder of a run, or of scores that `c2fpl score` wrote.
        annotations: known events, to shade them.
        dataset: whose form the annotations have.
    """
    from c2fpl.pipeline.files.lock import only_writer
    from c2fpl.pipeline.files.run_files import RunFiles
    from c2fpl.pipeline.looking import look
    from c2fpl.pipeline.steps.score_index import say_left_out
    from c2fpl.pipeline.steps.scored_videos import scored_videos
    from c2fpl.pipeline.truth.windows import read_windows

    files = RunFiles(run, holds="run" if (run / "scores").is_dir() else "scores")
    names = [video.name for video in scored_videos(files)]
    say_left_out(files.scores)
    windows = read_windows(annotations, names, dataset, reading) if annotations else None
    with only_writer(files):
        look(files, events, windows)
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
    """Write features of any form as one array (segments, crops, dim) a video.

    Args:
        features: folder or file of features, in any form that docs/features.md names.
        output: folder of the arrays.
        dtype: keep the number type, halve it to float16 (a relative error of 2e-4), or widen it.
        key: name of the array to take where each file holds several (.npz, .h5, .mat, .pt).
    """
    import logging

    from c2fpl.pipeline.files.outcomes import exit_code
    from c2fpl.pipeline.files.words import counted
    from c2fpl.pipeline.steps.convert_features import convert_features

    logger = logging.getLogger(__name__)
    count, failures = convert_features(features, output, dtype, reading=reading, key=key)
    for failure in failures:
        logger.warning("left out: %s", failure.reason)
    logger.info("%s in %s", counted(count, "video"), output)
    return exit_code(failures)
