"""Published feature files -> one entry a video, whatever the layout.

Crops are told by file names (`__0` to `__9`, `_0` to `_9`, the bare name for crop 0) or by an axis;
the axis is found by shape, over all files of the set together: one video of ten segments does not
make (10, 10, D) a riddle where its neighbours are (T, 10, D).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures
from c2fpl.pipeline.features.extracted import BadFeatures
from c2fpl.pipeline.files.npy_header import NpyHeader
from c2fpl.pipeline.videos.names import video_name

CROP_COUNTS = (10, 5, 1)
"""Ten crops, five (XD-Violence), or one."""

MAGNITUDE_DIM = 2049
"""Last axis of MGFN's preprocessed features: 2048 and the magnitude."""

_CROP = re.compile(r"(?P<name>.+?)(?P<underscores>__?)(?P<crop>[0-9])")


def group_crops(paths: Iterable[Path]) -> dict[str, dict[int, Path]]:
    """Files with one crop each -> crop -> file, by video.

    `a__0 ... a__9`; `a, a__1 ... a__9` (the bare name is crop 0); `a_0 ... a_9` where a whole
    series of them exists; one file a video.

    Raises:
        BadFeatures: a video lacks a crop that the others have, or has one twice.
    """
    files = {path: video_name(path.name) for path in paths}
    single = _has_single_underscore_series(files.values())
    groups: dict[str, dict[int, Path]] = defaultdict(dict)
    for path, written in files.items():
        match = _CROP.fullmatch(written)
        numbered = match and (match["underscores"] == "__" or single)
        name, crop = (match["name"], int(match["crop"])) if match and numbered else (written, 0)
        if crop in groups[name]:
            raise BadFeatures(
                f"{name}, crop {crop} is in {groups[name][crop]} and in {path}: its segments would"
                " count twice; remove one"
            )
        groups[name][crop] = path
    _check_crops(groups)
    return dict(groups)


def find_axes(headers: Sequence[NpyHeader]) -> tuple[int, int]:
    """(axis of crops, crops) of files that hold whole videos, the same for all of them.

    Axis 1 is (segments, crops, dim), axis 0 (crops, segments, dim); the first wins where every
    file allows both.

    Raises:
        BadFeatures: no axis fits all files; says what was seen and in which.
    """
    choices = [(axis, crops) for axis in (1, 0) for crops in CROP_COUNTS]
    fitting = {
        (axis, crops): sum(header.shape[axis] == crops for header in headers)
        for axis, crops in choices
    }
    best = max(choices, key=fitting.__getitem__)
    odd = [header for header in headers if header.shape[best[0]] != best[1]]
    if odd:
        seen = odd[0]
        others = (
            f"; {fitting[best]} others have {best[1]} at axis {best[0]}" if fitting[best] else ""
        )
        raise BadFeatures(
            f"{seen.path} has shape {seen.shape}: (segments, crops, dim) or (crops, segments, dim)"
            f" with 10, 5 or 1 crops is needed{others}; remove it or extract it again"
        )
    return best


def whole_video(name: str, header: NpyHeader, crop_axis: int) -> StoredFeatures:
    """A file (segments, crops, dim) or (crops, segments, dim)."""
    first, second, dim = header.shape
    if crop_axis == 1:
        block = Block(header.path, header.offset, second)
        return StoredFeatures(name, (first, second, dim), header.dtype, (block,))
    crop_bytes = second * dim * header.dtype.itemsize
    blocks = tuple(Block(header.path, header.offset + c * crop_bytes, 1) for c in range(first))
    return StoredFeatures(name, (second, first, dim), header.dtype, blocks)


def crop_files(name: str, headers: Mapping[int, NpyHeader]) -> StoredFeatures:
    """A file (segments, dim) for each crop.

    Raises:
        BadFeatures: the crops of the video differ in shape or type.
    """
    first = headers[min(headers)]
    for header in headers.values():
        if (header.shape, header.dtype) != (first.shape, first.dtype):
            raise BadFeatures(
                f"{header.path} is {header.dtype} {header.shape} and {first.path} is {first.dtype}"
                f" {first.shape}: the crops of {name} must be alike; copy the odd one again"
            )
    segments, dim = first.shape
    blocks = tuple(Block(headers[c].path, headers[c].offset, 1) for c in sorted(headers))
    return StoredFeatures(name, (segments, len(headers), dim), first.dtype, blocks)


def check_alike(videos: Iterable[StoredFeatures]) -> None:
    """Refuse a set whose videos differ in crops, dim or type.

    Raises:
        BadFeatures: names one that is not as most are.
    """
    forms = {video.name: (*video.shape[1:], video.dtype.name) for video in videos}
    usual = Counter(forms.values()).most_common(1)[0][0]
    odd = [(name, form) for name, form in forms.items() if form != usual]
    if odd:
        name, form = odd[0]
        raise BadFeatures(
            f"{name} has (crops, dim, type) {form} and most videos {usual}: features of one set"
            " must agree; remove it or extract it again"
        )
    if usual[1] == MAGNITUDE_DIM:
        raise BadFeatures(
            f"features of dim {MAGNITUDE_DIM} hold a magnitude after 2048 values (MGFN's"
            " preprocessing): use the features from before it"
        )


def _has_single_underscore_series(names: Iterable[str]) -> bool:
    """True when a video has a whole series `_0` to `_4` or `_9`: then `_` numbers crops here."""
    crops: dict[str, set[int]] = defaultdict(set)
    for written in names:
        match = _CROP.fullmatch(written)
        if match and match["underscores"] == "_":
            crops[match["name"]].add(int(match["crop"]))
    whole = (set(range(5)), set(range(10)))
    return any(found in whole for found in crops.values())


def _check_crops(groups: Mapping[str, Mapping[int, Path]]) -> None:
    usual = Counter(frozenset(crops) for crops in groups.values()).most_common(1)[0][0]
    for name, crops in groups.items():
        if set(crops) != usual:
            raise BadFeatures(
                f"{name} has files for crops {sorted(crops)} and most videos for {sorted(usual)}:"
                f" its features would be of other crops; add or remove files ({_folder(crops)})"
            )
    if len(usual) > 1 and usual not in (frozenset(range(5)), frozenset(range(10))):
        name = next(iter(groups))
        raise BadFeatures(
            f"{name} has files for crops {sorted(usual)}: 0 to 9, 0 to 4 or a single one are needed"
            f"; add the others ({_folder(groups[name])})"
        )


def _folder(crops: Mapping[int, Path]) -> Path:
    return next(iter(crops.values())).parent
