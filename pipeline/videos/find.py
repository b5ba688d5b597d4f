"""Which videos are meant: a file, a folder, a glob or a list, each with a name for its outputs."""

import logging
import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from c2fpl.pipeline.videos.list_entries import read_entries
from c2fpl.pipeline.videos.search import DOUBLE, SUFFIXES, VideoSearch, is_file, is_folder

LIST_SUFFIXES = frozenset({".txt", ".list", ".lst", ".m3u", ".ffconcat", ".csv", ".json"})
"""Files that are read as lists of videos."""

logger = logging.getLogger(__name__)


class NoVideos(ValueError):
    """Nothing to do: the given place holds no video."""


@dataclass(frozen=True, order=True)
class VideoFile:
    """A video on disk and the name its outputs carry."""

    name: str
    """Path below the given folder, forward slashes, without suffix unless two would collide."""
    path: Path
    """Where the file lies."""


def find_videos(where: str, leave_out: Collection[Path] = ()) -> list[VideoFile]:
    """Videos in name order; what is left out is logged in one line, counted by reason.

    Args:
        where: a file, a folder (searched recursively, linked folders once), a glob, or a list of
            one path a line (files.lists); a list's relative paths start at its folder, and a line
            may be a folder or a glob itself.
        leave_out: folders that are not searched: what a run wrote is no footage.

    Raises:
        NoVideos: nothing there.
        NotAList: a list that cannot be read.
    """
    path, search = Path(where), VideoSearch(leave_out)
    found = [
        video
        for place in _at(path, search)
        for video in (_listed(place, search) if _is_list(place) else (place,))
    ]
    if search.remark:
        logger.info("%s: left out: %s", where, search.remark)
    if not found:
        left_out = f" (left out: {search.remark})" if search.remark else ""
        raise NoVideos(
            f"no video in {where!r}{left_out}; give a video, a folder of videos "
            "(.mp4 .mkv .avi .ts ...), a quoted glob or a .txt list"
        )
    return _named(found, path if is_folder(path) else _common_folder(found))


def videos_below(folder: Path) -> list[Path]:
    """All video files below a folder, in order of path."""
    return sorted(VideoSearch().below(folder))


def holds_videos(folder: Path) -> bool:
    """Whether any file below the folder counts as a video."""
    return next(VideoSearch().below(folder), None) is not None


def _at(path: Path, search: VideoSearch) -> Iterator[Path]:
    """The videos of one place: a folder, a file that is there, else a glob."""
    if is_folder(path):
        yield from search.below(path)
    elif is_file(path):
        yield path
    elif path.parts:
        yield from search.matching(path)


def _is_list(path: Path) -> bool:
    return path.suffix.lower() in LIST_SUFFIXES and is_file(path)


def _listed(path: Path, search: VideoSearch) -> Iterator[Path]:
    """The videos of a list; one that is not there stays, to be named when it fails."""
    seen: set[Path] = set()
    for line in read_entries(path):
        listed = _spelled(path.parent, line)
        for video in list(_at(listed, search)) or ([] if is_folder(listed) else [listed]):
            if video in seen:
                search.left_out[DOUBLE] += 1
            else:
                seen.add(video)
                yield video


def _spelled(folder: Path, line: str) -> Path:
    """The path as it is written, or as a file there is called: other slashes, accents, code page.

    Names of macOS are decomposed (NFD), those of most others composed (NFC); lists that Windows
    saves as ANSI are in its code page.
    """
    western = line.encode("utf-8", "surrogateescape").decode("cp1252", "replace")
    spellings = [
        unicodedata.normalize(form, text.replace("\\", slash))
        for text in (line, western)
        for slash in ("\\", "/")
        for form in ("NFC", "NFD")
    ]
    paths = [folder / text for text in (line, *spellings)]
    return next((path for path in paths if os.path.lexists(path)), paths[0])


def _common_folder(paths: list[Path]) -> Path:
    """Deepest folder that holds all paths."""
    folders = [path.absolute().parent for path in paths]
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def _named(paths: Sequence[Path], root: Path) -> list[VideoFile]:
    """Names below root without suffix; where two would be equal (a.mp4, a.avi) both keep theirs."""
    unique = dict.fromkeys(path.absolute() for path in paths)
    whole = {path: path.relative_to(root.absolute()).as_posix() for path in unique}
    names = {path: bare_name(name) for path, name in whole.items()}
    while True:
        times = Counter(name.casefold() for name in names.values())
        equal = [p for p in names if times[names[p].casefold()] > 1 and names[p] != whole[p]]
        if not equal:
            return sorted(VideoFile(names[path], path) for path in unique)
        # a name that is now whole may be the bare name of another: a.avi of a.avi.mp4
        names |= {path: whole[path] for path in equal}


def bare_name(filename: str) -> str:
    """File name without its video suffix; `Thelma...Louise.1991` has none and stays whole."""
    suffix = Path(filename).suffix
    return filename[: -len(suffix)] if suffix.lower() in SUFFIXES else filename
