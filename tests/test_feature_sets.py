"""Published feature sets: one interface over all layouts."""

import os
from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.settings import ReadingSettings
from c2fpl.pipeline.steps.convert_features import write_plain
from feature_folders import (
    DIM,
    LAYOUTS,
    SEGMENTS,
    drawn,
    save,
    save_crops_first,
    save_double_underscore,
    save_rtfm,
    whole,
)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_values(tmp_path: Path, layout: str, dtype: str) -> None:
    write, crops = LAYOUTS[layout]
    values = drawn(crops, dtype)
    write(tmp_path, values)
    features = open_features(tmp_path)
    assert features.names == tuple(sorted(SEGMENTS))
    for name, video in values.items():
        assert features.shape(name) == video.shape
        np.testing.assert_array_equal(whole(features, name), video.astype(np.float32))
        np.testing.assert_array_equal(features.videos[name].read(1, 3), video[1:3])


@pytest.mark.parametrize("layout", ["rtfm", "crops first", "double underscore"])
def test_training_reads_any_segment_of_any_layout(tmp_path: Path, layout: str) -> None:
    write, crops = LAYOUTS[layout]
    values = drawn(crops)
    write(tmp_path, values)
    source = open_features(tmp_path).source()
    together = np.concatenate([values[name] for name in sorted(values)])
    assert (len(source), source.crops, source.dim) == (21, 10, DIM)
    indices = np.random.default_rng(1).permutation(21)
    np.testing.assert_array_equal(source.gather(indices), together[indices])


def test_ten_segments_are_no_riddle_beside_other_videos(tmp_path: Path) -> None:
    values = drawn(10)
    save_crops_first(tmp_path, values)
    features = open_features(tmp_path)
    np.testing.assert_array_equal(whole(features, "Arson002_x264"), values["Arson002_x264"])


def test_each_segment_stands_for_sixteen_frames(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    plan = open_features(tmp_path).plan("Abuse001_x264")
    assert (plan.frame_count, plan.interval_of(3)) == (64, (48, 64))


def test_a_set_that_fits_both_ways_is_segments_first_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    video = np.arange(10 * 10 * DIM, dtype=np.float32).reshape(10, 10, DIM)
    save(tmp_path / "Abuse001_x264.npy", video)
    np.testing.assert_array_equal(whole(open_features(tmp_path), "Abuse001_x264"), video)
    (line,) = caplog.messages
    assert "shape (10, 10, 6) can be read both ways" in line
    turned = open_features(tmp_path, ReadingSettings(layout="crops-first"))
    np.testing.assert_array_equal(whole(turned, "Abuse001_x264"), video.swapaxes(0, 1))
    assert len(caplog.messages) == 1


def test_writing_plain_keeps_or_halves(tmp_path: Path) -> None:
    values = drawn(10)
    save_double_underscore(tmp_path / "published", values)
    features = open_features(tmp_path / "published")
    write_plain(features, tmp_path / "kept", "float32")
    write_plain(features, tmp_path / "halved", "float16")
    for name, video in values.items():
        np.testing.assert_array_equal(np.load(tmp_path / "kept" / f"{name}.npy"), video)
        halved = np.load(tmp_path / "halved" / f"{name}.npy")
        np.testing.assert_array_equal(halved, video.astype(np.float16))


def test_writing_plain_refuses_what_float16_cannot_hold(tmp_path: Path) -> None:
    save(tmp_path / "a" / "Abuse001_x264.npy", np.full((2, 10, DIM), 1e6, np.float32))
    (failure,) = write_plain(open_features(tmp_path / "a"), tmp_path / "b", "float16")
    assert failure.reason.startswith("Abuse001_x264 contains 1000000.0, above 65504")
    assert list((tmp_path / "b").iterdir()) == []


def test_a_split_is_a_set_of_its_own(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    features = open_features(tmp_path)
    part = features.only(["Arson002_x264", "Abuse001_x264"])
    assert part.names == ("Abuse001_x264", "Arson002_x264")
    assert part.fingerprint() != features.fingerprint() == open_features(tmp_path).fingerprint()
    with pytest.raises(BadFeatures, match="has no features of Abuse999_x264"):
        features.only(["Abuse999_x264"])


def test_a_changed_file_changes_the_fingerprint(tmp_path: Path) -> None:
    save_rtfm(tmp_path, drawn(10))
    before = open_features(tmp_path).fingerprint()
    os.utime(tmp_path / "Abuse001_x264_i3d.npy", (1, 1))
    assert open_features(tmp_path).fingerprint() != before
