"""A pack: the photos of caption lists, decoded once and kept as raw 8-bit sRGB in a few large files.

Format, version 2. A pack is a folder, local or in object storage. ``pack.json`` holds the format, the folder of photos
that the pack was made from, the greatest short side of a photo (null: photos keep their size), the number of shards,
and size and SHA-256 of ``photos.index``, which says where each photo is (:mod:`lcoins.data.pack_index`). Shard k has
two files: ``0000k.rgb`` holds the pixels of its photos one after the other, row by row, three bytes a pixel, without
gaps; ``0000k.json`` holds one entry a photo: [name, offset, width, height, CRC-32 of its pixels, size in bytes and
modification time (ns) of its file, whether it was shrunk]. Shards hold the photos in the order of their names. Caption
lists lie beside them as ``*.pairs`` (:mod:`lcoins.data.indexed_pairs`). ``pack.json`` is written last. Version 1 has
neither index nor lists; it is read, but in memory that grows with it.

Raw pixels take more disk space than JPEG but need no decoding, which is what a pack saves. A photo that is no larger
than the greatest short side keeps its exact pixels.
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lcoins.data.pack_index import PackedPhoto, PackIndex, photo_of_row
from lcoins.data.storage import LocalFolder, RemoteFolder, address_of, open_folder
from lcoins.imaging.decode import PhotoError

FORMAT = "lcoins-pack"
VERSION = 2
INDEX = "pack.json"
PHOTOS = "photos.index"
MOST_HEAD = 1 << 20  # bytes of pack.json
MOST_ROWS = 1 << 26  # bytes of the list of a shard, which has 256 photos
PACK_AGAIN = "run lcoins data pack again"


def is_pack(folder: Path | str) -> bool:
    """Whether a folder is a pack, finished or not, and no folder of photos; what has an address can be nothing else."""
    return address_of(folder) is not None or (Path(folder) / INDEX).is_file()


class Pack:
    """A finished pack, open for reading. For a damaged or unfinished one, ValueError is raised and says what to do.

    ``photos`` finds them by name, and ``identity`` tells the pack from others and from what it was before. A pack in
    object storage is read in ranges; a fixed share of its photos, as many as there is room for, stays in the cache.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = open_folder(folder)
        head = read_head(self.folder)
        self.size: int | None = head["size"]
        self.source = Path(head["source"])
        self._source_exists = isinstance(self.folder, LocalFolder) and self.source.is_dir()
        self.identity = ""
        self.photos: Mapping[str, PackedPhoto]
        self._remote: _RemotePixels | None = None
        if head["version"] == 1:
            rows = (read_rows(self.folder, shard) for shard in range(head["shards"]))
            self.photos = {photo.name: photo for photos in rows for photo in photos}
            self._expect_shards(head["shards"], sum(photo.length for photo in self.photos.values()))
            return
        self.identity, bytes_of_index = head["index"]
        try:
            if isinstance(self.folder, LocalFolder):
                path = self.folder.path / PHOTOS
                if path.stat().st_size != bytes_of_index:
                    raise ValueError(f"{path} does not have the size that {INDEX} says")
            else:
                path = self.folder.copy(PHOTOS, (self.identity, bytes_of_index))
            index = PackIndex(path)
        except (FileNotFoundError, ValueError) as error:
            raise ValueError(f"{self.folder} is damaged: {error}; {PACK_AGAIN}") from error
        self.photos = index
        self._expect_shards(head["shards"], index.bytes)
        if isinstance(self.folder, RemoteFolder):
            self._remote = _RemotePixels(self.folder, self.identity, index.bytes)

    def _expect_shards(self, shards: int, expected: int) -> None:
        """Refuses a pack of this machine whose shards are not there, or do not have the bytes of all its photos."""
        if not isinstance(self.folder, LocalFolder):
            return
        sizes = {name: size_and_time(self.folder.path / name)[0] for name in map(shard_file, range(shards))}
        for name, size in sizes.items():
            if size < 0:
                raise ValueError(f"{self.folder}/{name} is missing; {PACK_AGAIN}")
        if (found := sum(sizes.values())) != expected:
            raise ValueError(
                f"{self.folder} is damaged: its shards have {found:,} bytes, not {expected:,}; {PACK_AGAIN}"
            )

    def __reduce__(self) -> tuple[Any, ...]:
        return Pack, (str(self.folder),)

    def __contains__(self, photo: str) -> bool:
        return photo in self.photos

    def is_exact(self, photo: str) -> bool:
        """Whether the pack holds the photo's exact pixels, as evaluation needs them."""
        return not self.photos[photo].shrunk

    def load(self, photo: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """The photo as writable uint8 (H, W, 3); ``size`` is for :class:`PhotoFolder`, where it saves decoding."""
        packed = self._find(photo)
        pixels = self._read(packed) if self._remote is None else self._remote.read(packed)
        return np.frombuffer(pixels, dtype=np.uint8).reshape(packed.height, packed.width, 3)

    @property
    def is_remote(self) -> bool:
        """Whether the pack is in object storage."""
        return self._remote is not None

    def fetch(self, photos: Sequence[str]) -> None:
        """Receives photos that will be loaded next all at once, where the pack is not on this machine."""
        if self._remote is not None:
            self._remote.fetch([self._find(photo) for photo in photos])

    def check(self, photo: str) -> None:
        """Raises FileNotFoundError for a photo that is not here, PhotoError if its pixels or its file have changed.

        Pixels in object storage are not received to be checked: :meth:`load` compares the checksum of each.
        """
        packed = self._find(photo)
        if self._remote is not None:
            return
        if zlib.crc32(self._read(packed)) != packed.crc:
            raise _problem(self.folder, photo, "damaged pack", "its pixels do not match their checksum")
        source = (packed.source_bytes, packed.source_mtime_ns)
        if self._source_exists and size_and_time(self.source / photo) != source:
            raise _problem(self.folder, photo, "outdated pack", f"the file in {self.source} has changed since")

    def _find(self, photo: str) -> PackedPhoto:
        try:
            return self.photos[photo]
        except KeyError:
            raise FileNotFoundError(
                f"{self.folder}: {photo} is not in this pack; {PACK_AGAIN} with the list that names it"
            ) from None

    def _read(self, packed: PackedPhoto) -> bytearray:
        assert isinstance(self.folder, LocalFolder)
        try:
            # Opened each time: it takes microseconds, and no open file has to be shared with workers.
            with (self.folder.path / shard_file(packed.shard)).open("rb", buffering=0) as file:
                file.seek(packed.offset)
                pixels = bytearray(packed.length)
                count = file.readinto(pixels)
        except FileNotFoundError:
            count = None
        if count != packed.length:
            raise _problem(self.folder, packed.name, "damaged pack", "its pixels are missing or cut off")
        return pixels


class _RemotePixels:
    """Receives pixels, compares their checksums, and keeps a share of them on this machine."""

    def __init__(self, folder: RemoteFolder, identity: str, size: int) -> None:
        self.folder, self.identity = folder, identity
        self._share = folder.cache.share(size)
        self._fetched: dict[str, bytes] = {}

    def fetch(self, photos: Sequence[PackedPhoto]) -> None:
        """Receives what will be read next, in place of what was fetched before."""
        self._fetched = self._receive(list({photo.name: photo for photo in photos}.values()))

    def read(self, packed: PackedPhoto) -> bytearray:
        data = self._fetched.get(packed.name)
        return bytearray(data if data is not None else self._receive([packed])[packed.name])

    def _receive(self, photos: list[PackedPhoto]) -> dict[str, bytes]:
        found = {photo.name: data for photo in photos if (data := self._cached(photo)) is not None}
        missing = [photo for photo in photos if photo.name not in found]
        places = [(shard_file(photo.shard), photo.offset, photo.length) for photo in missing]
        received = self.folder.ranges(places, lambda number, data: zlib.crc32(data) == missing[number].crc)
        for photo, data in zip(missing, received, strict=True):
            found[photo.name] = data
            if self._is_kept(photo):
                self.folder.cache.put(self._key(photo), data)
        return found

    def _cached(self, photo: PackedPhoto) -> bytes | None:
        data = self.folder.cache.get(self._key(photo), photo.length) if self._is_kept(photo) else None
        return data if data is not None and zlib.crc32(data) == photo.crc else None

    def _is_kept(self, photo: PackedPhoto) -> bool:
        """Whether a photo belongs to the share that is kept, which is drawn by name and never changes."""
        return zlib.crc32(photo.name.encode()) < self._share * 2**32

    def _key(self, photo: PackedPhoto) -> str:
        return f"{self.folder.address}\n{self.identity}\n{photo.shard}\n{photo.offset}\n{photo.length}"


def shard_file(shard: int) -> str:
    """The name of the file that holds a shard's pixels."""
    return f"{shard:05d}.rgb"


def read_head(folder: LocalFolder | RemoteFolder, finished: bool = True) -> dict[str, Any]:
    """The content of ``pack.json``; raises FileNotFoundError or ValueError, saying what to do.

    ``index`` is (SHA-256, bytes) of the index there, or None in version 1, or while the pack is unfinished.
    """
    path = f"{folder}/{INDEX}"
    try:
        text = folder.text(INDEX, MOST_HEAD)
    except FileNotFoundError as error:
        reason = f"{INDEX} is missing" if isinstance(folder, LocalFolder) else str(error)
        raise FileNotFoundError(f"{folder} is no pack: {reason}; make one with lcoins data pack") from error
    except IsADirectoryError as error:
        raise ValueError(f"{path} is damaged ({error}); {PACK_AGAIN} into a new folder") from error
    try:
        head = json.loads(text)
        known = head["format"] == FORMAT and head["version"] in (1, VERSION)
        fields = isinstance(head["source"], str), isinstance(head["size"], int | None), "shards" in head
        index = (head["index"]["sha256"], head["index"]["bytes"]) if head.get("index") else None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged ({error}); {PACK_AGAIN} into a new folder") from error
    if not (known and all(fields)):
        raise ValueError(f"{path} is not of format {FORMAT}, version {VERSION}; {PACK_AGAIN} into a new folder")
    if finished and not isinstance(head["shards"], int):
        raise ValueError(f"{folder} holds an unfinished pack; {PACK_AGAIN}, it goes on where it stopped")
    if finished and head["version"] == VERSION and not _is_index(index):
        raise ValueError(f"{path} is damaged (it names no index); {PACK_AGAIN} into a new folder")
    if finished and head["version"] == 1 and isinstance(folder, RemoteFolder):
        raise ValueError(
            f"{folder} is a pack of version 1, which has no index; {PACK_AGAIN} with -o {folder}, or copy it here"
        )
    return head | {"index": index}


def _is_index(index: tuple[Any, Any] | None) -> bool:
    return index is not None and isinstance(index[0], str) and isinstance(index[1], int) and index[1] > 0


def read_rows(folder: LocalFolder | RemoteFolder, shard: int) -> list[PackedPhoto]:
    """The photos of a shard, in its order."""
    name = f"{shard:05d}.json"
    try:
        return [photo_of_row(shard, row) for row in json.loads(folder.text(name, MOST_ROWS))]
    except (FileNotFoundError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{folder}/{name} is missing or damaged ({error}); {PACK_AGAIN}") from error


def size_and_time(path: Path) -> tuple[int, int]:
    """Size in bytes and modification time in ns of a file; (-1, -1) where there is none."""
    try:
        stat = path.stat()
    except OSError:
        return -1, -1
    return stat.st_size, stat.st_mtime_ns


def _problem(folder: LocalFolder | RemoteFolder, photo: str, kind: str, detail: str) -> PhotoError:
    error = PhotoError(f"{folder}: {photo}: {kind}: {detail}; {PACK_AGAIN}")
    error.kind, error.detail, error.advice = kind, detail, PACK_AGAIN
    return error
