"""A pack: the photos of caption lists, decoded once and kept as raw 8-bit sRGB in a few large files.

Format, version 1. A pack is a folder. ``pack.json`` holds the format, the folder of photos that the pack was made from,
the greatest short side of a photo (null: photos keep their size) and the number of shards. Shard k has two files:
``0000k.rgb`` holds the pixels of its photos one after the other, row by row, three bytes a pixel, without gaps;
``0000k.json`` holds one entry a photo: [name, offset, width, height, CRC-32 of its pixels, size in bytes and
modification time (ns) of its file, whether it was shrunk]. Shards hold the photos in the order of their names.
``pack.json`` is written last.

Raw pixels take more disk space than JPEG but need no decoding, which is what a pack saves. A photo that is no larger
than the greatest short side keeps its exact pixels.
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
PACK_AGAIN = "run lcoins data pack again"


@dataclass(frozen=True, slots=True)
class PackedPhoto:
    """One photo of a pack: where its pixels are, their checksum, and the file that they were decoded from."""

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
    """Whether a folder is a pack, finished or not, and no folder of photos."""
    return (Path(folder) / INDEX).is_file()


class Pack:
    """A finished pack, open for reading. For a damaged or unfinished one, ValueError is raised and says what to do."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        head = read_head(self.folder)
        self.size: int | None = head["size"]
        self.source = Path(head["source"])
        self._source_exists = self.source.is_dir()
        self.photos: dict[str, tuple[int, PackedPhoto]] = {}  # the shard of each, and where it is there
        for shard in range(head["shards"]):
            photos = read_index(self.folder, shard)
            if size_and_time(self.folder / f"{shard:05d}.rgb")[0] != sum(photo.length for photo in photos):
                raise ValueError(f"{self.folder}/{shard:05d}.rgb is missing or cut off; {PACK_AGAIN}")
            self.photos |= {photo.name: (shard, photo) for photo in photos}

    def __contains__(self, photo: str) -> bool:
        return photo in self.photos

    def is_exact(self, photo: str) -> bool:
        """Whether the pack holds the photo's exact pixels, as evaluation needs them."""
        return not self.photos[photo][1].shrunk

    def load(self, photo: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """The photo as writable uint8 (H, W, 3); ``size`` is for :class:`PhotoFolder`, where it saves decoding."""
        packed, pixels = self._read(photo)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(packed.height, packed.width, 3)

    def check(self, photo: str) -> None:
        """Raises FileNotFoundError for a photo that is not here, PhotoError if its pixels or its file have changed."""
        packed, pixels = self._read(photo)
        if zlib.crc32(pixels) != packed.crc:
            raise _problem(self.folder, photo, "damaged pack", "its pixels do not match their checksum")
        source = (packed.source_bytes, packed.source_mtime_ns)
        if self._source_exists and size_and_time(self.source / photo) != source:
            raise _problem(self.folder, photo, "outdated pack", f"the file in {self.source} has changed since")

    def _read(self, photo: str) -> tuple[PackedPhoto, bytearray]:
        if photo not in self.photos:
            raise FileNotFoundError(
                f"{self.folder}: {photo} is not in this pack; {PACK_AGAIN} with the list that names it"
            )
        shard, packed = self.photos[photo]
        # Opened each time: it takes microseconds, and no open file has to be shared with workers.
        with (self.folder / f"{shard:05d}.rgb").open("rb", buffering=0) as file:
            file.seek(packed.offset)
            pixels = bytearray(packed.length)
            count = file.readinto(pixels)
        if count != packed.length:
            raise _problem(self.folder, photo, "damaged pack", "its pixels are cut off")
        return packed, pixels


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
        raise ValueError(f"{path} is damaged ({error}); {PACK_AGAIN} into a new folder") from error
    if not (known and all(fields)):
        raise ValueError(f"{path} is not of format {FORMAT}, version {VERSION}; {PACK_AGAIN} into a new folder")
    if finished and not isinstance(head["shards"], int):
        raise ValueError(f"{folder} holds an unfinished pack; {PACK_AGAIN}, it goes on where it stopped")
    return head


def read_index(folder: Path, shard: int) -> list[PackedPhoto]:
    """The photos of a shard, in its order."""
    path = folder / f"{shard:05d}.json"
    try:
        photos = [PackedPhoto(*values) for values in json.loads(path.read_text(encoding="utf-8"))]
        intact = all(isinstance(value, int) and value >= 0 for photo in photos for value in photo.as_list()[1:])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} is missing or damaged ({error}); {PACK_AGAIN}") from error
    if not intact or not all(isinstance(photo.name, str) for photo in photos):
        raise ValueError(f"{path} is damaged; {PACK_AGAIN}")
    return photos


def size_and_time(path: Path) -> tuple[int, int]:
    """Size in bytes and modification time in ns of a file; (-1, -1) where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _problem(folder: Path, photo: str, kind: str, detail: str) -> PhotoError:
    error = PhotoError(f"{folder}: {photo}: {kind}: {detail}; {PACK_AGAIN}")
    error.kind, error.detail, error.advice = kind, detail, PACK_AGAIN
    return error
