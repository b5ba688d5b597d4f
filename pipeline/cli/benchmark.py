"""The command benchmark: the paper's tables on a data set."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, Method, TrainingSettings
from c2fpl.pipeline.benchmark.plan import (
    BenchmarkFiles,
    BenchmarkName,
    BenchmarkPaths,
    BenchmarkPlan,
    TableName,
    methods_of,
)
from c2fpl.pipeline.cli.app import Decoding, Extraction, How, Output, Training, app
from c2fpl.pipeline.settings import Execution, ReadingSettings
from c2fpl.pipeline.truth.protocols import ProtocolName


@dataclass(frozen=True, kw_only=True)
class MethodlessLabels(LabelSettings):
    """Label settings of a command whose --method may name several."""

    method: Annotated[Method, Parameter(parse=False)] = "paper"
    """Given apart."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkReading(ReadingSettings):
    """Reading settings of a command that has lists and frame counts of its own."""

    names: Annotated[Path | None, Parameter(parse=False)] = None
    """The list of training or test videos."""
    frame_counts: Annotated[Path | None, Parameter(parse=False)] = None
    """Given apart."""


@app.command
def benchmark(
    name: BenchmarkName,
    *,
    annotations: Path,
    output: Output,
    videos: Path | None = None,
    features: Path | None = None,
    test_features: Path | None = None,
    seeds: int = 10,
    table: TableName = "seeds",
    methods: Annotated[str, Parameter(name="--method")] = "paper",
    protocol: ProtocolName | None = None,
    train_list: Path | None = None,
    test_list: Path | None = None,
    frame_counts: Path | None = None,
    segments_column: str | None = None,
    curve: bool = True,
    reading: Annotated[
        BenchmarkReading, Parameter(name="*", group="Features")
    ] = BenchmarkReading(),
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    labels: Annotated[MethodlessLabels, Parameter(name="*", group="Labels")] = MethodlessLabels(),
    training: Training = TrainingSettings(),
    execution: How = Execution(),
) -> int:
    """Reproduce a table of the paper on a data set: label, train every seed, measure.

    Args:
        name: the data set.
        annotations: its annotation file; for ShanghaiTech the folder of frame masks.
        output: folder of results.json, results.md, figures and everything kept for a resume.
        videos: folder of the raw videos, in any layout; features are extracted into the output.
        features: folder of features instead: of `extract`, or a published set as it is.
        test_features: those of the test videos, where they lie apart: a folder or a .npy.
        seeds: trainings of each variant, from --seed on.
        table: seeds (mean and spread), attention (supplementary Tables 5 and 6), or pipeline
            (without fine labels, without coarse labels, without detector).
        methods: paper, released, refined, or several with commas, side by side.
        protocol: convention of the ground truth; by default native (real frames) where frames are
            known and the published one for published features.
        train_list: list of training videos; looked for by its official name when not given.
        test_list: list of test videos.
        frame_counts: CSV of the test list with columns video and n_frames.
        segments_column: its column with the segment counts of a published feature set.
        curve: measure the test set after every epoch, for the convergence figure.
    """
    from c2fpl.pipeline.benchmark.benchmark import benchmark as carry_out

    paths = BenchmarkPaths(
        annotations=annotations,
        videos=videos,
        features=features,
        test_features=test_features,
        train_list=train_list,
        test_list=test_list,
        frame_counts=frame_counts,
        segments_column=segments_column,
    )
    plan = BenchmarkPlan(
        dataset=name,
        paths=paths,
        protocol=protocol,
        table=table,
        methods=methods_of(methods),
        seeds=seeds,
        curve=curve,
        extraction=extraction,
        decoding=decoding,
        labels=labels,
        training=replace(training, seed=labels.seed),  # one --seed
        reading=reading,
        execution=execution,
    )
    return carry_out(plan, BenchmarkFiles(output))
