"""Crops that are files of their own -> one entry a video, by the numbers that end file names.

`__0` to `__9` (also with the bare name for crop 0) always number crops. `_0` to `_9` number crops
in some published sets, and cameras or clips in other people's folders.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np

from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.settings import Layout
from c2fpl.pipeline.truth.datasets import DATASETS, belongs_to
from c2fpl.pipeline.videos.names import named

logger = logging.getLogger(__name__)

FULL_SERIES = (frozenset(range(5)), frozenset(range(10)))
"""Crop numbers of the published sets."""

_CROP = re.compile(r"(?P<name>.+?)(?P<underscores>__?)(?P<crop>[0-9])")


class Form(Protocol):
    """What is known of an array before it is read."""

    @property
    def shape(self) -> tuple[int, ...]:
        """As stored."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """As stored."""

    @property
    def path(self) -> Path:
        """Its file."""


Array = TypeVar("Array", bound=Form)


def group_crops(
    arrays: Sequence[tuple[str, Array]], layout: Layout = "auto"
) -> dict[str, dict[int, Array]]:
    """Arrays with one crop each -> crop -> array, by video.

    `a__0 ... a__9`; `a, a__1 ... a__9` (the bare name is crop 0); `a_0 ... a_9` where the layout
    says so or the names are those of a data set; else one array a video.

    Args:
        arrays: each with its name, as written but for its suffix.
        layout: crop-files or video-files where it is known what the numbers are.

    Raises:
        BadFeatures: a video lacks a crop that the others have, or has one twice.
    """
    underscores = _crop_underscores([name for name, _ in arrays], layout)
    groups: dict[str, dict[int, Array]] = defaultdict(dict)
    for written, array in arrays:
        match = _CROP.fullmatch(written)
        numbered = match is not None and match["underscores"] in underscores
        name, crop = (match["name"], int(match["crop"])) if match and numbered else (written, 0)
        if crop in groups[name]:
            raise BadFeatures(
                f"{name}, crop {crop} is in {groups[name][crop].path} and in {array.path}: its"
                " segments would count twice; remove one"
            )
        groups[name][crop] = array
    _check_crops(groups)
    return dict(groups)


def number_crops(written: Sequence[str]) -> bool:
    """Whether the numbers that end these names are those of crops, by all that the names show."""
    certain = ("__", "_") if _of_a_data_set(written) else ("__",)
    return any(crops in FULL_SERIES for u in certain for crops in _series(written, u).values())


def without_streams(names: Sequence[str], rated: Collection[str] = ()) -> list[str]:
    """Names of the videos: those of the files less what video_features adds (`_rgb`, `_flow`).

    Args:
        names: of the files, less their suffix.
        rated: videos that have a file of their frame rate, which shows who wrote the set.

    Raises:
        BadFeatures: both streams of a video.
    """
    bare = [re.sub("_(rgb|flow)$", "", name) for name in names]
    known = all(name in rated for name in bare) or _of_a_data_set(bare)
    if not known or any(name == less for name, less in zip(names, bare, strict=True)):
        return list(names)
    if len({name.rpartition("_")[2] for name in names}) > 1:
        raise BadFeatures(
            f"{named(names)} are the streams _rgb and _flow of videos: features of one set are of"
            " one stream; move the files of the other away"
        )
    return bare


def _crop_underscores(written: Sequence[str], layout: Layout) -> frozenset[str]:
    """Which of `_` and `__` before a last digit number crops: said in one line where it is open."""
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
            "--layout crop-files takes the numbers for crops",
            len(written),
            len(written),
            written[0],
        )
    double = _series(written, "__")
    if any(crops in FULL_SERIES for crops in double.values()) and not _of_a_data_set(written):
        logger.warning(
            "%d files are read as the crops of %d videos, by names such as %s; --layout"
            " video-files takes each file for a video",
            len(written),
            len(double),
            written[0],
        )
    return found


def _series(written: Iterable[str], underscores: str) -> dict[str, set[int]]:
    """Numbers after `_` or `__` at the end of names, by the name before them."""
    crops: dict[str, set[int]] = defaultdict(set)
    for name in written:
        match = _CROP.fullmatch(name)
        if match and match["underscores"] == underscores:
            crops[match["name"]].add(int(match["crop"]))
    return crops


def _of_a_data_set(written: Iterable[str]) -> bool:
    """Whether all names, less their numbers, are those of one benchmark."""
    bare = {match["name"] if (match := _CROP.fullmatch(n)) else n for n in written}
    return any(
        all(belongs_to(name, dataset) for name in bare) for dataset in DATASETS if dataset != "own"
    )


def _check_crops(groups: Mapping[str, Mapping[int, Form]]) -> None:
    usual = Counter(frozenset(crops) for crops in groups.values()).most_common(1)[0][0]
    for name, crops in groups.items():
        if set(crops) != usual:
            raise BadFeatures(
                f"{name} has files for crops {sorted(crops)} and most videos for {sorted(usual)}:"
                f" its features would be of other crops; add or remove files ({_folder(crops)}), or"
                " give --layout video-files where the numbers are no crops"
            )
    if len(usual) > 1 and usual not in FULL_SERIES:
        name = next(iter(groups))
        raise BadFeatures(
            f"{name} has files for crops {sorted(usual)}: 0 to 9, 0 to 4 or a single one are needed"
            f"; add the others ({_folder(groups[name])})"
        )


def _folder(crops: Mapping[int, Form]) -> Path:
    return next(iter(crops.values())).path.parent
