"""Frame labels of one video under each published protocol.

Published code disagrees on how many segments of 16 frames a video has, and on whether the end frame
of an annotated interval belongs to it. Each function below implements one convention and returns
uint8 (frames,): 1 for anomalous frames, else 0.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from c2fpl.errors import BadAnnotation
from c2fpl.extractors.segments import SEGMENT_FRAMES
from c2fpl.pipeline.truth.datasets import DatasetName
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation

ProtocolName = Literal[
    "native", "sultani", "rtfm", "deepmil", "vadclip", "xdviodet", "shanghaitech-rtfm"
]

SULTANI_PARTS = 32
"""Equal parts of each video in the feature sets that follow Sultani et al."""

LARGEST_FRAME_COUNT = 10**8
"""Limit for one video: 38 days at 30 fps, far above the longest benchmark video (107,997)."""

DEEPMIL_ONE_SEGMENT_LESS = frozenset(
    {
        "Assault006_x264", "Burglary037_x264", "RoadAccidents010_x264", "RoadAccidents016_x264",
        "Shooting046_x264", "Shoplifting010_x264", "Shoplifting015_x264",
        "Normal_Videos_881_x264", "Normal_Videos_914_x264",
    }
)  # fmt: skip
"""Test videos whose published features lack the last segment, although 16 divides their frames
(as it does for 11 other videos)."""

VADCLIP_ONE_SEGMENT_MORE = frozenset(
    {
        "Shooting032_x264", "Normal_Videos_924_x264", "Normal_Videos_935_x264",
        "Normal_Videos_940_x264", "v=KERh4R2BbS0__#1_label_A", "v=vHnAmx0UYbM__#1_label_A",
        "v=wQrV75N2BrI__#1_label_A",
    }
)  # fmt: skip
"""Test videos of UCF-Crime and XD-Violence whose published features round up."""


@dataclass(frozen=True)
class Counts:
    """Known counts of one video."""

    frames: int | None = None
    """Decoded frames."""
    segments: int | None = None
    """Segments in the feature set."""

    def __post_init__(self) -> None:
        limits = {"frames": LARGEST_FRAME_COUNT, "segments": LARGEST_FRAME_COUNT // SEGMENT_FRAMES}
        for name, largest in limits.items():
            count = getattr(self, name)
            if count is not None and not 0 < count <= largest:
                raise BadAnnotation(f"{count} {name} must be in 1 to {largest}: correct the count")


def native(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """All decoded frames; [start, end), 0-based, clipped to the video.

    UCF-Crime: 1,111,808 frames, 84,182 anomalous. XD-Violence: 2,335,801 and 538,324.
    """
    return _marked(video, _frames(video, counts, "native"), end_included=False)


def sultani(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """All decoded frames; [start, end], 1-based, clipped to the video.

    UCF-Crime: 1,111,808 frames, 84,338 anomalous. Source: Evaluate_Anomaly_Detector.m of Sultani et
    al., CVPR 2018; `spread_parts` expands scores of its 32 parts to frames.
    """
    frames = _frames(video, counts, "sultani")
    from_zero = tuple((max(start - 1, 0), end) for start, end in video.intervals)
    return _marked(replace(video, intervals=from_zero), frames, end_included=False)


def rtfm(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """ceil(n/16) segments of 16 frames; [start, end], 0-based.

    Source: RTFM (ICCV 2021) list/gt-ucf.npy as first published (commit 97a4d08). C2FPL uses this
    convention with a later file that differs in 46 frames for an unknown reason.
    """
    segments = _segments(video, counts, lambda n: -(-n // SEGMENT_FRAMES), "ceil(n/16)")
    return _marked(video, segments * SEGMENT_FRAMES, end_included=True)


def deepmil(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """floor(n/16) segments, one fewer in nine videos whose features end early; [start, end).

    Source: DeepMIL, UR-DMU and PEL4VAD gt-ucf.npy.
    """
    less = video.name in DEEPMIL_ONE_SEGMENT_LESS
    rule = "floor(n/16)" + (" - 1" if less else "")
    segments = _segments(video, counts, lambda n: n // SEGMENT_FRAMES - less, rule)
    return _marked(video, segments * SEGMENT_FRAMES, end_included=False)


def vadclip(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """floor(n/16) segments, one more in four UCF-Crime and three XD-Violence videos; [start, end).

    Source: VadCLIP (AAAI 2024) list/gt_ucf.npy and list/gt.npy.
    """
    more = video.name in VADCLIP_ONE_SEGMENT_MORE
    rule = "floor(n/16)" + (" + 1" if more else "")
    segments = _segments(video, counts, lambda n: n // SEGMENT_FRAMES + more, rule)
    return _marked(video, segments * SEGMENT_FRAMES, end_included=False)


def xdviodet(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """floor((n-1)/16) segments, because the last frame has no optical flow; [start, end).

    Source: XDVioDet (ECCV 2020) list/make_gt.py; the same gt.npy in UR-DMU, BN-WVAD, PEL4VAD,
    CLIP-TSA, CLAP, MACIL_SD.
    """
    segments = _segments(video, counts, lambda n: (n - 1) // SEGMENT_FRAMES, "floor((n-1)/16)")
    return _marked(video, segments * SEGMENT_FRAMES, end_included=False)


def shanghaitech_rtfm(video: VideoAnnotation, counts: Counts) -> NDArray[np.uint8]:
    """Masks padded with their last label to ceil(n/16) segments; normal videos are all zero.

    A normal video takes its segment count from its features, because 41 of 155 deviate from the
    frame count. Source: RTFM (ICCV 2021) list/gt-sh.npy; the same in CLIP-TSA and S3R.
    """
    if not video.intervals and counts.segments is not None:
        return np.zeros(counts.segments * SEGMENT_FRAMES, np.uint8)
    known = Counts(video.frame_count or counts.frames, counts.segments)
    segments = _segments(video, known, lambda n: -(-n // SEGMENT_FRAMES), "ceil(n/16)")
    truth = _marked(video, segments * SEGMENT_FRAMES, end_included=False)
    if known.frames is not None:
        truth[known.frames :] = truth[known.frames - 1]
    return truth


def spread_parts(scores: NDArray[np.float32], frame_count: int) -> NDArray[np.float32]:
    """Expand scores of equal parts of a video, (parts,), to its frames, (frame_count,).

    Part i covers the 16-frame segments from edge i up to edge i + 1, where the edges are
    `parts + 1` evenly spaced numbers from the first segment to the last, rounded half up. The last
    segment and the frames after it repeat the last score; a part without segments is skipped.
    Source: Evaluate_Anomaly_Detector.m of Sultani et al., CVPR 2018. That code leaves the last
    segment of most videos at 0, because its test for the last part is never true; this one does
    not.

    Raises:
        BadAnnotation: there are no parts or no frames.
    """
    parts = len(scores)
    if parts == 0 or frame_count < 1:
        raise BadAnnotation(f"{parts} scores cannot be spread over {frame_count} frames: give both")
    segments = max(frame_count // SEGMENT_FRAMES, 1)
    edges = np.floor(np.linspace(1, segments, parts + 1) + 0.5).astype(np.intp) - 1
    part_of_segment = np.searchsorted(edges, np.arange(segments), side="right") - 1
    part_of_frame = np.repeat(np.minimum(part_of_segment, parts - 1), SEGMENT_FRAMES)[:frame_count]
    missing = frame_count - len(part_of_frame)
    spread: NDArray[np.float32] = scores[np.pad(part_of_frame, (0, missing), mode="edge")]
    return spread


@dataclass(frozen=True)
class Protocol:
    """One convention and the data sets it applies to."""

    truth: Callable[[VideoAnnotation, Counts], NDArray[np.uint8]]
    """Computes the labels of one video, (frames,), 1 for anomalous."""
    datasets: tuple[DatasetName, ...]
    """Data sets that it was published for."""
    dtype: DTypeLike
    """dtype of the published vector."""


PROTOCOLS: Mapping[ProtocolName, Protocol] = MappingProxyType(
    {
        "native": Protocol(
            native, ("ucf-crime", "xd-violence", "shanghaitech", "own"), np.dtype(np.float32)
        ),
        "sultani": Protocol(sultani, ("ucf-crime",), np.dtype(np.float32)),
        "rtfm": Protocol(rtfm, ("ucf-crime",), np.dtype(np.float64)),
        "deepmil": Protocol(deepmil, ("ucf-crime",), np.dtype(np.float32)),
        "vadclip": Protocol(vadclip, ("ucf-crime", "xd-violence"), np.dtype(np.float32)),
        "xdviodet": Protocol(xdviodet, ("xd-violence",), np.dtype(np.float32)),
        "shanghaitech-rtfm": Protocol(shanghaitech_rtfm, ("shanghaitech",), np.dtype(np.float64)),
    }
)


def protocol_of(name: ProtocolName, dataset: DatasetName) -> Protocol:
    """Look up a protocol.

    Raises:
        BadAnnotation: it was not published for the data set.
    """
    if name not in PROTOCOLS or dataset not in PROTOCOLS[name].datasets:
        fitting = [known for known, protocol in PROTOCOLS.items() if dataset in protocol.datasets]
        raise BadAnnotation(f"protocol {name} is not for {dataset}: choose {' or '.join(fitting)}")
    return PROTOCOLS[name]


def _frames(video: VideoAnnotation, counts: Counts, protocol: str) -> int:
    if counts.frames is None:
        raise BadAnnotation(
            f"{video.name} has no frame count, but protocol {protocol} needs one: give it, or"
            " choose a protocol that counts segments"
        )
    return counts.frames


def _segments(
    video: VideoAnnotation, counts: Counts, by_rule: Callable[[int], int], rule: str
) -> int:
    """Number of segments by `rule`; the segment count of the features, if known, must equal it."""
    if counts.frames is None and counts.segments is None:
        raise BadAnnotation(f"{video.name} has neither frame nor segment count: give one of them")
    if counts.frames is None:
        return counts.segments or 0
    expected = by_rule(counts.frames)
    if counts.segments is not None and counts.segments != expected:
        raise BadAnnotation(
            f"{video.name} has {counts.segments} segments, but {counts.frames} frames make"
            f" {expected} by {rule}: check the feature file, the column and the protocol"
        )
    return expected


def _marked(video: VideoAnnotation, frame_count: int, *, end_included: bool) -> NDArray[np.uint8]:
    """Label the intervals, clipped to the video: (frame_count,) of 0 and 1."""
    truth = np.zeros(frame_count, np.uint8)
    for start, end in video.intervals:
        truth[start : end + end_included] = 1
    return truth
