"""Importing the readers of photos, and reading, leaves the settings of the process as they were."""

import ctypes
import inspect
import logging
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from drawn_photos import gray_ramp
from PIL import Image

from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.imaging.quiet import MAX_PIXELS, quiet_decoders
from lcoins.imaging.read import read_gray_photo


def libtiff_handlers() -> list[int | None]:
    """The addresses of libtiff's handlers of errors and of warnings."""
    libtiff = ctypes.CDLL(Image.core.__file__)  # type: ignore[attr-defined]
    found = []
    for set_handler in (libtiff.TIFFSetErrorHandler, libtiff.TIFFSetWarningHandler):
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        address = set_handler(None)
        set_handler(address)
        found.append(address)
    return found


def settings() -> tuple[object, ...]:
    handlers = libtiff_handlers() if sys.platform == "linux" else []
    return Image.MAX_IMAGE_PIXELS, list(logging.getLogger("PIL").handlers), list(warnings.filters), handlers


@pytest.mark.skipif(sys.platform != "linux", reason="libtiff's handlers are looked up as on Linux")
def test_importing_changes_nothing() -> None:
    """A fresh process has Pillow's own settings before and after; this one may have opened HEIC photos."""
    command = (
        "import ctypes, logging, warnings, sys\nfrom PIL import Image\n"
        f"{inspect.getsource(libtiff_handlers)}\n{inspect.getsource(settings)}\n"
        "import torch\n"
        "before = settings()\n"
        "import lcoins.imaging.read, lcoins.colorize.batch\n"
        "print(settings() == before, all(libtiff_handlers()), 'HEIF' in Image.OPEN)"
    )
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("True True False\n", "")


def test_reading_changes_nothing_that_lasts(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "good.tif", compression="tiff_lzw")
    (tmp_path / "bad.tif").write_bytes((tmp_path / "good.tif").read_bytes()[:-40])
    before = settings()
    read_gray_photo(tmp_path / "good.tif")
    load_photo(tmp_path / "good.tif")
    with pytest.raises(PhotoError):
        load_photo(tmp_path / "bad.tif")
    assert settings() == before


def test_blocks_may_be_nested_and_overlap_in_threads() -> None:
    before = settings()
    entered, leave = threading.Event(), threading.Event()

    def other() -> None:
        with quiet_decoders():
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=other)
    with quiet_decoders(), quiet_decoders():
        thread.start()
        assert entered.wait(10)
    assert Image.MAX_IMAGE_PIXELS == MAX_PIXELS
    leave.set()
    thread.join()
    assert settings() == before
