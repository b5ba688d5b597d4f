"""Lists and raw videos of a benchmark; videos are found by file name, never by folder.

The archives of UCF-Crime come in two shapes and nest when unpacked, XD-Violence has differing
mirrors; file names are the same everywhere. The 50 videos of `Normal_Videos_event` (also
`z_Normal_Videos_event`, `Normal_Videos_for_Event_Recognition`) are copies of others.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.pipeline.files.lists import NotAList
from c2fpl.pipeline.truth.datasets import (
    DATASETS,
    BadList,
    DatasetName,
    belongs_to,
    is_of_a_benchmark,
)
from c2fpl.pipeline.videos.find import videos_below
from c2fpl.pipeline.videos.list_entries import read_entries
from c2fpl.pipeline.videos.names import named, video_name

logger = logging.getLogger(__name__)

COPIES_FOLDER_MARK = "event"
"""Folders of copied normal videos have this in their name, in any case of letters."""

LIST_NAMES: Mapping[DatasetName, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ucf-crime": (("Anomaly_Train.txt",), ("Anomaly_Test.txt",)),
    "xd-violence": (("train_list.txt", "rgb.list"), ("test_list.txt", "rgb_test.list")),
    "shanghaitech": (("SH_Train.txt",), ("SH_Test.txt",)),
}
"""File names of the official lists, training and test."""

_FEATURE_SUFFIX = re.compile(r"(?i)(_C\.txt|\.txt|\.npz|\.pth?|\.h5|\.hdf5|\.mat|\.pkl)$")


class BadLayout(ValueError):
    """A folder of raw videos that cannot be used: video, files, rule and cure in one line."""


@dataclass(frozen=True)
class Split:
    """Names of training and test videos, in list order."""

    train: tuple[str, ...]
    """Joining names."""
    test: tuple[str, ...]
    """Joining names."""
    notes: tuple[str, ...] = ()
    """Where the counts are not the official ones."""


@dataclass(frozen=True)
class RawVideos:
    """Files of the wanted videos."""

    files: Mapping[str, Path]
    """By joining name, in the order wanted."""
    missing: tuple[str, ...]
    """Wanted and not there."""
    notes: tuple[str, ...]
    """What is missing or doubled, by name, with its effect."""


def read_split(train_list: Path, test_list: Path, dataset: DatasetName) -> Split:
    """Read the two lists.

    Raises:
        BadList: a list cannot be read, is empty, or names a video of the other.
    """
    train, test = (read_name_list(path, dataset) for path in (train_list, test_list))
    shared = sorted(set(train) & set(test))
    if shared:
        raise BadList(
            f"{train_list} and {test_list} both list {named(shared)}: a test video must not be"
            " trained on; take it off one list"
        )
    return Split(train, test, official_notes(dataset, train, test))


def official_notes(
    dataset: DatasetName, train: Sequence[str], test: Sequence[str]
) -> tuple[str, ...]:
    """Where the parts have not as many videos as the official ones."""
    known = DATASETS[dataset]
    parts = (
        ("training", len(train), known.train_videos),
        ("test", len(test), known.test_videos),
    )
    return tuple(
        f"{found} {kind} videos and {official} are official: figures are not comparable with"
        " published ones"
        for kind, found, official in parts
        if found != official
    )


def read_name_list(path: Path, dataset: DatasetName = "own") -> tuple[str, ...]:
    """Joining names of a list, in its order, each once.

    Read are the forms of `list_entries`, and lists of feature files, whose crops (`__0.npy` to
    `__9.npy`, `_0.npy` to `_9.npy` where the rest is the name of a benchmark) are one video.
    Entries that are not of the data set, or doubled, are reported and left out.

    Raises:
        BadList: unreadable, empty (the Anomaly_Train.txt inside UCF_Crimes.zip is), or without a
            name of the data set.
    """
    try:
        entries = read_entries(path)
    except NotAList as error:
        raise BadList(str(error)) from error
    if not entries:
        raise BadList(
            f"{path} is empty (as the Anomaly_Train.txt in UCF_Crimes.zip is): take the list from"
            " the authors' repository"
        )
    doubled = [entry for entry, times in Counter(entries).items() if times > 1]
    if doubled:
        logger.warning("%s lists %s more than once: counted once", path, named(doubled))
    names = [_without_crop(video_name(_FEATURE_SUFFIX.sub("", entry))) for entry in entries]
    strange = [name for name in dict.fromkeys(names) if not belongs_to(name, dataset)]
    if len(strange) == len(set(names)):
        raise BadList(
            f"{path} names no video of {dataset}, but {named(strange)}: give the list of {dataset}"
        )
    if strange:
        logger.warning("%s: no names of %s, left out: %s", path, dataset, named(strange))
    left_out = set(strange)
    return tuple(dict.fromkeys(name for name in names if name not in left_out))


def _without_crop(name: str) -> str:
    """Less the number of a crop: `_` numbers crops only after the name of a benchmark."""
    bare = re.sub("__[0-9]$", "", name)
    single = re.sub("_[0-9]$", "", bare)
    return single if not is_of_a_benchmark(bare) and is_of_a_benchmark(single) else bare


def index_videos(folder: Path, wanted: Collection[str], role: str) -> RawVideos:
    """Find the file of each wanted video by its name.

    Args:
        folder: searched below.
        wanted: joining names.
        role: what they are for, in notes: `training` or `test`.

    Raises:
        BadLayout: two files of one video that differ in size, neither in a folder of copies.
    """
    found: dict[str, list[Path]] = defaultdict(list)
    names = set(wanted)
    for path in videos_below(folder):
        name = video_name(path.name)
        if name in names:
            found[name].append(path)
    chosen = {name: _one_of(name, found[name]) for name in wanted if name in found}
    doubled = [name for name in chosen if len(found[name]) > 1]
    missing = tuple(name for name in wanted if name not in found)
    notes = []
    if doubled:
        notes.append(
            f"{len(doubled)} {role} videos lie there twice, counted once: {named(doubled)}"
        )
    if missing:
        notes.append(
            f"{len(missing)} of {len(names)} {role} videos are not below {folder}:"
            f" {named(missing)}; {_effect(role)}"
        )
    return RawVideos(chosen, missing, tuple(notes))


def _effect(role: str) -> str:
    if role == "test":
        return "their frames are left out, so figures are of another test set"
    return "labels and detector are learned without them"


def _one_of(name: str, files: list[Path]) -> Path:
    originals = [path for path in files if not _is_copy(path)] or files
    sizes = {path.stat().st_size for path in originals}
    if len(sizes) > 1:
        raise BadLayout(
            f"{name} lies there as {originals[0]} and {originals[1]}, which differ in size: it"
            " would be another video; remove the wrong one"
        )
    return originals[0]


def _is_copy(path: Path) -> bool:
    return any(
        COPIES_FOLDER_MARK in part.lower() and "normal" in part.lower()
        for part in path.parent.parts
    )
