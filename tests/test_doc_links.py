"""Pages of the documentation: links and options exist, the reference is current."""

import re
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.version import Version

from cli_reference import PAGE, reference

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(#[^)\s]*)?\)", page.read_text()):
        if target.startswith(("http", "mailto")):
            continue
        linked = (page.parent / target).resolve() if target else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in {
                f"#{slug(h)}" for h in re.findall(r"^#+ (.*)", linked.read_text(), re.M)
            }


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.fixture(scope="module")
def written() -> str:
    """The reference of the command line, as it should be."""
    return reference()


def test_the_reference_of_the_command_line_is_current(written: str) -> None:
    (locked,) = re.findall(r"^cyclopts==(\S+)", (ROOT / "requirements.lock").read_text(), re.M)
    if Version(version("cyclopts")) < Version(locked):
        pytest.skip(f"an older cyclopts than {locked} formats the page in another way")
    assert PAGE.read_text() == written, "run `python tests/cli_reference.py`"


def test_no_page_names_a_path_of_one_machine() -> None:
    for page in PAGES:
        assert not re.search(r"(?<![\w.])/(work|tmp|home|root)/", page.read_text()), page.name


@pytest.mark.parametrize("page", [p for p in PAGES if p != PAGE], ids=lambda page: page.name)
def test_every_option_named_exists(page: Path, written: str) -> None:
    known = set(re.findall(r"--[a-z0-9][a-z0-9-]*", written))
    others = {"--help", "--version", "--config", "--sparse", "--require-hashes"}
    named = {
        option
        for code in re.findall(r"`([^`\n]+)`", page.read_text())
        if not code.startswith(("python", "sbatch", "ray ", "pip", "pytest"))
        for option in re.findall(r"(?<![\w-])--[a-z0-9][a-z0-9-]*", code)
    }
    assert named <= known | others
