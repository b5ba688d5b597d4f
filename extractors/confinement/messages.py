"""Reads messages of a process that a hostile file may control, without running code that it sends.

The connection carries pickles, which can call any function. Here they may use only the message
classes and the parts of a numpy array.
"""

import io
import pickle
from multiprocessing.connection import Connection
from typing import Final

ALLOWED: Final = {
    "c2fpl.extractors.decoder_child": {
        *("Alive", "DecoderChanged", "Failed", "FrameFilled", "ReadDone", "Ready", "SlotFilled"),
    },
    "c2fpl.extractors.decoding.video": {"DecodeReport", "DecoderChanged"},
    "c2fpl.extractors.decoding.header": {"VideoHeader"},
    "c2fpl.extractors.decoding.frame_reader": {"NumberedFrame"},
    "c2fpl.extractors.decoding.presentation_times": {"PresentationTimes"},
    "fractions": {"Fraction"},
    "numpy": {"dtype", "ndarray"},
    "numpy._core.multiarray": {"_reconstruct", "scalar"},
    "numpy._core.numeric": {"_frombuffer"},
    "numpy.core.multiarray": {"_reconstruct", "scalar"},
    "numpy.core.numeric": {"_frombuffer"},
}
"""Names in each module that a message may use."""


class ForeignMessage(EOFError):
    """A message that no decoder sends; the child counts as dead."""


class _MessageUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if name not in ALLOWED.get(module, ()):
            raise ForeignMessage(f"the decoder process sent {module}.{name}")
        found: object = super().find_class(module, name)
        return found


def receive(connection: Connection) -> object:
    """Wait for the next message.

    Raises:
        ForeignMessage: the message is damaged or uses a name that is not allowed.
        EOFError, OSError: the connection is closed.
    """
    content = connection.recv_bytes()
    try:
        return _MessageUnpickler(io.BytesIO(content)).load()
    except (ForeignMessage, MemoryError):
        raise
    except Exception as error:  # a forged pickle can raise anything
        raise ForeignMessage(f"the decoder process sent a damaged message ({error})") from error
