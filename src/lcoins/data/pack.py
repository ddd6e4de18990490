"""A pack: the photos of caption lists, decoded once and kept as raw 8-bit sRGB in a few large files.

Format, version 1. A pack is a folder. ``pack.json`` names the format, the folder of photos it was made from, the
greatest short side of a photo (null: as they are) and how many shards there are. Shard k is ``0000k.rgb``, the pixels
of its photos one after the other, rows first, three bytes a pixel, without gaps; and ``0000k.json``, one row a photo:
[name, offset, width, height, CRC-32 of its pixels, bytes and modification time (ns) of the file it came from, whether
it was shrunk]. Shards hold the photos in the order of their names. ``pack.json`` is written last.

Raw pixels take more disk than JPEG does and need no decoding, whose cost is what a pack is for; photos that are no
larger than asked stay exactly what they were.
"""

import json
import zlib
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lcoins.imaging.decode import PhotoError

FORMAT = "lcoins-pack"
VERSION = 1
INDEX = "pack.json"
AGAIN = "run lcoins data pack again"


@dataclass(frozen=True, slots=True)
class Row:
    """One photo of a pack: where its pixels are, their checksum, and the file they came from."""

    name: str
    offset: int
    width: int
    height: int
    crc: int
    source_bytes: int
    source_mtime_ns: int
    shrunk: bool

    @property
    def length(self) -> int:
        return 3 * self.width * self.height

    def as_list(self) -> list[Any]:
        return list(astuple(self))


def is_pack(folder: Path | str) -> bool:
    """Whether a folder is a pack (or what is left of one) and no folder of photos."""
    return (Path(folder) / INDEX).is_file()


class Pack:
    """A finished pack, opened for reading. Raises ValueError, saying what to do, for a damaged or unfinished one."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        head = read_head(self.folder)
        self.size: int | None = head["size"]
        self.source = Path(head["source"])
        self._source_is_here = self.source.is_dir()
        self.rows: dict[str, tuple[int, Row]] = {}
        for shard in range(head["shards"]):
            rows = read_rows(self.folder, shard)
            if file_stamp(self.folder / f"{shard:05d}.rgb")[0] != sum(row.length for row in rows):
                raise ValueError(f"{self.folder}/{shard:05d}.rgb is missing or cut off; {AGAIN}")
            self.rows |= {row.name: (shard, row) for row in rows}

    def __contains__(self, photo: str) -> bool:
        return photo in self.rows

    def is_exact(self, photo: str) -> bool:
        """Whether the photo has its own size, so that evaluation sees what the file holds."""
        return not self.rows[photo][1].shrunk

    def load(self, photo: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """The photo as writable uint8 (H, W, 3); ``size``, which spares a decoder work, changes nothing here."""
        row, pixels = self._read(photo)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(row.height, row.width, 3)

    def check(self, photo: str) -> None:
        """Raises FileNotFoundError if it is not in the pack, PhotoError if its pixels or its file have changed."""
        row, pixels = self._read(photo)
        if zlib.crc32(pixels) != row.crc:
            raise _problem(self.folder, photo, "damaged pack", "its pixels do not have their checksum")
        if self._source_is_here and file_stamp(self.source / photo) != (row.source_bytes, row.source_mtime_ns):
            raise _problem(self.folder, photo, "outdated pack", f"the file in {self.source} has changed since")

    def _read(self, photo: str) -> tuple[Row, bytearray]:
        if photo not in self.rows:
            raise FileNotFoundError(f"{self.folder}: {photo} is not in this pack; {AGAIN} with the list that names it")
        shard, row = self.rows[photo]
        # Opened each time: a few microseconds, and no open files to share with workers.
        with (self.folder / f"{shard:05d}.rgb").open("rb", buffering=0) as file:
            file.seek(row.offset)
            pixels = bytearray(row.length)
            found = file.readinto(pixels)
        if found != row.length:
            raise _problem(self.folder, photo, "damaged pack", "its pixels are cut off")
        return row, pixels


def read_head(folder: Path, finished: bool = True) -> dict[str, Any]:
    """The content of ``pack.json``; raises FileNotFoundError or ValueError, saying what to do."""
    path = folder / INDEX
    try:
        head = json.loads(path.read_text(encoding="utf-8"))
        known = head["format"] == FORMAT and head["version"] == VERSION
        fields = isinstance(head["source"], str), isinstance(head["size"], int | None), "shards" in head
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{folder} is no pack: {INDEX} is missing; make one with lcoins data pack") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error}); {AGAIN} into a new folder") from error
    if not (known and all(fields)):
        raise ValueError(f"{path} is not of format {FORMAT}, version {VERSION}; {AGAIN} into a new folder")
    if finished and not isinstance(head["shards"], int):
        raise ValueError(f"{folder} holds an unfinished pack; {AGAIN}, it goes on where it stopped")
    return head


def read_rows(folder: Path, shard: int) -> list[Row]:
    """The photos of a shard, in its order."""
    path = folder / f"{shard:05d}.json"
    try:
        rows = [Row(*values) for values in json.loads(path.read_text(encoding="utf-8"))]
        whole = all(isinstance(v, int) and v >= 0 for row in rows for v in row.as_list()[1:])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or damaged ({error}); {AGAIN}") from error
    if not whole or not all(isinstance(row.name, str) for row in rows):
        raise ValueError(f"{path} is damaged; {AGAIN}")
    return rows


def file_stamp(path: Path) -> tuple[int, int]:
    """Bytes and modification time of a file; (-1, -1) where there is none."""
    try:
        found = path.stat()
    except OSError:
        return -1, -1
    return found.st_size, found.st_mtime_ns


def _problem(folder: Path, photo: str, kind: str, detail: str) -> PhotoError:
    error = PhotoError(f"{folder}: {photo}: {kind}: {detail}; {AGAIN}")
    error.kind, error.detail, error.advice = kind, detail, AGAIN
    return error
