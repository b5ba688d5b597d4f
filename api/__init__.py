"""Per-frame anomaly scores for raw, unlabelled videos (C2FPL, WACV 2024).

The public names. Each loads its module on first use, so `import c2fpl` is quick and loads neither
torch nor a decoder.

- `extract`, `label_segments`, `train`, `score`, `save`: one step each, on paths and arrays
- `run`: every step on a folder of videos, resumable, with all results in files
- `ExtractionSettings`, `DecodingSettings`, `LabelSettings`, `TrainingSettings`, `ScoreOptions`,
  `EventSettings`, `Execution`, `RunSettings`: frozen, validated on construction
- `VideoFeatures`: what `extract` returns; `make_encoder`: a network loaded once for many videos
- `Error`: the base of every error that a user can fix

The modules of this folder: `functions`, the steps; `errors`, the errors; `field_checks`, checks of
settings; `processor`, what the CPU can do; `__main__`, the command.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
    """The installed version, as in setup.cfg."""

    from c2fpl.errors import Error as Error
    from c2fpl.extractors.encoding.encoder import make_encoder as make_encoder
    from c2fpl.extractors.settings import DecodingSettings as DecodingSettings
    from c2fpl.extractors.settings import ExtractionSettings as ExtractionSettings
    from c2fpl.functions import extract as extract
    from c2fpl.functions import label_segments as label_segments
    from c2fpl.functions import run as run
    from c2fpl.functions import save as save
    from c2fpl.functions import score as score
    from c2fpl.functions import train as train
    from c2fpl.models.settings import LabelSettings as LabelSettings
    from c2fpl.models.settings import ScoreOptions as ScoreOptions
    from c2fpl.models.settings import TrainingSettings as TrainingSettings
    from c2fpl.pipeline.features.in_memory import VideoFeatures as VideoFeatures
    from c2fpl.pipeline.run import RunSettings as RunSettings
    from c2fpl.pipeline.settings import EventSettings as EventSettings
    from c2fpl.pipeline.settings import Execution as Execution

_MODULES = {
    "c2fpl.errors": ("Error",),
    "c2fpl.functions": ("extract", "label_segments", "run", "save", "score", "train"),
    "c2fpl.extractors.encoding.encoder": ("make_encoder",),
    "c2fpl.pipeline.features.in_memory": ("VideoFeatures",),
    "c2fpl.extractors.settings": ("DecodingSettings", "ExtractionSettings"),
    "c2fpl.models.settings": ("LabelSettings", "ScoreOptions", "TrainingSettings"),
    "c2fpl.pipeline.run": ("RunSettings",),
    "c2fpl.pipeline.settings": ("EventSettings", "Execution"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}
__all__ = list(_HOMES)


def __getattr__(name: str) -> object:
    """Load a public name from the module that defines it (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("c2fpl")
    if name not in _HOMES:
        raise AttributeError(f"module 'c2fpl' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
