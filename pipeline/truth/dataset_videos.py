"""Read a benchmark's split lists and find its raw videos by file name.

Folders are ignored: the UCF-Crime archives come in two layouts and nest when unpacked, and the
mirrors of XD-Violence differ, but file names are the same everywhere. The 50 videos in
`Normal_Videos_event` (also `z_Normal_Videos_event`, `Normal_Videos_for_Event_Recognition`) are
copies of other videos.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.errors import BadAnnotation, BadFile
from c2fpl.pipeline.truth.datasets import DATASETS, DatasetName, belongs_to, is_of_a_benchmark
from c2fpl.pipeline.videos.find import videos_below
from c2fpl.pipeline.videos.list_entries import read_entries
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

COPIES_FOLDER_MARK = "event"
"""Folders of copied normal videos have this word in their name (case-insensitive)."""

LIST_NAMES: Mapping[DatasetName, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ucf-crime": (("Anomaly_Train.txt",), ("Anomaly_Test.txt",)),
    "xd-violence": (("train_list.txt", "rgb.list"), ("test_list.txt", "rgb_test.list")),
    "shanghaitech": (("SH_Train.txt",), ("SH_Test.txt",)),
}
"""File names of the official training and test lists."""

_FEATURE_SUFFIX = re.compile(r"(?i)(_C\.txt|\.txt|\.npz|\.pth?|\.h5|\.hdf5|\.mat|\.pkl)$")


@dataclass(frozen=True)
class Split:
    """Training and test videos, in list order."""

    train: tuple[str, ...]
    """Joining names."""
    test: tuple[str, ...]
    """Joining names."""
    notes: tuple[str, ...] = ()
    """Counts that differ from the official ones."""


@dataclass(frozen=True)
class RawVideos:
    """Files of the requested videos."""

    files: Mapping[str, Path]
    """By joining name, in the requested order."""
    missing: tuple[str, ...]
    """Requested videos that were not found."""
    notes: tuple[str, ...]
    """Missing and duplicate videos by name, and what follows from them."""


def read_split(train_list: Path, test_list: Path, dataset: DatasetName) -> Split:
    """Read the training and the test list.

    Raises:
        BadAnnotation: a list cannot be read or is empty, or both lists name the same video.
    """
    train, test = (read_name_list(path, dataset) for path in (train_list, test_list))
    shared = sorted(set(train) & set(test))
    if shared:
        raise BadAnnotation(
            f"{train_list} and {test_list} both list {named(shared)}: a test video must not be"
            " used for training; remove it from one list"
        )
    return Split(train, test, official_notes(dataset, train, test))


def official_notes(
    dataset: DatasetName, train: Sequence[str], test: Sequence[str]
) -> tuple[str, ...]:
    """Notes on parts whose number of videos differs from the official split."""
    known = DATASETS[dataset]
    parts = (
        ("training", len(train), known.train_videos),
        ("test", len(test), known.test_videos),
    )
    return tuple(
        f"{found} {kind} videos instead of the official {official}: figures are not comparable"
        " with published ones"
        for kind, found, official in parts
        if found != official
    )


def read_name_list(path: Path, dataset: DatasetName = "own") -> tuple[str, ...]:
    """Read the distinct joining names of a list, in list order.

    The list has a format of `list_entries`, or names feature files. The crops of one video
    (`__0.npy` to `__9.npy`; also `_0.npy` to `_9.npy` if the rest is a benchmark name) count once.
    Duplicates and entries that do not belong to the data set are reported and left out.

    Raises:
        BadAnnotation: the list cannot be read, names no video of the data set, or is empty (like
            the Anomaly_Train.txt in UCF_Crimes.zip).
    """
    try:
        entries = read_entries(path)
    except BadFile as error:
        raise BadAnnotation(str(error)) from error
    if not entries:
        raise BadAnnotation(
            f"{path} is empty (like the Anomaly_Train.txt in UCF_Crimes.zip): take the list from"
            " the authors' repository"
        )
    duplicates = [entry for entry, times in Counter(entries).items() if times > 1]
    if duplicates:
        logger.warning("%s lists %s more than once: counted once", path, named(duplicates))
    names = [_without_crop(video_name(_FEATURE_SUFFIX.sub("", entry))) for entry in entries]
    strange = [name for name in dict.fromkeys(names) if not belongs_to(name, dataset)]
    if len(strange) == len(set(names)):
        raise BadAnnotation(
            f"{path} names no video of {dataset}, only {named(strange)}: give a list for {dataset}"
        )
    if strange:
        logger.warning("%s: left out, not names of %s: %s", path, dataset, named(strange))
    left_out = set(strange)
    return tuple(dict.fromkeys(name for name in names if name not in left_out))


def _without_crop(name: str) -> str:
    """Strip a crop number; `_` precedes one only after a benchmark name."""
    bare = re.sub("__[0-9]$", "", name)
    single = re.sub("_[0-9]$", "", bare)
    return single if not is_of_a_benchmark(bare) and is_of_a_benchmark(single) else bare


def index_videos(folder: Path, wanted: Collection[str], role: str) -> RawVideos:
    """Find the file of each wanted video by its name.

    Args:
        folder: searched recursively.
        wanted: joining names.
        role: `training` or `test`, for the notes.

    Raises:
        BadAnnotation: two files of one video differ in size and neither is in a folder of copies.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    names = set(wanted)
    for path in videos_below(folder):
        name = video_name(path.name)
        if name in names:
            found[name].append(path)
    chosen = {name: _one_of(name, found[name]) for name in wanted if name in found}
    duplicates = [name for name in chosen if len(found[name]) > 1]
    missing = tuple(name for name in wanted if name not in found)
    notes = []
    if duplicates:
        notes.append(
            f"{len(duplicates)} {role} videos have several files, counted once: {named(duplicates)}"
        )
    if missing:
        notes.append(
            f"{len(missing)} of {len(names)} {role} videos not found in {folder}:"
            f" {named(missing)}; {_effect(role)}"
        )
    return RawVideos(chosen, missing, tuple(notes))


def _effect(role: str) -> str:
    if role == "test":
        return "their frames are left out, so the figures describe a different test set"
    return "pseudo-labels and detector are learned without them"


def _one_of(name: str, files: list[Path]) -> Path:
    originals = [path for path in files if not _is_copy(path)] or files
    sizes = {path.stat().st_size for path in originals}
    if len(sizes) > 1:
        raise BadAnnotation(
            f"{name} has two files that differ in size, {originals[0]} and {originals[1]}: they"
            " cannot be the same video; remove the wrong one"
        )
    return originals[0]


def _is_copy(path: Path) -> bool:
    return any(
        COPIES_FOLDER_MARK in part.lower() and "normal" in part.lower()
        for part in path.parent.parts
    )
