"""Names the outputs of videos. A name that was given in an output folder never changes."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path, PurePosixPath

from c2fpl.errors import BadFile
from c2fpl.pipeline.files.run_files import RunFiles, load_json, load_table
from c2fpl.pipeline.videos.search import SUFFIXES


def name_videos(below: Mapping[Path, str], given: Mapping[Path, str]) -> dict[Path, str]:
    """The name of each video: the one it has, or its path below the folder without suffix.

    Two new videos whose names would be equal without suffix (a.mp4, a.avi) both keep it. So does a
    video that arrives after another one of that name, even if the other one is gone.

    Args:
        below: for each video its path below the searched folder, with forward slashes.
        given: for each video of the output folder its name there, from `given_names`.
    """
    gone = {_file_below(name, path): name for path, name in given.items() if path not in below}
    had = {path: given.get(path) or gone.get(file) for path, file in below.items()}
    names = {path: name for path, name in had.items() if name}
    files = {*below.values(), *(_file_below(name, path) for path, name in given.items())}
    alike = Counter(bare_name(file).casefold() for file in files)
    alike.update(file.casefold() for file in files if file != bare_name(file))
    used = set(given.values())
    for path, file in below.items():
        if path not in names:
            names[path] = next(name for name in _candidates(file, alike) if name not in used)
            used.add(names[path])
    return names


def _candidates(file: str, alike: Counter[str]) -> Iterator[str]:
    bare = bare_name(file)
    if alike[bare.casefold()] == 1:
        yield bare
    yield from chain([file], (f"{file} ({number})" for number in count(2)))


def _file_below(name: str, source: Path) -> str:
    """Path of a named video below the folder that was searched for it."""
    return str(PurePosixPath(name).parent / source.name)


def given_names(files: RunFiles) -> dict[Path, str]:
    """Path and name of each video with features or scores in an output folder.

    Damaged entries are left out; the steps that read them report them.
    """
    sources = {row["video"]: row.get("source") for row in _rows(files.score_index)}
    for record in files.features.rglob("*.json"):
        name = record.relative_to(files.features).as_posix().removesuffix(".json")
        sources[name] = _source(record) or sources.get(name)
    return {Path(source): name for name, source in sorted(sources.items()) if source}


def _rows(index: Path) -> list[dict[str, str]]:
    try:
        return load_table(index, ("video",)) if index.is_file() else []
    except BadFile:
        return []


def _source(record: Path) -> str:
    try:
        source = load_json(record).get("source")
    except (BadFile, OSError):
        return ""
    return source if isinstance(source, str) else ""


def bare_name(filename: str) -> str:
    """File name without its video suffix; `Thelma...Louise.1991` has none and stays the same."""
    suffix = Path(filename).suffix
    return filename[: -len(suffix)] if suffix.lower() in SUFFIXES else filename
