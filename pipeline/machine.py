"""Facts about this installation and machine, for bug reports."""

import re
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from c2fpl.extractors.confinement.sandbox import landlock_version, missing_parts
from c2fpl.extractors.cores import usable_cores
from c2fpl.pipeline.steps import run_record

FFMPEG_WHEELS: Final = ("av", "decord", "opencv-python-headless")
"""Packages whose wheels bundle FFmpeg."""
OTHERS: Final = ("safetensors", "matplotlib", "cyclopts", "ray", "pyarrow", "tensorboard", "onnx")


def facts() -> dict[str, str]:
    """Versions, bundled libavcodec libraries, sandbox and processors, by name. Imports torch."""
    return {
        **run_record.versions(),
        **{name: _version(name) for name in OTHERS},
        **{f"libavcodec of {name}": _libavcodec(name) for name in FFMPEG_WHEELS},
        "sandbox": _sandbox(),
        **_processors(),
    }


def _version(package: str) -> str:
    return metadata.version(package) if find_spec(package) else "not installed"


def _libavcodec(package: str) -> str:
    """Versions from the file names of the libraries in the wheel; 62.28.102 is FFmpeg 8.1."""
    try:
        files = metadata.files(package) or []
    except metadata.PackageNotFoundError:
        return "not installed"
    names = {Path(str(file)).name for file in files if "libavcodec" in str(file)}
    found = {match[1] for name in names if (match := re.search(r"(\d+(\.\d+){1,2})", name))}
    return ", ".join(sorted(found)) or "none in the wheel"


def _sandbox() -> str:
    missing = missing_parts()
    complete = f"complete (Landlock {landlock_version()}, seccomp)"
    return f"incomplete: {missing}" if missing else complete


def _processors() -> dict[str, str]:
    import torch

    from c2fpl.processor import has_native_bf16

    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "cores": str(usable_cores()),
        "cpu": torch.backends.cpu.get_cpu_capability() + (", bf16" if has_native_bf16() else ""),
        "cuda": torch.version.cuda or "none",
        "gpus": ", ".join(gpus) or "none",
    }
