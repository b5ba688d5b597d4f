"""Features as the public Python functions take them: in memory, or as the path of a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from c2fpl.errors import BadFeatures, BadLabels, BadScores, BadVideo
from c2fpl.extractors.decoder_messages import Decoded, Restarted, Undecodable
from c2fpl.extractors.decoder_pool import DecoderPool
from c2fpl.extractors.decoding.video import DecodeReport
from c2fpl.extractors.encoding.held_frames import SegmentEncoder
from c2fpl.extractors.extraction import Extraction, FeatureRows
from c2fpl.extractors.segments import SEGMENT_FRAMES, SegmentPlan
from c2fpl.extractors.settings import Tail
from c2fpl.field_checks import check_argument
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.extraction.feature_settings import FeatureSettings
from c2fpl.pipeline.features.array_blocks import chunks_of, features_header, finite_chunks
from c2fpl.pipeline.features.crop_layouts import find_axes, refuse_turned
from c2fpl.pipeline.features.crop_names import Form
from c2fpl.pipeline.features.extracted import refuse_several_backbones


@dataclass(frozen=True, eq=False)
class VideoFeatures:
    """Features of one video, with their provenance."""

    values: NDArray[Any]
    """(segments, crops, dim), finite; float16 or float32, by `settings.extraction.dtype`."""
    report: DecodeReport
    """Frame count, frame rate (frames per second), size (pixels), decoder, lost frames."""
    settings: FeatureSettings
    """Extraction and decoding settings."""
    weights_sha256: str | None
    """Hash of the backbone's weights file; None if it has no weights."""

    @property
    def plan(self) -> SegmentPlan:
        """The frames that each segment covers."""
        return SegmentPlan(self.report.num_frames_decoded, tail=self.settings.extraction.tail)


Features: TypeAlias = VideoFeatures | NDArray[Any] | str | PathLike[str]
"""Features of one video: the result of `extract`, an array, or the path of a .npy, which is
memory-mapped. Arrays are (segments, crops, dim), (crops, segments, dim) or (segments, dim); the
shape decides, as on the command line. Pickles are refused, never loaded."""


@dataclass(frozen=True, eq=False)
class _Given:
    """An array, with the path or name that messages show."""

    path: Path
    array: NDArray[Any]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype


def arrays_of(features: Sequence[Features]) -> list[NDArray[Any]]:
    """One array (segments, crops, dim) per video, in memory or memory-mapped.

    The order of the axes is found from all arrays together, except for results of `extract`.

    Raises:
        BadFeatures: arrays of two and of three axes, or axes that fit no layout.
    """
    given = [
        _given(place, each)
        for place, each in enumerate(features)
        if not isinstance(each, VideoFeatures)
    ]
    found = iter(_segments_first(given) if given else ())
    return [each.values if isinstance(each, VideoFeatures) else next(found) for each in features]


def all_of(features: Sequence[Features]) -> "InMemory":
    """A feature set of at least one video.

    Raises:
        BadFeatures: no video, one video instead of a sequence, or several backbones.
    """
    if isinstance(features, VideoFeatures | np.ndarray | str | PathLike):
        raise BadFeatures(
            f"features of class {type(features).__name__} are those of one video; give a list with"
            " one entry per video"
        )
    if not isinstance(features, Iterable):
        raise BadFeatures(f"features {features!r} are not a list with one entry per video")
    if not (videos := tuple(features)):
        raise BadFeatures("no features: the list is empty; give one entry per video")
    refuse_several_backbones(
        (f"video {place}", each.settings.extraction.backbone, each.weights_sha256)
        for place, each in enumerate(videos)
        if isinstance(each, VideoFeatures)
    )
    return InMemory(videos)


def plan_of(features: Features, frame_count: int | None, tail: Tail) -> SegmentPlan:
    """The frames that each segment covers; an array without a count has 16 frames per segment.

    Raises:
        BadScores: the count contradicts that of a result of `extract`.
        TooShort: the count is too small for one segment.
    """
    check_argument("frame_count", frame_count, int | None)
    (values,) = arrays_of([features])
    if not isinstance(features, VideoFeatures):
        own = len(values) * SEGMENT_FRAMES
        return SegmentPlan(own if frame_count is None else frame_count, tail=tail)
    if frame_count not in (None, features.plan.frame_count):
        raise BadScores(
            f"frame_count {frame_count}, but {features.plan.frame_count} frames were decoded for"
            " these features; leave it out"
        )
    return features.plan


