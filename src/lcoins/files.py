"""Files are written whole or not at all: a kill never leaves half of one under its final name. And their checksums."""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name beside ``path`` to write to; when the block ends without an error, the file takes its final name.

    The folder is made if need be. What another process writes to the same ``path`` does not mix with it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """Writes a text file whole, as UTF-8."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits, read in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def remove_partial_files(folder: Path) -> None:
    """Removes what a killed :func:`whole_file` left half-written in ``folder``; nobody else may be writing there."""
    for path in folder.glob(".*.part"):
        path.unlink()
