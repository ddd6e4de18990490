"""Writes files whole or not at all, so that a killed process leaves no half file under a final name; checksums."""

import errno
import hashlib
import io
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from lcoins.locks import LOCK, locked, process_birth

LONGEST_NAME = 255  # bytes; what the common file systems hold
_FULL = {errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)}  # no other file can be written either
_KEPT_NAME = 60  # bytes of a file's name in that of its temporary file, which must not be too long either


class WriteError(OSError):
    """A file that could not be written: ``errno`` and ``strerror`` say why, and ``filename`` is its final name."""

    def __str__(self) -> str:
        advice = "free some space on that disk" if stops_all(self) else "check its folder, name and permissions"
        return f"{self.filename} could not be written: {self.strerror}; {advice} and run the command again"


def stops_all(error: BaseException) -> bool:
    """Whether an error will meet every further file too: a disk that is full or read-only."""
    return isinstance(error, OSError) and error.errno in _FULL


class _CheckedFile(io.BufferedWriter):
    """A file without a descriptor to give away: all bytes go through ``write``, which raises when the disk is full.

    Pillow's encoders, handed a descriptor, do not see that less was written than they asked for.
    """

    def fileno(self) -> NoReturn:
        """Refused, so that libraries call ``write``."""
        raise io.UnsupportedOperation("written through write() alone")


GROWS_WITHIN = 60.0  # seconds


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path``, which is renamed to ``path`` when the block ends without an error.

    For libraries that open files themselves and check what they write; all others take :func:`open_whole`. Creates the
    folder if it does not exist. The bytes are on the disk before the name is. Two processes may write the same
    ``path``: the last one to finish wins. Raises :class:`WriteError`, an OSError, where the disk is full, say.
    """
    name = os.fsdecode(os.fsencode(path.name)[:_KEPT_NAME])
    partial = path.with_name(f".{name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned_files(path.parent.resolve())
        yield partial
        with partial.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, partial, str(partial), str(path.parent)):
            raise  # of a file that was read meanwhile
        raise WriteError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def open_whole(path: Path) -> Iterator[io.BufferedWriter]:
    """A binary file to write to, which appears as ``path`` when the block ends without an error, as in whole_file.

    A write that the disk does not take in full raises OSError, whatever library writes.
    """
    with whole_file(path) as partial, _CheckedFile(io.FileIO(partial, "w")) as file:
        yield file


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yields a new folder beside ``folder``, which becomes ``folder`` when the block ends without an error.

    Raises FileExistsError where ``folder`` exists, and FolderInUse where another process is about to make it. What a
    killed process has left of an earlier try is removed.
    """
    partial = folder.with_name(f".{folder.name}.part")
    with locked(partial):
        try:
            if folder.exists():
                raise FileExistsError(f"{folder} exists; choose another name, or remove it")
            for left in partial.iterdir():
                if left.is_dir() and not left.is_symlink():
                    shutil.rmtree(left)
                elif left.name != LOCK:
                    left.unlink()
            yield partial
            partial.rename(folder)
            (folder / LOCK).unlink()  # after the name is taken, so that no other process can lock it in between
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a text file as UTF-8, whole or not at all."""
    with open_whole(path) as file:
        file.write(text.encode())


def expect_name(path: Path) -> None:
    """Refuses a file to write whose name is longer than the common file systems hold."""
    length = len(os.fsencode(path.name))
    if length > LONGEST_NAME:
        raise ValueError(
            f"{path.name[:40]}...: the name has {length} bytes, and file systems hold {LONGEST_NAME}; give a shorter "
            f"one, or rename the photo"
        )


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
            old = time.time() - path.stat().st_mtime > GROWS_WITHIN
            if old and number.isdecimal() and process_birth(int(number)) is None:
                path.unlink()
        except OSError:  # another process was faster, or the folder may not be written to: then nothing is lost
            pass


def is_new(folder: Path, first: str) -> bool:
    """Whether a folder does not exist, or holds nothing but a lock and what a killed writer of its first file left."""
    return not folder.exists() or all(path.name.startswith((LOCK, f".{first}.")) for path in folder.iterdir())


def remove_partial_files(folder: Path) -> None:
    """Removes the temporary files of killed writers from ``folder``, to which no other process may be writing."""
    for path in folder.glob(".*.part"):
        path.unlink()
