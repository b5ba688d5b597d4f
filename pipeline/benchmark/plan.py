"""Settings of a benchmark, and the names of its input and output files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from c2fpl.errors import BadSettings
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings
from c2fpl.models.settings import LabelSettings, Method, TrainingSettings
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution, ReadingSettings
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.protocols import ProtocolName

BenchmarkName = Literal["ucf-crime", "xd-violence", "shanghaitech"]
TableName = Literal["seeds", "attention", "pipeline"]


@dataclass(frozen=True, kw_only=True)
class BenchmarkPaths:
    """Input files of a benchmark."""

    annotations: Path
    """annotation file of the data set; for ShanghaiTech the folder of frame masks."""
    videos: Path | None = None
    """folder of the raw videos, in any layout. Their features are extracted into the output
    folder."""
    features: Path | None = None
    """folder of features to use instead of videos: made by `extract`, or published."""
    test_features: Path | None = None
    """features of the test videos, if they are separate: a folder or a .npy file."""
    train_list: Path | None = None
    """list of training videos. By default searched for by its official name."""
    test_list: Path | None = None
    """list of test videos. By default searched for by its official name."""
    frame_counts: Path | None = None
    """CSV of the test list with columns video and n_frames."""
    segments_column: str | None = None
    """column of that CSV with the segment counts of a published feature set."""
    ground_truth: Path | None = None
    """ready-made vector (gt.npy) of all test videos, in the order of their list. It is used as
    ground truth and compared with the annotations."""

    def __post_init__(self) -> None:
        if (self.videos is None) == (self.features is None):
            given = "both" if self.videos else "neither"
            raise BadSettings(
                f"{given} of --videos and --features given: give exactly one of the two folders"
            )
        if self.test_features is not None and self.features is None:
            raise BadSettings("--test-features needs --features: give the training features")

    @property
    def data(self) -> Path:
        """The folder of videos or features."""
        folder = self.videos or self.features
        assert folder is not None
        return folder


@dataclass(frozen=True, kw_only=True)
class BenchmarkPlan:
    """Settings of one run of `c2fpl benchmark`."""

    dataset: DatasetName
    paths: BenchmarkPaths
    protocol: ProtocolName | None = None
    """Convention of the ground truth; None selects the one that fits the features."""
    table: TableName = "seeds"
    """Table of the paper to reproduce."""
    methods: tuple[Method, ...] = ("paper",)
    """Labelling methods to compare."""
    seeds: int = 10
    """Number of trainings of each variant."""
    curve: bool = True
    """Also evaluate the test set after every epoch."""
    extraction: ExtractionSettings = field(default_factory=ExtractionSettings)
    decoding: DecodingSettings = field(default_factory=DecodingSettings)
    labels: LabelSettings = field(default_factory=LabelSettings)
    training: TrainingSettings = field(default_factory=TrainingSettings)
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    execution: Execution = field(default_factory=Execution)

    def __post_init__(self) -> None:
        for place in filter(None, (self.paths.data, self.paths.test_features)):
            if not (place.is_dir() or (self.paths.features is not None and place.is_file())):
                raise BadSettings(f"{place} is not a folder: give the folder of the data set")
        if self.seeds < 1:
            raise BadSettings(f"seeds {self.seeds} must be at least 1: the paper uses 10")
        if self.execution.shard_of[1] != 1:
            raise BadSettings(
                f"shard {self.execution.shard} would evaluate only a part of the test set: extract"
                " with `c2fpl extract --shard`, then give the whole folder with --features"
            )
        if not self.methods or len(set(self.methods)) < len(self.methods):
            raise BadSettings(
                f"methods {', '.join(self.methods)!r} must be distinct: name each once"
            )

    @property
    def seed_numbers(self) -> range:
        """Consecutive seeds, starting with the seed of the training settings."""
        return range(self.training.seed, self.training.seed + self.seeds)


@dataclass(frozen=True)
class BenchmarkFiles:
    """Output files of a benchmark; labels are kept by method, scores and metrics by variant."""

    root: Path

    @property
    def run(self) -> RunFiles:
        """Features, failures, lock and run record."""
        return RunFiles(self.root)

    @property
    def results(self) -> Path:
        """All results."""
        return self.root / "results.json"

    @property
    def report(self) -> Path:
        """The results as Markdown tables."""
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
        """Norms of all training or test segments."""
        return self.root / "norms" / f"{part}-{norm}.npy"

    def scores(self, variant: str, seed: int) -> Path:
        """Scores of one training: float32 (epochs, segments of the test videos)."""
        return self.root / "segment-scores" / variant / f"seed-{seed}.npy"

    def seed(self, variant: str, seed: int) -> Path:
        """Metrics of one training."""
        return self.root / "seeds" / variant / f"seed-{seed}.json"


def methods_of(written: str) -> tuple[Method, ...]:
    """Parse a comma-separated list: `paper,released` gives ("paper", "released").

    Raises:
        BadSettings: a method is unknown.
    """
    known: dict[str, Method] = {method: method for method in get_args(Method)}
    names = [part.strip() for part in written.split(",")]
    for name in names:
        if name not in known:
            raise BadSettings(f"method {name!r} is unknown: choose from {', '.join(known)}")
    return tuple(known[name] for name in names)
