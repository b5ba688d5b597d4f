"""What `refined` measured, beside the labels: labels/evidence.safetensors."""

from pathlib import Path

from c2fpl.models.labels.evidence import Evidence
from c2fpl.pipeline.files.run_files import whole_file


class BadEvidence(ValueError):
    """A file beside the labels that is no evidence."""


def save_evidence(path: Path, evidence: Evidence | None) -> None:
    """Write it; labels of another method have none, and an earlier file goes."""
    from safetensors.numpy import save

    if evidence is None:
        path.unlink(missing_ok=True)
        return
    with whole_file(path) as file:
        file.write(save(evidence.as_arrays()))


def load_evidence(path: Path) -> Evidence | None:
    """Read it; None where there is no file.

    Raises:
        BadEvidence: a file that is something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    if not path.exists():
        return None
    try:
        return Evidence.from_arrays(load(path.read_bytes()))
    except (SafetensorError, KeyError) as error:
        raise BadEvidence(f"{path} is not what `c2fpl label` wrote; label again") from error
