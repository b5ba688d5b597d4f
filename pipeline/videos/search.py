"""Searches a folder or a glob for video files.

Linked folders are followed once. Hidden, NAS and trash folders, resource forks, files without a
known suffix and unreadable paths are left out and counted by reason.
"""

import fnmatch
import os
import re
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from c2fpl.pipeline.files.wording import counted

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("mp4", "m4v", "mov", "qt", "mkv", "mk3d", "webm", "avi", "divx", "xvid", "ts", "mts"),
        *("m2ts", "m2t", "tp", "trp", "tod", "mpg", "mpeg", "mpe", "mpv", "m1v", "m2v", "mp2v"),
        *("m2p", "mod", "vob", "evo", "ps", "flv", "f4v", "wmv", "asf", "wtv", "dvr-ms", "3gp"),
        *("3g2", "ogv", "ogm", "rm", "rmvb", "dv", "dif", "mxf", "gxf", "nut", "amv", "ivr", "mj2"),
        *("ismv", "dav", "y4m", "ivf", "obu", "av1", "mjpeg", "mjpg", "h261", "h263", "h264"),
        *("264", "avc", "h265", "265", "hevc", "h266", "266", "vvc", "vc1", "avs2"),
    )
)
"""Suffixes of video files that PyAV opens, without pictures (gif, avif) and containers that mostly
hold sound (ogg, m4a). A file that is named explicitly may have any suffix."""

SHOWN_SUFFIXES = 5
"""Number of unknown suffixes to show in the remark."""

Identity = tuple[int, int]
"""Device and inode of a folder."""

NO_FOOTAGE = re.compile(
    r"\..+"  # hidden; .Trash-1000, .Trashes, .snapshot, .@__thumb, .AppleDouble
    r"|@eadir|@tmp|@recycle|@recently-snapshot|@sharebin|#recycle|#snapshot|~snapshot"
    r"|\$recycle\.bin|recycler|recycled|system volume information|lost\+found"
    r"|network trash folder|temporary items|__macosx",
    re.IGNORECASE,
)
"""Folders of NAS systems, trash bins and operating systems (Synology, QNAP, NetApp, Windows,
macOS)."""

FOLDER, FORK, HIDDEN = "hidden, NAS or trash folder", "resource fork", "hidden file"
NO_SUFFIX, UNREADABLE, OUTPUT = "file", "unreadable path", "output folder"
DOUBLE = "double"


class VideoSearch:
    """A search over one or more places that visits each folder once."""

    def __init__(self, outputs: Collection[Path] = ()) -> None:
        """`outputs` are folders to skip because the program writes to them."""
        self.left_out: Counter[str] = Counter()
        """Number of paths left out, by kind."""
        self._suffixes: dict[str, None] = {}
        self._outputs = {path.resolve() for path in outputs}
        self._seen: set[Identity] = set()

    @property
    def remark(self) -> str:
        """One line on what was left out; empty if nothing was."""
        shown = ", ".join(list(self._suffixes)[:SHOWN_SUFFIXES])
        more = ", ..." if len(self._suffixes) > SHOWN_SUFFIXES else ""
        return ", ".join(
            counted(count, kind)
            + (f" without a known suffix ({shown}{more})" if kind == NO_SUFFIX else "")
            for kind, count in sorted(self.left_out.items())
        )

    def below(self, folder: Path) -> Iterator[Path]:
        """Videos below a folder."""
        for _, files in self._walked(folder, self._seen, frozenset()):
            yield from filter(self._is_video, files)

    def matching(self, pattern: Path) -> Iterator[Path]:
        """Videos that match a glob, and those below folders that match it.

        Names and suffixes that are written out in the pattern are included even if they are hidden
        or unknown.
        """
        start = Path(pattern.anchor)
        parts = pattern.relative_to(start).parts
        asked = _is_literal(pattern.suffix) and pattern.suffix.lower() not in SUFFIXES
        matches = self._expanded(start, parts, frozenset(parts))
        places: set[Path] = set()
        for match in sorted(set(matches), key=lambda path: (_is_linked(path), path)):
            place = match.parent.resolve() / match.name
            if is_folder(match):
                yield from self.below(match)
            elif place not in places and (asked or match.name in parts or self._is_video(match)):
                places.add(place)
                yield match

    def _expanded(
        self, folder: Path, parts: Sequence[str], meant: frozenset[str]
    ) -> Iterator[Path]:
        """Paths that match the parts of a glob; `**` matches any number of folders."""
        if not parts:
            yield folder
            return
        first, rest = parts[0], parts[1:]
        if first == "**":
            for below, _ in self._walked(folder, set(), meant):
                yield from self._expanded(below, rest, meant)
        elif _is_literal(first):
            if os.path.lexists(folder / first):
                yield from self._expanded(folder / first, rest, meant)
        else:
            for entry in self._entries(folder):
                if fnmatch.fnmatchcase(entry.name, first) and (
                    not is_folder(entry)
                    or first.startswith(".")  # the pattern asks for hidden folders
                    or self._is_searched(entry, meant)
                ):
                    yield from self._expanded(entry, rest, meant)

    def _walked(
        self, folder: Path, seen: set[Identity], meant: frozenset[str]
    ) -> Iterator[tuple[Path, list[Path]]]:
        """The folder and all below it, each once with its files; linked folders come last."""
        folders, links = deque([folder]), deque[Path]()
        while folders or links:
            here = folders.popleft() if folders else links.popleft()
            identity = _identity(here)
            if identity is None or identity in seen:
                continue
            seen.add(identity)
            files = []
            for entry in self._entries(here):
                if not is_folder(entry):
                    files.append(entry)
                elif self._is_searched(entry, meant):
                    (links if entry.is_symlink() else folders).append(entry)
            yield here, files

    def _entries(self, folder: Path) -> list[Path]:
        if not is_folder(folder):
            return []
        try:
            return sorted(folder.iterdir())
        except OSError:
            self.left_out[UNREADABLE] += 1
            return []

    def _is_searched(self, folder: Path, meant: frozenset[str]) -> bool:
        if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
            return False  # a link to a parent: already searched, or not asked for
        if folder.name not in meant and NO_FOOTAGE.fullmatch(folder.name):
            kind = FOLDER
        else:
            kind = OUTPUT if folder.resolve() in self._outputs else ""
        self.left_out.update([kind] if kind else [])
        return not kind

    def _is_video(self, path: Path) -> bool:
        if path.name.startswith("._"):
            kind = FORK
        elif path.name.startswith("."):
            kind = HIDDEN
        elif path.suffix.lower() not in SUFFIXES:
            kind = NO_SUFFIX
            self._suffixes.setdefault(path.suffix.lower() or "none")
        else:
            kind = "" if is_file(path) else UNREADABLE
        self.left_out.update([kind] if kind else [])
        return not kind


def _identity(path: Path) -> Identity | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _is_linked(path: Path) -> bool:
    folder = path if is_folder(path) else path.parent
    return folder.resolve() != folder.absolute()


def is_folder(path: Path) -> bool:
    """Whether the path is an accessible folder or a link to one."""
    try:
        return path.is_dir()
    except OSError:  # no permission
        return False


def is_file(path: Path) -> bool:
    """Whether the path is a regular file or a link to one."""
    try:
        return path.is_file()
    except OSError:
        return False


def _is_literal(part: str) -> bool:
    return bool(part) and not re.search(r"[*?\[]", part)
