"""One array for all videos: read by its offsets, refused while the order is not established."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from c2fpl.pipeline.features.published import open_features
from feature_folders import SEGMENTS, drawn, refusal, save, whole


def concatenated(folder: Path) -> dict[str, NDArray[Any]]:
    """Normal videos first, as nalist.npy has them."""
    values = drawn(10)
    order = sorted(values, key=lambda name: (not name.startswith("Normal"), name))
    ends = np.cumsum([len(values[name]) for name in order])
    save(folder / "concat_UCF.npy", np.concatenate([values[name] for name in order]))
    save(folder / "nalist.npy", np.stack((np.append(0, ends[:-1]), ends), axis=1))
    return {name: values[name] for name in order}


def test_a_concatenation_is_read_by_its_offsets(tmp_path: Path) -> None:
    values = concatenated(tmp_path)
    features = open_features(tmp_path, names=list(values), segment_counts=SEGMENTS)
    for name, video in values.items():
        np.testing.assert_array_equal(whole(features, name), video)
    source = features.source()
    np.testing.assert_array_equal(source.gather(np.array([0]))[0], values["Abuse001_x264"][0])


def test_a_concatenation_is_refused_while_its_order_is_not_established(tmp_path: Path) -> None:
    values = concatenated(tmp_path)
    assert "offsets of 3 videos and no names" in refusal(tmp_path)
    assert "has 3 videos and the list of names 2" in refusal(tmp_path, names=list(values)[:2])
    assert "of no published set" in refusal(tmp_path, names=list(values))
    anomalous_first = sorted(values)
    message = refusal(tmp_path, names=anomalous_first, segment_counts=SEGMENTS)
    assert "Abuse001_x264 has 7 segments by these names and 4 by the table" in message


def test_offsets_that_do_not_tile_the_array_are_refused(tmp_path: Path) -> None:
    names = list(concatenated(tmp_path))
    rows = np.load(tmp_path / "nalist.npy")
    for change, complaint in (((1, 0, 8), "row 1: [8, 11)"), ((2, 1, 22), "ends at segment 22")):
        changed = rows.copy()
        changed[change[0], change[1]] = change[2]
        save(tmp_path / "nalist.npy", changed)
        assert complaint in refusal(tmp_path, names=names, segment_counts=SEGMENTS)
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
    assert "normal videos have" in message and "580699 are known" in message
