"""Groups published feature files by video, whatever their layout.

The crop axis is found from the shapes of all files together: a single video of ten segments,
(10, 10, D), is not ambiguous if the others are (T, 10, D). If all are ambiguous, one line says so.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from c2fpl.errors import BadFeatures
from c2fpl.pipeline.features.array_blocks import Block, StoredFeatures, features_header
from c2fpl.pipeline.features.crop_names import Form, group_crops, number_crops
from c2fpl.pipeline.files.npy_header import NpyHeader
from c2fpl.pipeline.settings import Layout

logger = logging.getLogger(__name__)

CROP_COUNTS = (10, 5, 1)
"""Ten crops, five (XD-Violence), or one."""

MAGNITUDE_DIM = 2049
"""Last axis of MGFN's preprocessed features: 2048 values and their magnitude."""

_AXES: Mapping[str, tuple[int, ...]] = {"segments-first": (1,), "crops-first": (0,)}
_MOST_FAULTS_SHOWN = 5

USUAL_DIMS = frozenset({512, 768, 1024, 2048, 4096})
"""Usual feature dimensions: CLIP, Swin, Inception I3D, I3D-ResNet50, C3D."""


def separate_files(named: Sequence[tuple[str, Path]], layout: Layout) -> list[StoredFeatures]:
    """The videos of a set with one file per video (three axes) or per crop (two axes).

    Args:
        named: each file with its name, without suffix.
        layout: order of the axes, or meaning of the numbers in file names, if known.

    Raises:
        BadFeatures: unreadable files, mixed numbers of axes, or axes that fit no layout.
    """
    headers = _headers([path for _, path in named])
    whole = [header for header in headers.values() if len(header.shape) == 3]
    if whole and len(whole) < len(headers):
        odd = next(header for header in headers.values() if len(header.shape) != 3)
        raise BadFeatures(
            f"{odd.path} has shape {odd.shape} but {whole[0].path} {whole[0].shape}: all files of a"
            " set must have the same axes; put each set in its own folder"
        )
    if not whole:
        refuse_turned(list(headers.values()), layout)
        groups = group_crops([(name, headers[path]) for name, path in named], layout)
        return [crop_files(name, crops) for name, crops in groups.items()]
    crop_axis, crops = find_axes(whole, layout)
    if crops == 1 and layout != "video-files" and number_crops([name for name, _ in named]):
        raise BadFeatures(
            f"{whole[0].path} has shape {whole[0].shape}, with a crop axis, and a crop number in"
            " its name: remove the axis with `c2fpl convert`, or give --layout video-files if each"
            " file is a video"
        )
    return [whole_video(name, headers[path], crop_axis) for name, path in _once(named)]


def find_axes(forms: Sequence[Form], layout: Layout = "auto") -> tuple[int, int]:
    """Crop axis and number of crops of three-axis arrays, the same for all of them.

    Axis 1 means (segments, crops, dim), axis 0 (crops, segments, dim). If both fit every array,
    axis 1 is used, with a warning.

    Raises:
        BadFeatures: no axis fits all arrays.
    """
    best = best_axes(forms, layout)
    odd = [form for form in forms if form.shape[best[0]] != best[1]]
    if odd:
        raise BadFeatures(
            f"{odd[0].path} has shape {odd[0].shape}: (segments, crops, dim) or"
            f" (crops, segments, dim) with 10, 5 or 1 crops is needed, and"
            f" {len(forms) - len(odd)} other files have {best[1]} crops on axis {best[0]}; remove"
            " this file or extract it again"
        )
    if layout not in _AXES and best[0] == 1 and best_axes(forms, "crops-first")[2] == len(forms):
        logger.warning(
            "%s: shape %s can be read both ways; it is read as (segments, crops, dim). If it is "
            "(crops, segments, dim), swap the first two axes or set the layout to crops-first",
            forms[0].path,
            forms[0].shape,
        )
    return best[:2]


def best_axes(forms: Sequence[Form], layout: Layout = "auto") -> tuple[int, int, int]:
    """The crop axis and number of crops that fit most arrays, and how many they fit."""
    return max(
        (
            (axis, crops, sum(form.shape[axis] == crops for form in forms))
            for axis in _AXES.get(layout, (1, 0))
            for crops in CROP_COUNTS
        ),
        key=lambda choice: choice[2],
    )


def is_turned(forms: Sequence[Form]) -> bool:
    """Whether arrays of two axes look like (dim, segments).

    They do if, in all of them, the first axis has a usual feature dimension and the second does
    not.
    """
    return all(form.shape[0] in USUAL_DIMS and form.shape[1] not in USUAL_DIMS for form in forms)


