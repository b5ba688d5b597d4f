"""Which videos are meant: a file, a folder, a glob or a list, each with a name for its outputs."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("mp4", "m4v", "mov", "mkv", "webm", "avi", "ts", "mts", "m2ts", "mpg", "mpeg", "m2v"),
        *("flv", "wmv", "asf", "3gp", "ogv", "vob", "dav", "y4m", "ivf", "obu", "mjpeg", "mjpg"),
        *("h264", "264", "h265", "265", "hevc"),
    )
)
"""Files below a folder that count as videos; a file named outright may have any suffix."""


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
    """Videos in name order.

    Args:
        where: a file, a folder (searched recursively), a glob, or a `.txt` list of one path a line
            (relative paths start at the list's folder; empty lines and `#` + space are skipped).
        leave_out: folders that are not searched: what a run wrote is no footage.

    Raises:
        NoVideos: nothing there.
    """
    path = Path(where)
    if path.is_dir():
        found, root = _below(path, leave_out), path
    elif path.suffix.lower() == ".txt" and path.is_file():
        found, root = _listed(path), None
    elif path.exists():
        found, root = [path], path.parent
    else:
        found, root = _matching(path, leave_out), None
    if not found:
        raise NoVideos(
            f"no video in {where!r}; give a video, a folder of videos "
            f"({' '.join(sorted(SUFFIXES)[:6])} ...), a quoted glob or a .txt list"
        )
    return _named(found, root or _common_folder(found))


def holds_videos(folder: Path) -> bool:
    """Whether any file below the folder counts as a video."""
    return bool(_below(folder, ()))


def _below(folder: Path, leave_out: Collection[Path]) -> list[Path]:
    outside = [left.absolute() for left in leave_out]
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not path.name.startswith(".")
        and not path.is_dir()
        and not any(path.absolute().is_relative_to(left) for left in outside)
    )


def _matching(pattern: Path, leave_out: Collection[Path]) -> list[Path]:
    start = Path(pattern.anchor)
    matches = sorted(start.glob(str(pattern.relative_to(start)))) if pattern.parts else []
    files = [_below(match, leave_out) if match.is_dir() else [match] for match in matches]
    return [video for found in files for video in found]


def _listed(path: Path) -> list[Path]:
    lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    names = [line.strip() for line in lines if line.strip() and not line.startswith("# ")]
    return [path.parent / name for name in names]


def _common_folder(paths: list[Path]) -> Path:
    """Deepest folder that holds all paths."""
    folders = [path.absolute().parent for path in paths]
    shared = folders[0]
    while not all(folder.is_relative_to(shared) for folder in folders):
        shared = shared.parent
    return shared


def _named(paths: list[Path], root: Path) -> list[VideoFile]:
    """Names below root; where two files differ only in suffix (a.mp4, a.avi) both keep theirs."""
    unique = dict.fromkeys(path.absolute() for path in paths)
    below = {path: path.relative_to(root.absolute()) for path in unique}
    bare = {path: below[path].with_name(bare_name(path.name)).as_posix() for path in unique}
    times = Counter(name.casefold() for name in bare.values())
    return sorted(
        VideoFile(below[path].as_posix() if times[bare[path].casefold()] > 1 else bare[path], path)
        for path in unique
    )


def bare_name(filename: str) -> str:
    """File name without its video suffix; `Thelma...Louise.1991` has none and stays whole."""
    suffix = Path(filename).suffix
    return filename[: -len(suffix)] if suffix.lower() in SUFFIXES else filename