def joined_labels(
    labels: Sequence[ArrayLike], segment_counts: Sequence[int]
) -> NDArray[np.float32]:
    """Labels of all videos in one array (segments,).

    Raises:
        BadLabels: not one (segments,) array per video.
    """
    try:
        wanted = [np.asarray(each, np.float32) for each in labels]
    except (TypeError, ValueError) as error:
        raise BadLabels(f"labels are not numbers ({error}); give one array per video") from error
    found = [each.shape for each in wanted]
    if found != [(count,) for count in segment_counts]:
        raise BadLabels(
            f"labels of shapes {found} for videos of {list(segment_counts)} segments; "
            "give one (segments,) array a video, in the same order"
        )
    return np.concatenate(wanted)


def extract_in_memory(
    video: Path, settings: FeatureSettings, encoder: SegmentEncoder
) -> VideoFeatures:
    """Decode one video in a child process and encode its segments.

    Raises:
        BadVideo: the video cannot be decoded.
        BadFeatures: values beyond the range of the stored type.
    """
    extraction, decoding = settings.extraction, settings.decoding
    rows: list[NDArray[np.float32]] = []
    with DecoderPool(
        decoding, encoder.short_side_pixels, tail=extraction.tail, receiver=encoder
    ) as decoders:
        for message in Extraction(decoders, encoder).extract([("", video)]):
            match message:
                case FeatureRows(_, values):
                    rows.append(values)
                case Restarted():
                    rows.clear()
                case Undecodable(_, reason):
                    raise BadVideo(f"{video}: {reason}")
                case Decoded(_, report):
                    found = report
    with np.errstate(over="ignore"):  # judged in the next line
        stored = np.concatenate(rows).astype(extraction.dtype)
    if not np.isfinite(stored).all():
        raise BadFeatures(
            f"{video}: features exceed the range of {extraction.dtype}; use dtype='float32' or "
            "precision='fp32'"
        )
    return VideoFeatures(stored, found, settings, encoder.weights_sha256)


def _given(place: int, features: NDArray[Any] | str | PathLike[str]) -> _Given:
    """The features of video number `place`: an array of two or three axes, or such a .npy file."""
    if not isinstance(features, np.ndarray | str | PathLike):
        raise BadFeatures(
            f"video {place} is of class {type(features).__name__}; give an array, the path of a"
            " .npy file or the result of `extract`"
        )
    form: Form
    if isinstance(features, np.ndarray):
        form = _Given(Path(f"video {place}"), features)
    else:
        form = features_header(Path(features))
    if len(form.shape) not in (2, 3) or form.dtype.kind != "f" or 0 in form.shape:
        raise BadFeatures(
            f"{form.path} is {form.dtype} {form.shape}: floats (segments, crops, dim),"
            " (crops, segments, dim) or (segments, dim) are needed"
        )
    if isinstance(form, _Given):
        return form
    return _Given(form.path, np.load(form.path, mmap_mode="r", allow_pickle=False))


def _segments_first(given: Sequence[_Given]) -> list[NDArray[Any]]:
    """Arrays (segments, crops, dim) of videos that all have two, or all three, axes."""
    ranks = {len(each.shape) for each in given}
    if len(ranks) > 1:
        raise BadFeatures(
            f"videos of shapes {[each.shape for each in given][:5]}: all must have the same axes,"
            " (segments, crops, dim) or (segments, dim)"
        )
    if ranks == {2}:
        refuse_turned(given, "auto")
        return [each.array[:, np.newaxis] for each in given]
    axis, _ = find_axes(given)
    return [each.array if axis == 1 else each.array.swapaxes(0, 1) for each in given]


@dataclass(frozen=True)
class InMemory:
    """A feature set of videos without names; their positions in the list serve as names."""

    features: tuple[Features, ...]
    """One entry per video."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Positions of the videos, as text."""
        return tuple(f"{place:06d}" for place in range(len(self.features)))

    @cached_property
    def _arrays(self) -> list[NDArray[Any]]:
        """Features of each video, (segments, crops, dim)."""
        return arrays_of(self.features)

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """The values in order, in chunks of finite float32 (segments, crops, dim)."""
        return finite_chunks(chunks_of(self._arrays[int(name)]), f"video {int(name)}")

    def segment_count(self, name: str) -> int:
        """Segments of the video."""
        return len(self._arrays[int(name)])

    def source(self) -> ArraySource:
        """All segments in the given order, for training."""
        return ArraySource(self._arrays)
