"""Writes files whole or not at all, so that a killed process leaves no half file under a final name; checksums."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

GROWS_WITHIN = 60.0  # seconds


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path``, which is renamed to ``path`` when the block ends without an error.

    Creates the folder if it does not exist. Two processes may write the same ``path``: the last one to finish wins.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_abandoned_files(path.parent.resolve())
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a text file as UTF-8, whole or not at all."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits, read in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def remove_abandoned_files(folder: Path) -> None:
    """Removes the temporary files of writers that were killed from ``folder``, once for each process and folder.

    A file is abandoned if this machine has no process of its number and it has not grown for a minute: on a shared
    file system, the writer may live on another machine.
    """
    for path in folder.glob(".*.part"):
        number = path.name.split(".")[-2]
        try:
            if number.isdigit() and not _runs(int(number)) and time.time() - path.stat().st_mtime > GROWS_WITHIN:
                path.unlink()
        except OSError:  # another process was faster, or the folder may not be written to: then nothing is lost
            pass


def _runs(number: int) -> bool:
    """Whether this machine has a process of this number, or may have one."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # of another user; or no number of a process
        return True
    return True


def remove_partial_files(folder: Path) -> None:
    """Removes the temporary files of killed writers from ``folder``, to which no other process may be writing."""
    for path in folder.glob(".*.part"):
        path.unlink()
