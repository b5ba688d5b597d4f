"""Features as text, 32 lines a video: read as one crop, refused when they are something else."""

from pathlib import Path

import numpy as np
import pytest

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import open_features
from c2fpl.pipeline.steps.convert_features import write_plain
from feature_folders import DIM, whole


def text(path: Path, rows: int = 32, word: str = "") -> Path:
    lines = [" ".join(f"{row + column / 10:f}" for column in range(DIM)) for row in range(rows)]
    path.write_text("\n".join(lines) + f" {word}\n")
    return path


def test_text_of_32_lines_is_read(tmp_path: Path) -> None:
    text(tmp_path / "Abuse001_x264_C.txt")
    text(tmp_path / "Abuse002_x264.txt")
    features = open_features(tmp_path)
    assert features.names == ("Abuse001_x264", "Abuse002_x264")
    assert features.shape("Abuse001_x264") == (32, 1, DIM)
    assert whole(features, "Abuse001_x264")[31, 0, 5] == np.float32(31.5)
    assert features.source().gather(np.array([40])).shape == (1, 1, DIM)
    write_plain(features, tmp_path / "plain", "float32")
    assert np.load(tmp_path / "plain" / "Abuse001_x264.npy").shape == (32, 1, DIM)


def test_text_that_is_no_features_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "Abuse001_x264.txt"
    for rows, word, complaint in (
        (31, "", "has 31 lines of"),
        (32, "7", "has 32 lines of"),
        (32, "seven", "is not a text of numbers"),
    ):
        features = open_features(text(path, rows, word).parent)
        with pytest.raises(BadFeatures, match=complaint):
            whole(features, "Abuse001_x264")
    path.write_text("\n".join(["nan " * DIM] * 32))
    with pytest.raises(BadFeatures, match="not finite"):
        whole(open_features(tmp_path), "Abuse001_x264")
