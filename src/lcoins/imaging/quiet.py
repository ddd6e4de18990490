"""What Pillow and libtiff must be told while lcoins decodes, and nobody else wants to be told: undone afterwards."""

import ctypes
import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from PIL import Image

MAX_PIXELS = 200_000_000

_lock = threading.Lock()
_inside = 0  # blocks of quiet_decoders that are active, in all threads
_undo = ExitStack()


@contextmanager
def quiet_decoders() -> Iterator[None]:
    """Silences decoders, whose errors become exceptions anyway, and lets lcoins judge how large a photo may be.

    Inside the block Python warnings are ignored, Pillow's log goes nowhere, libtiff prints nothing, and Pillow's own
    bound, which raises at 179 million pixels, is lifted above MAX_PIXELS. These are settings of the whole process, so
    blocks may be nested and overlap in threads: the first to enter changes the settings, the last to leave restores
    them.
    """
    global _inside
    with _lock:
        if _inside == 0:
            _change_settings()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _undo.close()


def _change_settings() -> None:
    """Notes in ``_undo`` how each setting is restored."""
    _undo.enter_context(warnings.catch_warnings(action="ignore"))
    _undo.callback(setattr, Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    handler = logging.NullHandler()  # without any, Python prints what Pillow logs
    logging.getLogger("PIL").addHandler(handler)
    _undo.callback(logging.getLogger("PIL").removeHandler, handler)
    with suppress(OSError, AttributeError):  # where libtiff is no library of its own, as in Pillow for Windows
        libtiff = ctypes.CDLL(Image.core.__file__)
        for set_handler in (libtiff.TIFFSetErrorHandler, libtiff.TIFFSetWarningHandler):
            set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
            _undo.callback(set_handler, set_handler(None))
