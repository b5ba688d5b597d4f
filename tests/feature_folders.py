"""Published feature sets in small: drawn values, a writer for each layout, whole reads."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from numpy.typing import NDArray

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.published import PublishedFeatures, open_features
from c2fpl.pipeline.settings import ReadingSettings

SEGMENTS: Final = {"Abuse001_x264": 4, "Arson002_x264": 10, "Normal_Videos003_x264": 7}
DIM: Final = 6


def drawn(crops: int, dtype: str = "float32") -> dict[str, NDArray[Any]]:
    """(segments, crops, dim) of each video."""
    rng = np.random.default_rng(0)
    return {
        name: rng.random((segments, crops, DIM)).astype(dtype)
        for name, segments in SEGMENTS.items()
    }


def save(path: Path, values: NDArray[Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)
    return path


def save_rtfm(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        save(folder / f"{name}_i3d.npy", video)


def save_crops_first(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        save(folder / f"{name}_i3d.npy", np.ascontiguousarray(video.swapaxes(0, 1)))


def save_double_underscore(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            save(folder / name[:5] / f"{name}__{crop}.npy", np.ascontiguousarray(video[:, crop]))


def save_bare_first(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            suffix = f"__{crop}" if crop else ""
            save(folder / f"{name}{suffix}.npy", np.ascontiguousarray(video[:, crop]))


def save_single_underscore(folder: Path, values: dict[str, NDArray[Any]]) -> None:
    for name, video in values.items():
        for crop in range(video.shape[1]):
            save(folder / f"{name}_{crop}.npy", np.ascontiguousarray(video[:, crop]))


LAYOUTS: Final = {
    "rtfm": (save_rtfm, 10),
    "crops first": (save_crops_first, 10),
    "crops first, five": (save_crops_first, 5),
    "double underscore": (save_double_underscore, 10),
    "double underscore, five": (save_double_underscore, 5),
    "bare name first": (save_bare_first, 10),
    "bare name first, five": (save_bare_first, 5),
    "single underscore": (save_single_underscore, 10),
    "one crop": (save_bare_first, 1),
}


def save_counts(path: Path, frames: dict[str, int]) -> Path:
    """A table of frame counts."""
    rows = [f"{name},{count}" for name, count in frames.items()]
    path.write_text("\n".join(["video,n_frames", *rows]) + "\n")
    return path


def whole(features: PublishedFeatures, name: str) -> NDArray[np.float32]:
    return np.concatenate(list(features.chunks(name)))


def refusal(
    folder: Path,
    *,
    names: list[str] | None = None,
    frame_counts: Path | None = None,
) -> str:
    """The one line with which the set is refused."""
    with pytest.raises(BadFeatures) as caught:
        open_features(folder, ReadingSettings(frame_counts=frame_counts), names=names)
    assert "\n" not in str(caught.value)
    return str(caught.value)
