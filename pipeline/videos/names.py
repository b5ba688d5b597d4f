"""The name that joins a video to its features, scores and annotations."""

import re
from collections.abc import Iterable

from c2fpl.pipeline.videos.output_names import bare_name

_SHOWN = 5


def video_name(written: str) -> str:
    r"""The joining name of a path or list entry: no folder, no `.npy`, no video suffix, no `_i3d`.

    `Abuse/Abuse028_x264.mp4`, `G:\UCF\Abuse028_x264_i3d.npy` and `Abuse028_x264` are one video.
    Only known suffixes are removed, because names in XD-Violence contain dots
    (`Thelma...Louise.1991__#...`).
    """
    return video_path_name(written).split("/")[-1]


def video_path_name(written: str) -> str:
    """Like `video_name` with folders (forward slashes), for videos that share file names."""
    path = re.sub(r"[/\\]+", "/", written.strip()).removeprefix("./")
    folder, _, name = path.rpartition("/")
    name = bare_name(name.removesuffix(".npy").removesuffix("_i3d")).removesuffix("_i3d")
    return f"{folder}/{name}" if folder else name


def named(names: Iterable[str]) -> str:
    """Names for a message: the first five, then the number of the others."""
    ordered = list(names)
    more = f" and {len(ordered) - _SHOWN} more" if len(ordered) > _SHOWN else ""
    return ", ".join(ordered[:_SHOWN]) + more
