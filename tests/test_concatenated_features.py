"""One array for all videos: read by its offsets or by frame counts, refused in a wrong order."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.settings import ReadingSettings
from feature_folders import SEGMENTS, drawn, refusal, save, save_counts, whole


def concatenated(folder: Path) -> dict[str, NDArray[Any]]:
    """Normal videos first, as nalist.npy has them."""
    values = drawn(10)
    order = sorted(values, key=lambda name: (not name.startswith("Normal"), name))
    ends = np.cumsum([len(values[name]) for name in order])
    save(folder / "concat_UCF.npy", np.concatenate([values[name] for name in order]))
    save(folder / "nalist.npy", np.stack((np.append(0, ends[:-1]), ends), axis=1))
    return {name: values[name] for name in order}


def counts(path: Path) -> Path:
    """Frames that make the segments of `drawn`."""
    return save_counts(path, {name: 16 * count - 3 for name, count in SEGMENTS.items()})


def test_a_concatenation_is_read_by_its_offsets(tmp_path: Path) -> None:
    values = concatenated(tmp_path / "set")
    reading = ReadingSettings(frame_counts=counts(tmp_path / "counts.csv"))
    features = open_features(tmp_path / "set", reading, names=list(values))
    for name, video in values.items():
        np.testing.assert_array_equal(whole(features, name), video)
    source = features.source()
    np.testing.assert_array_equal(source.gather(np.array([0]))[0], values["Abuse001_x264"][0])


def test_without_names_videos_are_called_by_their_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = concatenated(tmp_path)
    features = open_features(tmp_path)
    assert features.names == ("video-00001", "video-00002", "video-00003")
    for name, video in zip(features.names, values.values(), strict=True):
        np.testing.assert_array_equal(whole(features, name), video)
    assert "no list of names" in caplog.text


def test_names_in_another_order_are_refused_where_counts_show_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    values = concatenated(tmp_path / "set")
    folder, table = tmp_path / "set", counts(tmp_path / "counts.csv")
    assert "has 3 videos but the list has 2 names" in refusal(folder, names=list(values)[:2])
    message = refusal(folder, names=sorted(values), frame_counts=table)
    assert "Abuse001_x264 has 7 segments by these names but 61 frames by the table" in message
    open_features(folder, names=list(values))
    assert "not checked" in caplog.text


@pytest.mark.parametrize("rounded", [0, 5, 15])
def test_an_array_without_offsets_is_cut_by_the_frame_counts(tmp_path: Path, rounded: int) -> None:
    values = drawn(10)
    save(tmp_path / "set" / "Concat_test_10.npy", np.concatenate(list(values.values())))
    frames = {name: 16 * len(video) + rounded for name, video in values.items()}
    reading = ReadingSettings(frame_counts=save_counts(tmp_path / "counts.csv", frames))
    features = open_features(tmp_path / "set", reading, names=list(values))
    for name, video in values.items():
        np.testing.assert_array_equal(whole(features, name), video)
    other = save_counts(tmp_path / "other.csv", {**frames, "Abuse001_x264": 200})
    message = refusal(tmp_path / "set", names=list(values), frame_counts=other)
    assert "has 21 segments, and 3 videos of these frame counts have" in message
    assert "and no offsets" in refusal(tmp_path / "set")


def test_offsets_that_do_not_tile_the_array_are_refused(tmp_path: Path) -> None:
    names = list(concatenated(tmp_path))
    rows = np.load(tmp_path / "nalist.npy")
    for change, complaint in (((1, 0, 8), "row 1: [8, 11)"), ((2, 1, 22), "ends at segment 22")):
        changed = rows.copy()
        changed[change[0], change[1]] = change[2]
        save(tmp_path / "nalist.npy", changed)
        assert complaint in refusal(tmp_path, names=names)
    np.save(tmp_path / "nalist.npy", np.array([["a", None]], object), allow_pickle=True)
    assert "pickled objects" in refusal(tmp_path, names=names)


def test_the_kind_that_comes_first_is_checked_on_the_published_offsets(
    shared_data: Path, tmp_path: Path
) -> None:
    offsets = np.load(shared_data / "annotations" / "ucf-crime" / "clap_nalist.npy")
    save(tmp_path / "nalist.npy", offsets)
    save(tmp_path / "concat_UCF.npy", np.zeros((offsets[-1, 1], 1, 1), np.float16))
    normal = [f"Normal_Videos{number:03}_x264" for number in range(799)]
    anomalous = [f"Abuse{number:03}_x264" for number in range(810)]
    assert len(open_features(tmp_path, names=normal + anomalous).names) == 1609
    message = refusal(tmp_path, names=anomalous + normal)
    assert "normal videos have" in message and "published set 580699" in message