def refuse_turned(forms: Sequence[Form], layout: Layout) -> None:
    """Refuse (dim, segments), which would silently be read as (segments, dim).

    Raises:
        BadFeatures: the arrays look turned (`is_turned`) and the layout is not segments-first.
    """
    if layout != "segments-first" and is_turned(forms):
        raise BadFeatures(
            f"{forms[0].path} has shape {forms[0].shape}, which looks like (dim, segments):"
            " (segments, dim) is needed; transpose it, or set the layout to segments-first if the"
            " first axis is segments"
        )


def whole_video(name: str, header: NpyHeader, crop_axis: int) -> StoredFeatures:
    """A video in one file, (segments, crops, dim) or (crops, segments, dim)."""
    first, second, dim = header.shape
    if crop_axis == 1:
        block = Block(header.path, header.offset, second)
        return StoredFeatures(name, (first, second, dim), header.dtype, (block,))
    crop_bytes = second * dim * header.dtype.itemsize
    blocks = tuple(Block(header.path, header.offset + c * crop_bytes, 1) for c in range(first))
    return StoredFeatures(name, (second, first, dim), header.dtype, blocks)


def crop_files(name: str, headers: Mapping[int, NpyHeader]) -> StoredFeatures:
    """A video in one file (segments, dim) per crop.

    Raises:
        BadFeatures: the crops differ in shape or dtype.
    """
    check_crops_alike(name, headers)
    first = headers[min(headers)]
    segments, dim = first.shape
    blocks = tuple(Block(headers[c].path, headers[c].offset, 1) for c in sorted(headers))
    return StoredFeatures(name, (segments, len(headers), dim), first.dtype, blocks)


def check_crops_alike(name: str, crops: Mapping[int, Form]) -> None:
    """Refuse a video whose crops differ in shape or dtype.

    Raises:
        BadFeatures: names the first crop that differs from crop 0.
    """
    first = crops[min(crops)]
    for crop in crops.values():
        if (crop.shape, crop.dtype) != (first.shape, first.dtype):
            raise BadFeatures(
                f"{crop.path} is {crop.dtype} {crop.shape} but {first.path} is {first.dtype}"
                f" {first.shape}: the crops of {name} must have the same shape and dtype; copy the"
                " wrong one again"
            )


def check_alike(videos: Iterable[StoredFeatures]) -> None:
    """Refuse a set whose videos differ in number of crops, dim or dtype.

    Raises:
        BadFeatures: names the first video that differs from most.
    """
    forms = {video.name: (*video.shape[1:], video.dtype.name) for video in videos}
    usual = Counter(forms.values()).most_common(1)[0][0]
    odd = [(name, form) for name, form in forms.items() if form != usual]
    if odd:
        name, form = odd[0]
        raise BadFeatures(
            f"{name} has (crops, dim, dtype) {form} but most videos have {usual}: all videos of a"
            " set must agree; `c2fpl convert` unifies dtypes, anything else must be extracted again"
        )
    if usual[1] == MAGNITUDE_DIM:
        raise BadFeatures(
            f"features of dim {MAGNITUDE_DIM} have a magnitude after 2048 values (MGFN's"
            " preprocessing): remove it with `c2fpl convert`"
        )


def _once(named: Sequence[tuple[str, Path]]) -> Sequence[tuple[str, Path]]:
    found: dict[str, Path] = {}
    for name, path in named:
        if name in found:
            raise BadFeatures(
                f"{name} is in both {found[name]} and {path}: its segments would count twice;"
                " remove one file"
            )
        found[name] = path
    return named


def _headers(paths: Sequence[Path]) -> dict[Path, NpyHeader]:
    """Headers of all files.

    Raises:
        BadFeatures: names the files that cannot be read in place, at most five.
    """
    headers, faults = {}, []
    for path in paths:
        try:
            headers[path] = _header(path)
        except BadFeatures as error:
            faults.append(str(error))
    if faults:
        more = f" ({len(faults)} of {len(paths)} files are unusable)" if len(faults) > 1 else ""
        raise BadFeatures(
            f"{'; '.join(faults[:_MOST_FAULTS_SHOWN])}{more}; `c2fpl convert` may repair them"
        )
    return headers


def _header(path: Path) -> NpyHeader:
    header = features_header(path)
    if header.dtype.kind != "f" or 0 in header.shape or len(header.shape) not in (2, 3):
        raise BadFeatures(
            f"{path} is {header.dtype} of shape {header.shape}: floats (segments, crops, dim),"
            " (crops, segments, dim) or (segments, dim) are needed"
        )
    if header.fortran_order:
        raise BadFeatures(f"{path} is in Fortran order")
    return header
