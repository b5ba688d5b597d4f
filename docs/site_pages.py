"""Pages and formulas of the documentation site that are made: MkDocs calls these functions."""

import re
from html import unescape
from pathlib import Path

from latex2mathml.converter import convert
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
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)
"""A formula of pymdownx.arithmatex: LaTeX in \\( \\) within a line, in \\[ \\] on its own."""


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


def on_page_content(html: str, **_: object) -> str:
    """Turn formulas into MathML, which browsers draw without a script from elsewhere."""
    return FORMULA.sub(_as_mathml, html)


def _as_mathml(formula: re.Match[str]) -> str:
    """MathML of a formula.

    Raises:
        ValueError: the formula has a command that the converter does not know.
    """
    latex = unescape(formula[3])
    mathml = str(convert(latex, display="inline" if formula[2] == "(" else "block"))
    if "\\" in mathml:
        raise ValueError(f"{latex!r} has a command that latex2mathml does not know")
    return mathml
