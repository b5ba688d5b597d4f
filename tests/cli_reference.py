"""Makes docs/cli.md from the program: `python tests/cli_reference.py`; a test keeps it current."""

import re
from pathlib import Path

from c2fpl.pipeline.cli import main as cli
from c2fpl.pipeline.cli.app import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "cli.md"

INTRODUCTION = """# Command line

Made from the program by `python tests/cli_reference.py`; do not edit.

VIDEOS is a file, a folder (searched recursively, its tree kept in the outputs), a quoted glob or a
`.txt` list. `--config FILE` reads the same names from a TOML file (`eta = 0.5`), one for all
commands: each takes the keys it knows, a table such as `[train]` is for one command alone, and a
key that no command knows is refused. The command line wins. What is done and unchanged is kept: the
same command goes on where an interrupted one stopped.

Exit codes: 0 all done; 1 some videos failed, all others are done and the failures stand in
`failed.csv` with their reasons; 2 wrong use, said in one line; 130 stopped by Ctrl-C or SIGTERM.
"""


def reference() -> str:
    """The page."""
    cli.load_commands()
    made = app.generate_docs("markdown", heading_level=1)
    _, _, commands = made.partition("**Commands**:")
    every_option = re.sub(r"\n {4,}", " ", commands)  # a wrapped description is one line
    without_config = re.sub(r"\* `--config PATH`:.*\n", "", every_option)
    no_empty_lists = re.sub(r"\*\*Parameters\*\*:\s+(?=## )", "", without_config)
    anchors = no_empty_lists.replace("(#c2fpl-install", "(#c2fpl---install")
    return f"{INTRODUCTION}\n**Commands**:{anchors}".rstrip() + "\n"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
