"""Optional TensorBoard scalars of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from c2fpl.errors import MissingPackage

if TYPE_CHECKING:
    from c2fpl.models.detection.training import Epoch


@contextmanager
def scalars(folder: Path | None) -> Iterator[Callable[["Epoch"], None]]:
    """Yield a function that writes loss, learning rate and seconds of an epoch to `folder`.

    With None it does nothing.

    Raises:
        MissingPackage: the extra [tensorboard] is not installed.
    """
    if folder is None:
        yield lambda epoch: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingPackage(
            "--tensorboard needs the package tensorboard; pip install 'c2fpl[tensorboard]', "
            "or omit the option"
        ) from error
    for earlier in folder.glob("events.out.tfevents.*"):
        earlier.unlink()  # TensorBoard would draw two trainings in one folder as one line
    with SummaryWriter(folder) as writer:

        def write(epoch: "Epoch") -> None:
            writer.add_scalar("train/loss", epoch.loss, epoch.number)
            writer.add_scalar("train/learning_rate", epoch.learning_rate, epoch.number)
            writer.add_scalar("train/seconds", epoch.seconds, epoch.number)

        yield write
