"""Pages of the documentation site that are made, not written: MkDocs calls these functions."""

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = """# Reference

The public names of `c2fpl`, from their docstrings.

## Functions

::: c2fpl.functions

## Settings of decoding and extraction

::: c2fpl.extractors.settings

## Settings of labels, training and scores

::: c2fpl.models.settings

## Settings of runs, events and watching

::: c2fpl.pipeline.settings

## Errors

::: c2fpl.errors
"""
NOT_SHOWN = {"features", "labels"}
"""Folders of the demo's run that its report does not show."""


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the reference of the Python interface, and the demo's run, whose report is live."""
    files.append(File.generated(config, "reference.md", content=REFERENCE))
    run = ROOT / "demo-run"
    for path in sorted(run.rglob("*")):
        parts = path.relative_to(run).parts
        if path.is_file() and parts[0] not in NOT_SHOWN and not path.name.startswith("."):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files
