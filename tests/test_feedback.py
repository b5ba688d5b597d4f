"""Feedback: what a person's answers change, what they leave alone, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2fpl.errors import BadAnnotation, BadFile
from c2fpl.models.repeated import RepeatedSource, repeats
from c2fpl.models.settings import LabelSettings
from c2fpl.models.sources import ArraySource
from c2fpl.pipeline.features.feature_set import FeatureSet
from c2fpl.pipeline.features.published import features_in
from c2fpl.pipeline.feedback import read_feedback, with_feedback
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.settings import Execution
from c2fpl.pipeline.steps.update_labels import SegmentLabels, update_labels
from command_line import c2fpl, refused
from feature_folders import save

SEGMENTS = 20
NAMES = ("gate: night", "hall: 3-4", "yard")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features of three videos of 320 frames, 16 per segment, and their labels."""
    folder = tmp_path_factory.mktemp("feedback")
    rng = np.random.default_rng(0)
    for name in NAMES:
        values = rng.gamma(2, 1, (SEGMENTS, 1, 8)).astype(np.float32)
        values[8:12] *= 4
        save(folder / "features" / f"{name}.npy", values)
    update_labels(
        RunFiles(folder / "labels", holds="labels"),
        features_in(folder / "features"),
        LabelSettings(method="refined"),
        Execution(quiet=True),
    )
    return folder


@pytest.fixture(scope="module")
def features(folder: Path) -> FeatureSet:
    return features_in(folder / "features")


@pytest.fixture
def labels(folder: Path, features: FeatureSet) -> SegmentLabels:
    files = RunFiles(folder / "labels", holds="labels")
    return update_labels(files, features, LabelSettings(method="refined"), Execution(quiet=True))


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "feedback.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_answers_are_labels_and_all_others_stay(
    tmp_path: Path,
    features: FeatureSet,
    labels: SegmentLabels,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = written(tmp_path, "event,keep\ngate: night:32-80,yes\nhall: 3-4:300-320,no\n")
    with caplog.at_level("INFO"):
        found = with_feedback(labels, features, path)
    assert "feedback: 1 event confirmed, 1 dismissed, in 4 segments" in caplog.text
    assert found.answered is not None
    night, hall, yard = found.answered
    assert np.flatnonzero(night).tolist() == [2, 3, 4]
    assert np.flatnonzero(hall).tolist() == [19]
    assert not yard.any()
    assert found.values[0][night].tolist() == [1, 1, 1]
    assert found.values[1][hall].tolist() == [0]
    for before, after, answered in zip(labels.values, found.values, found.answered, strict=True):
        np.testing.assert_array_equal(before[~answered], after[~answered])
    assert found.fingerprint != labels.fingerprint


def test_an_event_shorter_than_a_segment_labels_the_nearest(
    tmp_path: Path, features: FeatureSet, labels: SegmentLabels
) -> None:
    found = with_feedback(labels, features, written(tmp_path, "event,keep\nyard:33-36,1\n"))
    assert found.answered is not None
    assert np.flatnonzero(found.answered[2]).tolist() == [2]


