"""The folder that a page's server writes to: removed when it stops, or by the next server if it was killed."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lcoins.locks import LOCK, FolderInUse, locked

PREFIX = "lcoins-demo-"
# Gradio reads these when it is imported.
ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
BEING_MADE = 60.0  # seconds in which a folder without a lock may be one that another server is just making


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder that Gradio and :mod:`tempfile` write to meanwhile; it is removed at the end with all that it holds.

    The environment is set for the block and restored after it. Raises OSError if something in it cannot be removed.
    """
    outer = Path(tempfile.mkdtemp(prefix=PREFIX)).resolve()
    before, environment = tempfile.tempdir, dict(os.environ)
    try:
        with locked(outer):  # for as long as it is held, other servers leave the folder alone
            folder = outer / "files"  # beside the lock, which Gradio would otherwise serve
            folder.mkdir()
            tempfile.tempdir = str(folder)
            os.environ.update(ENVIRONMENT, GRADIO_TEMP_DIR=str(folder))
            yield folder
    finally:
        tempfile.tempdir = before
        for variable in (*ENVIRONMENT, "GRADIO_TEMP_DIR"):
            os.environ.pop(variable, None)
            if variable in environment:
                os.environ[variable] = environment[variable]
        shutil.rmtree(outer, ignore_errors=True)
        if outer.exists():
            raise OSError(f"{outer} could not be removed, and may hold photos; remove it yourself")


def remove_dead_folders() -> int:
    """Removes the folders of servers that were killed, and returns how many files they held.

    Only folders of this user count, whose lock no living process holds.
    """
    count = 0
    for outer in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError, FolderInUse):
            about = outer.lstat()
            mine = not hasattr(os, "getuid") or about.st_uid == os.getuid()
            if outer.is_symlink() or not outer.is_dir() or not mine:
                continue
            if not (outer / LOCK).exists() and time.time() - about.st_mtime < BEING_MADE:
                continue
            with locked(outer):
                held = sum(path.is_file() and not path.name.startswith(LOCK) for path in outer.rglob("*"))
                shutil.rmtree(outer)
                count += held
    return count
