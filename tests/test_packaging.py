"""What is installed is what the checkout has, under c2fpl alone."""

import configparser
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import pytest

import c2fpl

ROOT = Path(__file__).resolve().parents[1]
FLOORS = ("api", "pipeline", "extractors", "models")
OPTIONAL = ("decord", "h5py", "onnx", "open_clip", "pyarrow", "ray", "tensorboard", "watchfiles")
"""Packages of the extras, and decord, which some platforms lack."""


def installed(path: Path) -> Path:
    """`api` is the package c2fpl itself; the other folders are its sub-packages."""
    return Path("c2fpl", *path.parts[path.parts[0] == "api" :])


def test_every_folder_with_modules_is_listed_for_the_wheel() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["options"]["packages"].split()
    folders = {p.parent.relative_to(ROOT) for f in FLOORS for p in (ROOT / f).rglob("*.py")}
    assert sorted(listed) == sorted(".".join(installed(folder).parts) for folder in folders)


def test_every_folder_of_pipeline_is_a_layer() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    layers = config["importlinter:contract:pipeline"]["layers"].replace("|", " ").split()
    folders = {p.parent.name for p in ROOT.glob("pipeline/*/__init__.py")}
    assert folders <= set(layers)
    assert "c2fpl.pipeline" in config["importlinter:contract:pipeline"]["containers"]


@pytest.mark.parametrize("floor", FLOORS)
def test_no_folder_holds_more_than_twelve_modules(floor: str) -> None:
    counts = Counter(p.parent for p in (ROOT / floor).rglob("*.py") if p.stem[:2] != "__")
    assert max(counts.values()) <= 12


def test_every_folder_introduces_its_modules() -> None:
    for start in (p for floor in FLOORS for p in (ROOT / floor).rglob("__init__.py")):
        around = [p.stem for p in start.parent.glob("*.py") if p.stem[:2] != "__"]
        around += [p.parent.name for p in start.parent.glob("*/__init__.py")]
        missing = [name for name in around if f"`{name}`" not in start.read_text()]
        assert not missing, f"{start.relative_to(ROOT)} does not name {missing}"


def test_a_system_without_file_locks_is_refused_in_one_line() -> None:
    code = (
        "import sys; sys.modules['fcntl'] = None\n"
        "from c2fpl.pipeline.cli.main import main\n"
        "main(['run', 'videos', '-o', 'run'])"
    )
    end = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert end.returncode == 2
    needs = "c2fpl needs Linux or macOS: this system has no fcntl; on Windows, use WSL 2"
    assert end.stderr == f"c2fpl: {needs}\n"


@pytest.mark.slow
def test_the_wheel_holds_every_module_and_asset_and_nothing_else(tmp_path: Path) -> None:
    tree = tmp_path / "tree"  # a copy: an old build/ in the checkout would add deleted modules
    for part in (*FLOORS, "setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        tree.mkdir(exist_ok=True)
        copy(ROOT / part, tree / part)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", tmp_path]
    subprocess.run([*map(str, command), str(tree)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    packed = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    modules = {
        installed(path.relative_to(ROOT)).as_posix()
        for floor in FLOORS
        for path in (ROOT / floor).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == modules


def test_importing_the_command_line_starts_no_torch_and_no_decoder() -> None:
    heavy = ["torch", "torchvision", "pytorchvideo", "sklearn", "decord", "cv2", "av", "matplotlib"]
    code = (
        "import sys, importlib\n"
        "from c2fpl.pipeline.cli.main import COMMAND_MODULES\n"
        "[importlib.import_module('c2fpl.pipeline.cli.' + m) for m in COMMAND_MODULES]\n"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "[]"


def test_importing_c2fpl_loads_no_other_package() -> None:
    code = (
        "import sys; before = set(sys.modules)\n"
        "import c2fpl; c2fpl.Error, dir(c2fpl)\n"
        "print({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "{'c2fpl'}"


def test_every_public_name_exists_and_no_other() -> None:
    for name in dir(c2fpl):
        assert getattr(c2fpl, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'extrakt'"):
        c2fpl.__getattr__("extrakt")


def test_the_version_is_that_of_setup_cfg() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert c2fpl.__version__ == config["metadata"]["version"]


def test_every_module_is_imported_without_optional_packages_and_starts_no_cuda() -> None:
    modules = [
        ".".join(installed(path.relative_to(ROOT)).with_suffix("").parts)
        for floor in FLOORS
        for path in (ROOT / floor).rglob("[!_]*.py")
    ]
    code = (
        f"import importlib, sys, torch\nsys.modules.update(dict.fromkeys({OPTIONAL!r}))\n"
        f"[importlib.import_module(m) for m in {modules!r}]\n"
        "print(torch.cuda.is_initialized(), 'pytorchvideo' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert out.stdout.strip() == "False False"
