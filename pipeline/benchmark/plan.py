"""What one benchmark is: data on disk, protocol, methods, seeds and the settings of every step."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, Method, TrainingSettings
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution, ReadingSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.protocols import ProtocolName

BenchmarkName = Literal["ucf-crime", "xd-violence", "shanghaitech"]
TableName = Literal["seeds", "attention", "pipeline"]


class BadPlan(ValueError):
    """A benchmark that cannot be carried out: value, rule and cure in one line."""


@dataclass(frozen=True, kw_only=True)
class BenchmarkPaths:
    """Where everything lies."""

    annotations: Path
    """Annotation file; for ShanghaiTech the folder of frame masks."""
    videos: Path | None = None
    """Folder of raw videos, in any layout."""
    features: Path | None = None
    """Folder of features instead: ours or a published set."""
    test_features: Path | None = None
    """Features of the test videos where they lie apart: a folder, or `Concat_test_10.npy`."""
    train_list: Path | None = None
    """Official list of training videos; looked for by its official name when not given."""
    test_list: Path | None = None
    """Official list of test videos."""
    frame_counts: Path | None = None
    """CSV of the test list with columns video and n_frames."""
    segments_column: str | None = None
    """Its column with the segment counts of a published feature set."""

    def __post_init__(self) -> None:
        if (self.videos is None) == (self.features is None):
            given = "both" if self.videos else "neither"
            raise BadPlan(
                f"{given} of --videos and --features: give the folder of one of them to measure on"
            )
        if self.test_features is not None and self.features is None:
            raise BadPlan("--test-features stands beside --features: give the training features")
        for place in (self.data, *([self.test_features] if self.test_features else [])):
            if not (place.is_dir() or (self.features is not None and place.is_file())):
                raise BadPlan(f"{place} is no folder: give the folder that holds the data set")

    @property
    def data(self) -> Path:
        """The folder of videos or features."""
        folder = self.videos or self.features
        assert folder is not None
        return folder


@dataclass(frozen=True, kw_only=True)
class BenchmarkPlan:
    """One call of `c2fpl benchmark`."""

    dataset: DatasetName
    """The benchmark."""
    paths: BenchmarkPaths
    """Its files."""
    protocol: ProtocolName | None = None
    """Convention of the ground truth; None for the one that fits the features."""
    table: TableName = "seeds"
    """Which table of the paper."""
    methods: tuple[Method, ...] = ("paper",)
    """Ways to label, side by side."""
    seeds: int = 10
    """Trainings of each variant."""
    curve: bool = True
    """Also measure the test set after every epoch."""
    extraction: ExtractionSettings = field(default_factory=ExtractionSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    labels: LabelSettings = field(default_factory=LabelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    execution: Execution = field(default_factory=Execution)

    def __post_init__(self) -> None:
        if self.seeds < 1:
            raise BadPlan(f"seeds {self.seeds} must be at least 1; the paper uses 10")
        if self.execution.shard_of[1] != 1:
            raise BadPlan(
                f"shard {self.execution.shard} would measure a part of the test set: extract with"
                " `c2fpl extract --shard`, then give the whole folder with --features"
            )
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise BadPlan(f"methods {', '.join(self.methods)!r} must be named once each")

    @property
    def seed_numbers(self) -> range:
        """The seeds, from that of the training settings on."""
        return range(self.training.seed, self.training.seed + self.seeds)


@dataclass(frozen=True)
class BenchmarkFiles:
    """Names of the files of a benchmark; labels, scores and seeds are kept by variant."""

    root: Path
    """The output folder."""

    @property
    def run(self) -> RunFiles:
        """Features, failures, lock and record of the same folder."""
        return RunFiles(self.root)

    @property
    def results(self) -> Path:
        """Every number."""
        return self.root / "results.json"

    @property
    def report(self) -> Path:
        """The table for people."""
        return self.root / "results.md"

    @property
    def convergence(self) -> Path:
        """AUC by epoch (supplementary Figure 10)."""
        return self.root / "convergence.png"

    @property
    def qualitative(self) -> Path:
        """Scores of some videos (supplementary Figure 9)."""
        return self.root / "qualitative.png"

    def labels(self, method: Method) -> RunFiles:
        """Labels of one method."""
        return RunFiles(self.root / "labels" / method, holds="labels")

    def norms(self, part: str, norm: str) -> Path:
        """Norms of all segments of the training or test videos."""
        return self.root / "norms" / f"{part}-{norm}.npy"

    def scores(self, variant: str, seed: int) -> Path:
        """float32 (epochs, segments of the test videos)."""
        return self.root / "segment-scores" / variant / f"seed-{seed}.npy"

    def seed(self, variant: str, seed: int) -> Path:
        """Metrics of one training."""
        return self.root / "seeds" / variant / f"seed-{seed}.json"


def methods_of(written: str) -> tuple[Method, ...]:
    """`paper,released` -> ("paper", "released").

    Raises:
        BadPlan: a name that is no method.
    """
    known: dict[str, Method] = {method: method for method in get_args(Method)}
    names = [part.strip() for part in written.split(",")]
    for name in names:
        if name not in known:
            raise BadPlan(f"method {name!r} is unknown: choose from {', '.join(known)}")
    return tuple(known[name] for name in names)
