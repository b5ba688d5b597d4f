"""Groups files of one crop each by video, by the numbers at the end of file names.

`__0` to `__9` are crops; crop 0 may have no number. `_0` to `_9` are crops in some published sets,
but cameras or clips in other folders.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.settings import Layout
from c2fpl.pipeline.truth.datasets import DATASETS, belongs_to
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)

FULL_SERIES = (frozenset(range(5)), frozenset(range(10)))
"""Complete crop numbers in the published sets."""

_CROP = re.compile(r"(?P<name>.+?)(?P<underscores>__?)(?P<crop>[0-9])")


class Form(Protocol):
    """Properties of an array that are known before it is read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the stored array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Stored dtype."""

    @property
    def path(self) -> Path:
        """File of the array."""


Array = TypeVar("Array", bound=Form)


def group_crops(
    arrays: Sequence[tuple[str, Array]], layout: Layout = "auto"
) -> dict[str, dict[int, Array]]:
    """Group arrays of one crop each: video -> crop number -> array.

    Crops are `a__0 ... a__9`, or `a, a__1 ... a__9` (crop 0 has no number). `a_0 ... a_9` are crops
    if the layout says so or the names belong to a known data set. Otherwise each array is a video.

    Args:
        arrays: each array with its file name, without suffix.
        layout: crop-files or video-files, if the meaning of the numbers is known.

    Raises:
        BadFeatures: a crop of a video is missing or present twice.
    """
    underscores = _crop_underscores([name for name, _ in arrays], layout)
    groups: dict[str, dict[int, Array]] = defaultdict(dict)
    for written, array in arrays:
        match = _CROP.fullmatch(written)
        numbered = match is not None and match["underscores"] in underscores
        name, crop = (match["name"], int(match["crop"])) if match and numbered else (written, 0)
        if crop in groups[name]:
            raise BadFeatures(
                f"{name}, crop {crop} is in both {groups[name][crop].path} and {array.path}: its"
                " segments would count twice; remove one file"
            )
        groups[name][crop] = array
    _check_crops(groups)
    return dict(groups)


def number_crops(written: Sequence[str]) -> bool:
    """Whether the numbers at the end of these names are certainly crop numbers."""
    certain = ("__", "_") if _of_a_data_set(written) else ("__",)
    return any(crops in FULL_SERIES for u in certain for crops in _series(written, u).values())


def without_streams(names: Sequence[str], rated: Collection[str] = ()) -> list[str]:
    """Names of the videos: file names without the `_rgb` or `_flow` that video_features adds.

    Args:
        names: file names, without suffix.
        rated: videos with a frame rate file, which shows that video_features wrote the set.

    Raises:
        BadFeatures: the set has both streams.
    """
    bare = [re.sub("_(rgb|flow)$", "", name) for name in names]
    known = all(name in rated for name in bare) or _of_a_data_set(bare)
    if not known or any(name == less for name, less in zip(names, bare, strict=True)):
        return list(names)
    if len({name.rpartition("_")[2] for name in names}) > 1:
        raise BadFeatures(
            f"{named(names)} are the streams _rgb and _flow of videos: a set must have one stream;"
            " move the files of the other stream away"
        )
    return bare


def _crop_underscores(written: Sequence[str], layout: Layout) -> frozenset[str]:
    """Which of `_` and `__` precede crop numbers; a guess is logged as a warning."""
    if layout == "video-files":
        return frozenset()
    if layout == "crop-files":
        return frozenset({"_", "__"})
    found = frozenset({"__"})
    if any(crops in FULL_SERIES for crops in _series(written, "_").values()):
        if _of_a_data_set(written):
            return frozenset({"_", "__"})
        logger.warning(
            "%d files are read as %d videos, although names such as %s end in _0 to _4 or _9; "
            "if these are crop numbers, give --layout crop-files",
            len(written),
            len(written),
            written[0],
        )
    double = _series(written, "__")
    if any(crops in FULL_SERIES for crops in double.values()) and not _of_a_data_set(written):
        logger.warning(
            "%d files are read as the crops of %d videos, because of names such as %s; if each file"
            " is a video, give --layout video-files",
            len(written),
            len(double),
            written[0],
        )
    return found


def _series(written: Iterable[str], underscores: str) -> dict[str, set[int]]:
    """The numbers after a final `_` or `__`, by the name before them."""
    crops: dict[str, set[int]] = defaultdict(set)
    for name in written:
        match = _CROP.fullmatch(name)
        if match and match["underscores"] == underscores:
            crops[match["name"]].add(int(match["crop"]))
    return crops


def _of_a_data_set(written: Iterable[str]) -> bool:
    """Whether all names, without their numbers, belong to one benchmark."""
    bare = {match["name"] if (match := _CROP.fullmatch(n)) else n for n in written}
    return any(
        all(belongs_to(name, dataset) for name in bare) for dataset in DATASETS if dataset != "own"
    )


def _check_crops(groups: Mapping[str, Mapping[int, Form]]) -> None:
    usual = Counter(frozenset(crops) for crops in groups.values()).most_common(1)[0][0]
    for name, crops in groups.items():
        if set(crops) != usual:
            raise BadFeatures(
                f"{name} has files for crops {sorted(crops)} but most videos for {sorted(usual)}:"
                f" all videos need the same crops; add or remove files in {_folder(crops)}, or give"
                " --layout video-files if the numbers are not crops"
            )
    if len(usual) > 1 and usual not in FULL_SERIES:
        name = next(iter(groups))
        raise BadFeatures(
            f"{name} has files for crops {sorted(usual)}: crops 0 to 9, 0 to 4 or one are needed;"
            f" add the others to {_folder(groups[name])}"
        )


def _folder(crops: Mapping[int, Form]) -> Path:
    return next(iter(crops.values())).path.parent