def test_the_order_and_repetition_of_rows_change_nothing(
    tmp_path: Path, features: FeatureSet, labels: SegmentLabels
) -> None:
    rows = ["yard:32-80,yes", "gate: night:0-16,no"]
    texts = ["\n".join(["event,keep", *order]) for order in (rows, rows[::-1], rows + rows)]
    found = [with_feedback(labels, features, written(tmp_path, text)) for text in texts]
    assert len({one.fingerprint for one in found}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "event,keep\nyard:32-80,YES\n",
        "keep,note,event\r\n1,seen twice,yard:32-80\r\n",
        "event;keep\nyard:32-80;True\n",
        b"\xef\xbb\xbfevent\tkeep\nyard:32-80\ttrue\n",
        "event,keep\nyard:32-80,yes\n".encode("utf-16"),
        '\nevent , keep\n\n"yard:32-80", yes \n',
    ],
)
def test_spreadsheets_may_write_the_file(tmp_path: Path, text: str | bytes) -> None:
    (answer,) = read_feedback(written(tmp_path, text))
    assert (answer.event, answer.keep) == ("yard:32-80", True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns none but not 'event'"),
        ("event,keep\n", "has no answers"),
        ("event,kept\nyard:0-16,yes\n", "has the columns event, kept but not 'keep'"),
        ("yard:0-16,yes\n", "not 'event'"),
        ("event,keep\nyard:0-16,maybe\n", "row 2: keep 'maybe' must be yes or no"),
        ("event,keep\nyard:0-16,\n", "row 2: keep '' must be yes or no"),
        ("event,keep\nyard:0-16\n", "row 2: keep '' must be yes or no"),
        ("event,keep\nyard:0-16,2\n", "row 2: keep '2' must be"),
        ("event,keep\nyard,yes\n", "row 2: event 'yard' must be VIDEO:START-END"),
        ("event,keep\nyard:16-16,yes\n", "event 'yard:16-16' must be"),
        ("event,keep\nyard:1.5-16,yes\n", "must be VIDEO:START-END"),
        ("event,keep\nyard:0-16,yes\ngarage:0-16,no\n", "row 3: there are no features of 'garage'"),
        ("event,keep\nyard:0-321,no\n", "row 2: event 'yard:0-321' ends after the last of"),
        ("event,keep\nyard:0-32,no\nyard:0-32,yes\n", "rows 2 and 3: 'yard:0-32' is both"),
        ("event,keep\nyard:0-32,0\nyard:16-48,1\n", "rows 2 and 3: 'yard:16-48' is both"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(
    tmp_path: Path, features: FeatureSet, labels: SegmentLabels, text: str, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(BadAnnotation) as caught:
        with_feedback(labels, features, path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [None, b"\x00\x01PK\x03\x04" * 50])
def test_a_file_that_is_missing_or_no_text_is_refused(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "feedback.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadFile, match=r"feedback\.csv"):
        read_feedback(path)


@given(
    count=st.integers(1, 300), answered=st.integers(1, 50), share=st.sampled_from([0.1, 0.25, 0.5])
)
def test_answered_segments_reach_their_share(count: int, answered: int, share: float) -> None:
    mask = np.arange(count) < answered
    again = repeats(mask, share)
    chosen = int(mask.sum())
    assert len(again) % chosen == 0
    assert set(again.tolist()) <= set(range(chosen))
    total = chosen + len(again)
    wanted = share / (1 - share) * (count - chosen)
    assert total == chosen or abs(total - wanted) <= chosen / 2


def test_a_repeated_source_reads_the_segments_it_says() -> None:
    video = np.arange(24, dtype=np.float32).reshape(6, 2, 2)
    source = RepeatedSource(ArraySource([video]), np.array([4, 1, 4]))
    assert len(source) == 9
    numbers = np.array([8, 0, 7, 6])
    np.testing.assert_array_equal(source.gather(numbers), video[[4, 0, 1, 4]])
    assert source.numbers[numbers].tolist() == [4, 0, 1, 4]


def train(folder: Path, output: Path, *more: object) -> tuple[object, ...]:
    settings = ("--epochs", 2, "--epoch-steps", 1, "--quiet", "--matmul-precision", "fp32")
    places = (folder / "features", "--labels", folder / "labels", "-o", output)
    return ("train", *places, *settings, *more)


def test_training_learns_from_it_and_from_nothing_else(tmp_path: Path, folder: Path) -> None:
    path = written(tmp_path, "event,keep\nyard:128-192,no\n")
    outputs = [tmp_path / name for name in ("a.pt", "b.pt", "c.pt", "d.pt")]
    for output, more in zip(
        outputs, ((), (), ("--feedback", path), ("--feedback", path)), strict=True
    ):
        assert c2fpl(*train(folder, output, *more)) == 0
    plain, again, taught, taught_again = (output.read_bytes() for output in outputs)
    assert plain == again
    assert taught == taught_again
    assert plain != taught


def test_changed_answers_train_the_detector_again(tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "detector.pt"
    trained = []
    for answer in ("yes", "yes", "no"):
        path = written(tmp_path, f"event,keep\nyard:128-192,{answer}\n")
        assert c2fpl(*train(folder, output, "--feedback", path)) == 0
        trained.append((output.read_bytes(), output.stat().st_mtime_ns))
    assert trained[0] == trained[1]
    assert trained[1][0] != trained[2][0]


def test_the_command_refuses_another_run_in_one_line(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "event,keep\nelsewhere:0-16,no\n")
    line = refused(capsys, *train(folder, tmp_path / "detector.pt", "--feedback", path))
    assert "no features of 'elsewhere'" in line
    assert not (tmp_path / "detector.pt").exists()
