"""Protocols on videos small enough to count by hand."""

import numpy as np
import pytest

from c2fpl.errors import BadAnnotation
from c2fpl.pipeline.truth.protocols import (
    Counts,
    deepmil,
    native,
    protocol_of,
    rtfm,
    shanghaitech_rtfm,
    spread_parts,
    sultani,
    vadclip,
    xdviodet,
)
from c2fpl.pipeline.truth.video_annotation import VideoAnnotation

VIDEO = VideoAnnotation("video", ("Anomaly",), ((2, 4), (30, 33)))
QUIET = VideoAnnotation("quiet", ("Normal",), ())


def test_native_is_end_exclusive_and_clipped() -> None:
    assert np.flatnonzero(native(VIDEO, Counts(frames=32))).tolist() == [2, 3, 30, 31]


def test_sultani_counts_from_one_and_includes_the_end() -> None:
    assert np.flatnonzero(sultani(VIDEO, Counts(frames=32))).tolist() == [1, 2, 3, 29, 30, 31]
    from_zero = VideoAnnotation("video", ("Anomaly",), ((0, 2),))
    assert np.flatnonzero(sultani(from_zero, Counts(frames=32))).tolist() == [0, 1]


def plain_spread(scores: list[float], frame_count: int) -> list[float]:
    """Part after part written over its segments, as in the published script."""
    segments = max(frame_count // 16, 1)
    edges = [int(1 + (segments - 1) * part / len(scores) + 0.5) for part in range(len(scores) + 1)]
    by_segment = [scores[-1]] * (segments + 1)
    for part, score in enumerate(scores):
        for segment in range(edges[part], max(edges[part + 1] - 1, edges[part]) + 1):
            by_segment[segment] = score
    by_segment[segments] = scores[-1]
    by_frame = [score for score in by_segment[1:] for _ in range(16)][:frame_count]
    return by_frame + [scores[-1]] * (frame_count - len(by_frame))


@pytest.mark.parametrize("frame_count", [1, 15, 16, 47, 155, 511, 512, 528, 1412, 10799])
def test_parts_spread_over_frames_as_part_after_part_written(frame_count: int) -> None:
    scores = np.linspace(0, 1, 32).astype(np.float32)
    expected = plain_spread(scores.tolist(), frame_count)
    assert spread_parts(scores, frame_count).tolist() == expected


def test_parts_of_nothing_are_refused() -> None:
    with pytest.raises(BadAnnotation, match="0 scores cannot be spread over 8 frames"):
        spread_parts(np.empty(0, np.float32), 8)


def test_rtfm_rounds_up_and_includes_the_end() -> None:
    truth = rtfm(VIDEO, Counts(frames=33))
    assert len(truth) == 48
    assert np.flatnonzero(truth).tolist() == [2, 3, 4, 30, 31, 32, 33]


def test_deepmil_and_vadclip_round_down_but_for_named_videos() -> None:
    assert len(deepmil(VIDEO, Counts(frames=33))) == 32
    assert len(vadclip(VIDEO, Counts(frames=33))) == 32
    assert len(deepmil(VideoAnnotation("Assault006_x264", (), ()), Counts(frames=32))) == 16
    assert len(vadclip(VideoAnnotation("Shooting032_x264", (), ()), Counts(frames=33))) == 48


def test_xdviodet_loses_the_last_frame_first() -> None:
    assert len(xdviodet(VIDEO, Counts(frames=32))) == 16
    assert len(xdviodet(VIDEO, Counts(frames=33))) == 32


def test_shanghaitech_repeats_the_last_label_and_takes_normal_lengths_from_features() -> None:
    ends_anomalous = VideoAnnotation("01_0014", ("Anomaly",), ((10, 20),), 20)
    truth = shanghaitech_rtfm(ends_anomalous, Counts(segments=2))
    assert np.flatnonzero(truth).tolist() == list(range(10, 32))
    ends_normal = VideoAnnotation("01_0015", ("Anomaly",), ((3, 5),), 20)
    assert shanghaitech_rtfm(ends_normal, Counts(segments=2)).sum() == 2
    assert shanghaitech_rtfm(QUIET, Counts(frames=944, segments=60)).shape == (960,)


def test_segments_alone_are_enough_where_the_features_decide() -> None:
    assert len(rtfm(VIDEO, Counts(segments=3))) == 48
    assert len(xdviodet(QUIET, Counts(segments=3))) == 48


def test_counts_that_are_missing_absurd_or_contradict_are_refused() -> None:
    with pytest.raises(BadAnnotation, match="video has no frame count"):
        native(VIDEO, Counts(segments=3))
    with pytest.raises(BadAnnotation, match="neither frame nor segment count"):
        rtfm(VIDEO, Counts())
    with pytest.raises(BadAnnotation, match=r"video has 4 segments, but 33 frames make 3 by ceil"):
        rtfm(VIDEO, Counts(frames=33, segments=4))
    with pytest.raises(BadAnnotation, match="1000000000000 frames must be in 1 to"):
        Counts(frames=10**12)


def test_a_protocol_of_another_data_set_is_refused_with_those_that_fit() -> None:
    with pytest.raises(
        BadAnnotation, match="rtfm is not for xd-violence: choose native or vadclip"
    ):
        protocol_of("rtfm", "xd-violence")
