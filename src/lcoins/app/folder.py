"""The folder that a local server writes to: removed when it stops, or by the next server if it was killed."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lcoins.locks import LOCK, FolderInUse, locked

PREFIX = "lcoins-demo-"
BEING_MADE = 60.0  # seconds in which a folder without a lock may be one that another server is just making


@contextmanager
def temporary_folder(prefix: str = PREFIX) -> Iterator[Path]:
    """A folder that :mod:`tempfile` writes to meanwhile; it is removed at the end with all that it holds.

    Raises OSError if something in it cannot be removed.
    """
    outer = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    before = tempfile.tempdir
    try:
        with locked(outer):  # for as long as it is held, other servers leave the folder alone
            folder = outer / "files"  # beside the lock, which Gradio would otherwise serve
            folder.mkdir()
            tempfile.tempdir = str(folder)
            yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(outer, ignore_errors=True)
        if outer.exists():
            raise OSError(f"{outer} could not be removed, and may hold photos; remove it yourself")


def remove_dead_folders(prefix: str = PREFIX) -> int:
    """Removes the folders of servers that were killed, and returns how many files they held.

    Only folders of this user count, of this prefix, whose lock no living process holds.
    """
    count = 0
    for outer in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
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
