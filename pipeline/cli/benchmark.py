"""The command benchmark: reproduces the paper's tables on a data set."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, Method
from c2fpl.pipeline.benchmark.plan import (
    BenchmarkFiles,
    BenchmarkName,
    BenchmarkPaths,
    BenchmarkPlan,
    TableName,
    methods_of,
)
from c2fpl.pipeline.cli.app import (
    Decoding,
    Extraction,
    How,
    Output,
    SeedlessTraining,
    TrainingBesideLabels,
    app,
)
from c2fpl.pipeline.settings import Execution, ReadingSettings
from c2fpl.pipeline.truth.protocols import ProtocolName


@dataclass(frozen=True, kw_only=True)
class MethodlessLabels(LabelSettings):
    """Label settings without `method`, because --method of this command takes several."""

    method: Annotated[Method, Parameter(parse=False)] = "paper"
    """Set from the command's own option."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkReading(ReadingSettings):
    """Reading settings without the fields that this command has as its own options."""

    names: Annotated[Path | None, Parameter(parse=False)] = None
    """Set from the list of training or test videos."""
    frame_counts: Annotated[Path | None, Parameter(parse=False)] = None
    """Set from the command's own option."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkOptions:
    """What a benchmark makes of its inputs, and where it writes."""

    output: Output
    """folder for results.json, results.md, figures, and the files needed to resume."""
    seeds: int = 10
    """number of trainings of each variant; the seeds count up from --seed."""
    table: TableName = "seeds"
    """table to make: seeds (mean and standard deviation), attention (supplementary Tables 5 and 6),
    or pipeline (without fine labels, without coarse labels, without detector)."""
    methods: Annotated[str, Parameter(name="--method")] = "paper"
    """paper, released or refined; separate several with commas to compare them."""
    protocol: ProtocolName | None = None
    """convention of the ground truth. By default native (real frames) if the frame counts are
    known, otherwise that of the published features."""
    curve: bool = True
    """evaluate the test set after every epoch, for the convergence figure."""


@app.command
def benchmark(
    name: BenchmarkName,
    *,
    paths: Annotated[BenchmarkPaths, Parameter(name="*")],
    options: Annotated[BenchmarkOptions, Parameter(name="*")],
    reading: Annotated[
        BenchmarkReading, Parameter(name="*", group="Features")
    ] = BenchmarkReading(),
    extraction: Extraction = ExtractionSettings(),
    decoding: Decoding = DecodingSettings(),
    labels: Annotated[MethodlessLabels, Parameter(name="*", group="Labels")] = MethodlessLabels(),
    training: TrainingBesideLabels = SeedlessTraining(),
    execution: How = Execution(),
) -> int:
    """Reproduce a table of the paper on a data set: label, train every seed, measure.

    Args:
        name: data set.
    """
    from c2fpl.pipeline.benchmark.benchmark import benchmark as carry_out

    plan = BenchmarkPlan(
        dataset=name,
        paths=paths,
        protocol=options.protocol,
        table=options.table,
        methods=methods_of(options.methods),
        seeds=options.seeds,
        curve=options.curve,
        extraction=extraction,
        decoding=decoding,
        labels=labels,
        training=replace(training, seed=labels.seed),  # one --seed
        reading=reading,
        execution=execution,
    )
    return carry_out(plan, BenchmarkFiles(options.output))
