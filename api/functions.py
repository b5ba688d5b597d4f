"""The steps as functions on arrays and paths, for scripts and notebooks.

    >>> flow = ExtractionSettings(backbone="flow", crops=1)
    >>> features = [extract(video, flow) for video in videos]
    >>> made = label_segments(features)
    >>> detector = train(features, made.labels, TrainingSettings(epochs=2))
    >>> score(detector, features[0]).shape
    (60,)

`run` also streams, resumes and writes all results with provenance. Here, `videos` have 60 frames.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from hashlib import sha256
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from c2fpl.extractors.devices import resolve_device
from c2fpl.extractors.encoding.encoder import make_encoder
from c2fpl.extractors.encoding.held_frames import SegmentEncoder
from c2fpl.extractors.settings import DecodingSettings, ExtractionSettings, Tail
from c2fpl.field_checks import check_argument
from c2fpl.models.detection import training
from c2fpl.models.detection.detector import Detector
from c2fpl.models.detection.scores import finished
from c2fpl.models.settings import LabelSettings, ScoreOptions, TrainingSettings
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.in_memory import (
    Features,
    InMemory,
    VideoFeatures,
    all_of,
    arrays_of,
    extract_in_memory,
    joined_labels,
    plan_of,
)
from c2fpl.pipeline.files.outcomes import Failure
from c2fpl.pipeline.files.run_files import RunFiles, fingerprint
from c2fpl.pipeline.run import RunSettings, run_folder
from c2fpl.pipeline.steps.detector_files import SavedDetector, opened, save_detector
from c2fpl.pipeline.steps.make_labels import MadeLabels, make_labels
from c2fpl.pipeline.steps.segment_scores import segment_scores, training_source
from c2fpl.pipeline.videos.find import places_of

__all__ = ["extract", "label_segments", "run", "save", "score", "train"]


def extract(
    video: str | PathLike[str],
    extraction: ExtractionSettings = ExtractionSettings(),
    decoding: DecodingSettings = DecodingSettings(),
    *,
    device: str = "auto",
    encoder: SegmentEncoder | None = None,
) -> VideoFeatures:
    """Decode one video, in a child process, and encode its segments of 16 frames.

        >>> features = extract(videos[0], ExtractionSettings(backbone="flow", crops=5))
        >>> features.values.shape  # ceil(60 / 16) segments, the last one looped
        (4, 5, 384)
        >>> features.report.num_frames_decoded, features.report.frame_rate
        (60, 25.0)

    Args:
        video: the file.
        extraction: backbone, weights, crops, tail rule, precision, stored form.
        decoding: resize, frame rate, decoder.
        device: auto (a GPU if there is one), cpu, cuda or cuda:1.
        encoder: of `make_encoder(extraction, device=...)`, to load a network once for many videos.

    Returns:
        `values` (segments, crops, dim), of type `extraction.dtype`, and how they were made.

    Raises:
        BadVideo: no frame can be decoded, or more than `decoding.max_lost` is lost.
        BadWeights, MissingDevice: the backbone cannot be built.
        BadFeatures: values beyond the range of float16.
    """
    check_argument("video", video, str | PathLike)
    settings = FeatureSettings(extraction, decoding)
    network = encoder or make_encoder(extraction, device=resolve_device(device))
    return extract_in_memory(Path(video), settings, network)


def label_segments(
    features: Sequence[Features], settings: LabelSettings = LabelSettings()
) -> MadeLabels:
    """Give every segment of every video a pseudo-label, with no human label (docs/method.md).

        >>> made = label_segments(folder_of_arrays, LabelSettings(eta=0.4, beta=0.25))
        >>> made.anomalous  # (videos,): the coarse labels
        array([False, False, False, False,  True,  True])
        >>> [labels.tolist() for labels in made.labels][4:]  # (segments,) each
        [[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]]

    Args:
        features: one per video, floats (segments, crops, dim); released depends on the order.
        settings: method, eta, beta and the switches.

    Returns:
        `anomalous` bool (videos,); per video, `labels` float32 (segments,) in [0, 1].

    Raises:
        CannotLabel: the videos are indistinguishable. (A single one is compared with itself.)
        BadFeatures: values that are not finite, or axes that fit no layout.
    """
    check_argument("settings", settings, LabelSettings)
    return make_labels(all_of(features), settings, quiet=True)


def train(
    features: Sequence[Features],
    labels: Sequence[ArrayLike],
    settings: TrainingSettings = TrainingSettings(),
    *,
    device: str = "auto",
    after_epoch: Callable[[training.Epoch], None] | None = None,
) -> Detector:
    """Train a detector on all segments; on the CPU the same seed gives the same bytes.

    After `method="refined"`, only `c2fpl.run` does what the command does: it also scores with the
    evidence, which chooses the `detector_input` of auto. Here auto is absolute.

        >>> losses = []
        >>> made = label_segments(folder_of_arrays)
        >>> settings = TrainingSettings(epochs=3, seed=7)
        >>> detector = train(folder_of_arrays, made.labels, settings,
        ...                  after_epoch=lambda epoch: losses.append(epoch.loss))
        >>> len(losses), losses[-1] < losses[0]
        (3, True)

    Args:
        features: one entry per video, floats (segments, crops, dim), with equal crops and dim.
        labels: (segments,) per video, in [0, 1], hard or soft; in the same order.
        settings: attention, optimisation, seed.
        device: auto, cpu, cuda or cuda:1.
        after_epoch: called with number, mean loss, learning rate and seconds of each epoch.

    Raises:
        BadLabels: another number of labels than segments, or a label outside [0, 1].
        TrainingDiverged: the loss is no longer a number.
    """
    check_argument("settings", settings, TrainingSettings)
    videos = all_of(features)
    targets = joined_labels(labels, [len(array) for array in arrays_of(videos.features)])
    source = training_source(videos, relative=settings.detector_input == "relative")
    chosen = resolve_device(device)
    return training.train(source, targets, settings, device=chosen, after_epoch=after_epoch).cpu()


def score(
    detector: Detector | str | PathLike[str],
    features: Features,
    frame_count: int | None = None,
    *,
    tail: Tail = "loop",
    options: ScoreOptions = ScoreOptions(),
) -> NDArray[np.float32]:
    """Score every frame of a video: the mean over crops of the detector's scores of its segment.

    A detector file that was trained on labels of `refined` also stores the evidence model, and
    the scores combine both, as `c2fpl score` does. A detector from `train` uses only its own.

        >>> made = label_segments(folder_of_arrays)
        >>> detector = train(folder_of_arrays, made.labels, TrainingSettings(epochs=1))
        >>> score(detector, folder_of_arrays[0], frame_count=125).shape  # 8 segments
        (125,)

    Args:
        detector: the result of `train`, or the path of a detector.pt.
        features: features of one video, floats (segments, crops, dim).
        frame_count: decoded frames, by default 16 per segment or what `VideoFeatures` record.
        tail: rule for a short last segment; for arrays only.
        options: smoothing and calibration, both off by default.

    Returns:
        (frame_count,) float32 in [0, 1].

    Raises:
        BadDetector: features of another backbone.
        BadScores: a frame count that does not fit the number of segments or the features.
    """
    check_argument("options", options, ScoreOptions)
    network, joined = opened(detector, features)
    plan, video = plan_of(features, frame_count, tail), InMemory((features,))
    relative = network.settings.detector_input == "relative"
    (scores,) = segment_scores([network], joined, video, video.names[0], relative=relative)
    return plan.to_frames(finished(scores, options))


def save(path: str | PathLike[str], detector: Detector, trained_on: VideoFeatures) -> None:
    """Write a detector.pt that `c2fpl score VIDEOS --detector` takes.

        >>> flow = extract(videos[0], ExtractionSettings(backbone="flow", crops=1))
        >>> labels = np.zeros(len(flow.values))
        >>> detector = train([flow], [labels], TrainingSettings(epochs=1))
        >>> save(tmp_path / "detector.pt", detector, trained_on=flow)
        >>> bool(np.array_equal(score(tmp_path / "detector.pt", flow), score(detector, flow)))
        True

    Args:
        path: the file.
        detector: the result of `train`; the file has no evidence (see `train`).
        trained_on: features of any of its videos, which record how to extract new ones.
    """
    check_argument("path", path, str | PathLike)
    check_argument("detector", detector, Detector)
    check_argument("trained_on", trained_on, VideoFeatures)
    weights = detector.state_dict().items()
    state = {name: sha256(value.cpu().numpy()).hexdigest() for name, value in weights}
    extraction = {**trained_on.settings.as_json(), "weights_sha256": trained_on.weights_sha256}
    made_by = fingerprint({**asdict(detector.settings), "state": state})
    made = SavedDetector(detector, detector.dim, detector.settings, extraction, made_by)
    save_detector(Path(path), made)


def run(
    videos: str | PathLike[str] | Iterable[str | PathLike[str]],
    output: str | PathLike[str],
    settings: RunSettings = RunSettings(),
) -> list[Failure]:
    """Every step on a folder of videos, as `c2fpl run` does; a second call resumes.

        >>> flow = RunSettings(
        ...     extraction=ExtractionSettings(backbone="flow", crops=1),
        ...     training=TrainingSettings(epochs=2), execution=Execution(quiet=True))
        >>> run(videos[0].parent, tmp_path / "run", flow)
        []
        >>> np.load(tmp_path / "run" / "scores" / "v0.npy").shape
        (60,)

    Args:
        videos: a file, folder (with its sub-folders), glob or list file, or several of them.
        output: the run's folder; docs/index.md names its files.
        settings: of every step.

    Returns:
        The videos that failed, each with its step and reason. All others have scores.

    Raises:
        Error: no videos, a folder in use, settings that do not fit together.
    """
    check_argument("output", output, str | PathLike)
    check_argument("settings", settings, RunSettings)
    return run_folder(places_of(videos), RunFiles(Path(output)), settings)[1]
