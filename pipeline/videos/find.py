"""Resolves a file, folder, glob or list to videos, each with a name for its outputs."""

import logging
import os
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from types import MappingProxyType

from c2fpl.errors import NoVideos
from c2fpl.pipeline.files.run_files import RunFiles
from c2fpl.pipeline.videos.list_entries import read_entries
from c2fpl.pipeline.videos.output_names import given_names, name_videos
from c2fpl.pipeline.videos.search import DOUBLE, VideoSearch, is_file, is_folder

LIST_SUFFIXES = frozenset({".txt", ".list", ".lst", ".m3u", ".ffconcat", ".csv", ".json"})
"""Files that are read as lists of videos."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, order=True)
class VideoFile:
    """A video file and the name of its outputs."""

    name: str
    """Path below the given folder with forward slashes. It has no suffix unless two names would
    collide, and never changes within an output folder."""
    path: Path


def places_of(videos: str | PathLike[str] | Iterable[str | PathLike[str]]) -> str | list[str]:
    """The argument of `find_videos` for one path or a sequence of paths.

    Raises:
        NoVideos: something is not a path.
    """
    if isinstance(videos, str | PathLike):
        return fspath(videos)
    places = list(videos) if isinstance(videos, Iterable) else [videos]
    if not all(isinstance(place, str | PathLike) for place in places):
        raise NoVideos(f"videos {videos!r} are not paths; give a path or a list of paths")
    return [fspath(place) for place in places]


def find_videos(
    where: str | Sequence[str],
    leave_out: Collection[Path] = (),
    *,
    given: Mapping[Path, str] = MappingProxyType({}),
    log: Callable[[str], None] = logger.info,
) -> list[VideoFile]:
    """The videos at a place, in name order. One line is logged about files left out, and why.

    Args:
        where: a file, a folder (searched recursively, linked folders once), a glob, or a list (see
            list_entries). Relative paths in a list start at its folder; an entry may also be a
            folder or a glob. A sequence of such places is searched in the same way; those that
            do not exist are kept, so that they are reported as failures.
        leave_out: folders to skip, such as those with the clips of a run.
        given: names that videos have in the output folder, by path (`given_names`). They stay.
        log: takes that line, if there is one.

    Raises:
        NoVideos: no video was found.
        BadFile: a list cannot be read.
    """
    search = VideoSearch(leave_out)
    if isinstance(where, str):
        found = list(_videos_at(Path(where), search))
    else:
        found = [video for each in where for video in _videos_or_missing(Path(each), search)]
    if search.remark:
        log(f"{where}: left out: {search.remark}")
    if not found:
        left_out = f" (left out: {search.remark})" if search.remark else ""
        if isinstance(where, str) and not left_out and not Path(where).exists():
            left_out = " (there is no such file or folder)"
        raise NoVideos(
            f"no video in {where!r}{left_out}; give a video, a folder of videos "
            "(.mp4, .mkv, .avi, .ts, ...), a quoted glob or a .txt list"
        )
    one = Path(where) if isinstance(where, str) else None
    root = one if one is not None and is_folder(one) else _common_folder(found)
    return _named(found, root, given)


def videos_for(files: RunFiles, where: str | Sequence[str]) -> list[VideoFile]:
    """The videos at a place, named as in the output folder, whose clips and overlays are none."""
    return find_videos(where, (files.clips, files.overlays), given=given_names(files))


def videos_below(folder: Path) -> list[Path]:
    """All video files below a folder, sorted by path."""
    return sorted(VideoSearch().below(folder))


def holds_videos(folder: Path) -> bool:
    """Whether there is any video file below the folder."""
    return next(VideoSearch().below(folder), None) is not None


def _videos_at(path: Path, search: VideoSearch) -> Iterator[Path]:
    """The videos of a file, folder, glob or list."""
    for place in _at(path, search):
        yield from _listed(place, search) if _is_list(place) else (place,)


def _videos_or_missing(path: Path, search: VideoSearch) -> list[Path]:
    return list(_videos_at(path, search)) or ([] if is_folder(path) else [path])


def _at(path: Path, search: VideoSearch) -> Iterator[Path]:
    """The videos of one place: a folder, an existing file, or a glob."""
    if is_folder(path):
        yield from search.below(path)
    elif is_file(path):
        yield path
    elif path.parts:
        yield from search.matching(path)


def _is_list(path: Path) -> bool:
    return path.suffix.lower() in LIST_SUFFIXES and is_file(path)


def _listed(path: Path, search: VideoSearch) -> Iterator[Path]:
    """The videos of a list. Missing files are kept, so that they are reported as failures."""
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
    """The existing path for a list entry, allowing other slashes, accents and code pages.

    File names on macOS are decomposed (NFD), on most other systems composed (NFC). Lists that
    Windows saves as ANSI use its code page. If no spelling exists, the path as written.
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
    """The deepest folder that contains all paths."""
    folders = [path.absolute().parent for path in paths]
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def _named(paths: Sequence[Path], root: Path, given: Mapping[Path, str]) -> list[VideoFile]:
    """The videos with their names, in name order."""
    unique = dict.fromkeys(path.absolute() for path in paths)
    below = {path: path.relative_to(root.absolute()).as_posix() for path in unique}
    return sorted(VideoFile(name, path) for path, name in name_videos(below, given).items())
