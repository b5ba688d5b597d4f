"""Labels on disk: what is read back is what was made, and knows what it belongs to."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadFile, BadLabels
from c2fpl.models.settings import LabelSettings
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.published import features_in
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.make_labels import make_labels
from c2fpl.pipeline.steps.update_labels import SegmentLabels, load_labels, update_labels
from feature_folders import save

REFINED = LabelSettings(method="refined")


@pytest.fixture
def features(tmp_path: Path) -> FeatureSet:
    """Six videos of 20 segments, every other one with a burst of change."""
    rng = np.random.default_rng(0)
    for video in range(6):
        values = rng.gamma(2, 1, (20, 1, 8)).astype(np.float32)
        values[8:12] *= 1 + 3 * (video % 2)
        save(tmp_path / "features" / f"v{video}.npy", values)
    return features_in(tmp_path / "features")


def labelled(folder: Path, features: FeatureSet) -> SegmentLabels:
    files = RunFiles(folder, holds="labels")
    return update_labels(files, features, REFINED, Execution(quiet=True))


def test_soft_labels_are_read_back_to_the_last_bit(tmp_path: Path, features: FeatureSet) -> None:
    made = make_labels(features, REFINED, quiet=True)
    assert any(0 < label < 1 for video in made.labels for label in video)
    first, again = (labelled(tmp_path / "labels", features) for _ in range(2))
    for exact, fresh, read in zip(made.labels, first.values, again.values, strict=True):
        np.testing.assert_array_equal(fresh, exact)
        np.testing.assert_array_equal(read, exact)
    assert first.fingerprint == again.fingerprint


def test_labels_changed_by_hand_are_other_labels(tmp_path: Path, features: FeatureSet) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    before = labelled(files.root, features)
    rows = files.segment_labels.read_text().splitlines()
    cells = rows[1].split(",")
    rows[1] = ",".join((*cells[:4], "0.25", cells[5]))
    files.segment_labels.write_text("\n".join(rows) + "\n")
    after = labelled(files.root, features)
    assert after.values[0][0] == 0.25
    assert after.fingerprint != before.fingerprint


def test_no_setting_makes_refined_labels_again(
    tmp_path: Path, features: FeatureSet, caplog: pytest.LogCaptureFixture
) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    labelled(files.root, features)
    other = LabelSettings(method="refined", seed=7, eta=0.3)
    with caplog.at_level("INFO"):
        update_labels(files, features, other, Execution(quiet=True))
    assert "exist already" in caplog.text
    assert "--method refined ignores: eta" in caplog.text


def test_the_same_labels_of_other_features_are_other_labels(
    tmp_path: Path, features: FeatureSet
) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    before = labelled(files.root, features)
    for path in (tmp_path / "features").iterdir():
        np.save(path, 2 * np.load(path))
    after = load_labels(files, features_in(tmp_path / "features"))
    np.testing.assert_array_equal(after.concatenated(), before.concatenated())
    assert after.fingerprint != before.fingerprint


def test_rows_in_any_order_are_the_same_labels(tmp_path: Path, features: FeatureSet) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    before = labelled(files.root, features)
    header, *rows = files.segment_labels.read_text().splitlines()
    shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
    assert shuffled != rows
    files.segment_labels.write_text("\n".join([header, *shuffled]) + "\n")
    np.testing.assert_array_equal(
        load_labels(files, features).concatenated(), before.concatenated()
    )


@pytest.mark.parametrize(
    ("written", "instead", "reason"),
    [
        ("v1,3,", None, "19 segments of v1, its features have 20 and segment 3 is missing"),
        ("v1,3,", "v1,4,", "segment 4 of v1 appears twice"),
        ("v1,3,", "v1,20,", "20 segments of v1, .* segment 3 is missing"),
        ("v1,3,", "v1,-3,", "segment '-3' is not a whole number"),
        ("v1,3,", "v1,3.0,", "segment '3.0' is not a whole number"),
        ("v1,3,", "v9,3,", "19 segments of v1"),
        ("video,segment,", "video,part,", "no 'segment'"),
    ],
)
def test_labels_that_do_not_name_every_segment_once_are_refused(
    tmp_path: Path, features: FeatureSet, written: str, instead: str | None, reason: str
) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    labelled(files.root, features)
    rows = files.segment_labels.read_text().splitlines()
    place = next(place for place, row in enumerate(rows) if row.startswith(written))
    rows[place : place + 1] = [] if instead is None else [rows[place].replace(written, instead)]
    files.segment_labels.write_text("\n".join(rows) + "\n")
    with pytest.raises((BadLabels, BadFile), match=reason):
        load_labels(files, features)


def test_labels_of_other_videos_are_left_out_with_a_warning(
    tmp_path: Path, features: FeatureSet, caplog: pytest.LogCaptureFixture
) -> None:
    files = RunFiles(tmp_path / "labels", holds="labels")
    labelled(files.root, features)
    (tmp_path / "features" / "v2.npy").unlink()
    assert len(load_labels(files, features_in(tmp_path / "features")).values) == 5
    assert "labels of videos without features: v2" in caplog.text
