"""Small made data sets in the form of the three benchmarks, and the command run on them."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from command_line import c2fpl

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parents[1]
UCF_ROWS = "Temporal_Anomaly_Annotation.txt"
QUICK = ("--device", "cpu", "--quiet", "--epochs", "3", "--epoch-steps", "1")
COUNTS = {"train": [12, 9, 14, 10, 11, 13, 8, 15], "test": [9, 12, 7, 10, 8, 11]}
"""Segments: the first half of each part is anomalous."""


def load_generator() -> ModuleType:
    """benchmarks/made_features.py, which is no package."""
    path = ROOT / "benchmarks" / "made_features.py"
    spec = importlib.util.spec_from_file_location("made_features", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def make_ucf(folder: Path) -> Path:
    """8 training and 6 test videos of one crop and 8 numbers, in RTFM's layout."""
    generator = load_generator()
    counts = {part: np.array(found) for part, found in COUNTS.items()}
    shape = generator.Shape(crops=1, dim=8, dtype="float32")
    generator.make(folder, shape=shape, counts=counts)
    return folder


def make_xd(folder: Path, rng: np.random.Generator) -> Path:
    """XD-Violence's five files a video, training and test in folders of their own, no lists."""
    videos = {
        "train": ["a__#1_label_A", "b__#1_label_B1-0-0", "c__#1_label_A", "d__#1_label_G"],
        "test": ["v=e__#1_label_A", "f__#1_label_B2-0-0", "g__#1_label_B1-G-0"],
    }
    for part, names in videos.items():
        (folder / part).mkdir(parents=True)
        for name in names:
            for crop in range(5):
                values = made_values(rng, 6, loud=(2, 4) if "_A" not in name else None)
                np.save(folder / part / f"{name}__{crop}.npy", values)
    rows = "f__#1_label_B2-0-0 32 64\ng__#1_label_B1-G-0.mp4 33 64"
    (folder / "annotations.txt").write_text(rows)
    return folder


def make_shanghaitech(folder: Path, rng: np.random.Generator) -> Path:
    """(10, segments, dim) files, masks of the abnormal videos, lists beside the masks."""
    train, test = ["01_0014", "01_001", "01_002", "02_001"], ["01_0015", "02_0128", "03_001"]
    (folder / "features").mkdir(parents=True)
    (folder / "test_frame_mask").mkdir()
    for name in (*train, *test):
        abnormal = len(name) == 7
        values = np.stack([made_values(rng, 7, loud=(1, 3) if abnormal else None)] * 10)
        np.save(folder / "features" / f"{name}_i3d.npy", values)
        if abnormal:
            mask = np.zeros(100, np.uint8)
            mask[16:48] = 1
            np.save(folder / "test_frame_mask" / f"{name}.npy", mask)
    (folder / "SH_Train.txt").write_text("\n".join(train))
    (folder / "SH_Test.txt").write_text("\n".join(test))
    return folder


def made_values(
    rng: np.random.Generator, segments: int, *, loud: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """(segments, 4) float32, larger in segments [start, end)."""
    values = rng.uniform(0.5, 1, (segments, 4))
    if loud is not None:
        values[slice(*loud)] += 3
    return values.astype(np.float32)


def benchmark_ucf(data: Path, output: Path, *options: object) -> Json:
    """`c2fpl benchmark ucf-crime` on `make_ucf`; the content of results.json."""
    given = ("--annotations", data / UCF_ROWS, "-o", output, *QUICK, *options)
    assert c2fpl("benchmark", "ucf-crime", "--features", data, *given) == 0
    return load_results(output)


def load_results(output: Path) -> Json:
    """The content of results.json."""
    results: Json = json.loads((output / "results.json").read_text())
    return results
