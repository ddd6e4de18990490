"""Writes packs (:mod:`lcoins.data.pack`) in parallel, into a folder or into object storage.

A run can be resumed, and the same photos give the same bytes. What goes to object storage is sent file by file, each of
which appears there whole; that a photo's pixels have arrived is seen by the size of their file.
"""

import json
import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from lcoins.data.ahead import done_ahead
from lcoins.data.caption_lists import PAIRS_SUFFIX
from lcoins.data.indexed_pairs import grouped, write_indexed_pairs
from lcoins.data.pack import FORMAT, INDEX, PHOTOS, VERSION, read_head, read_rows, shard_file, size_and_time
from lcoins.data.pack_index import PackedPhoto, PackIndex, PackIndexWriter, row_of
from lcoins.data.pairs import Pair
from lcoins.data.storage import LocalFolder, RemoteFolder, open_folder
from lcoins.files import is_new, open_whole, sha256_of, write_whole
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.locks import locked

PHOTOS_PER_SHARD = 256
Decoded = tuple[Image.Image, bool, tuple[int, int]] | Exception
DECODED_AHEAD = 16  # photos: large ones fill the memory


@dataclass
class PackProgress:
    """What :func:`pack_photos` has done so far; ``failed`` holds the photos that it cannot decode, with the errors."""

    photos: int = 0
    shards_written: int = 0
    shards_kept: int = 0
    bytes: int = 0
    failed: dict[str, Exception] = field(default_factory=dict)


def pack_photos(
    root: Path | str,
    photos: Iterable[str],
    folder: Path | str,
    size: int | None,
    *,
    lists: Mapping[str, Sequence[Pair]] | None = None,
    leave_out: bool = False,
    threads: int | None = None,
) -> Iterator[PackProgress]:
    """Packs photos and yields the progress after each shard.

    A shard that exists, is intact and comes from unchanged files is kept, so that a run that was interrupted anywhere
    can be resumed and ends with the same bytes. Raises ValueError if ``folder`` holds anything else, FolderInUse if
    another process of this machine is packing into it, OSError where it cannot be written to.

    Args:
        root: the folder of the photos.
        photos: their names under ``root``.
        folder: the pack to make or to go on with; a path, or an address of object storage.
        size: photos with a longer short side are shrunk to it (Lanczos); None keeps all photos as they are.
        lists: the caption lists to keep in the pack, by the names they get there; without photos that are left out.
        leave_out: finish the pack without the photos that cannot be decoded; otherwise they leave it unfinished.
        threads: photos decoded at once; None: one per core.
    """
    root, target = Path(root).resolve(), open_folder(folder)
    with locked(target.place):
        _expect_pack_or_nothing(root, target, size)
        yield from _pack(root, sorted(set(photos)), target, size, lists or {}, leave_out, threads)


def _pack(
    root: Path,
    names: list[str],
    target: LocalFolder | RemoteFolder,
    size: int | None,
    lists: Mapping[str, Sequence[Pair]],
    leave_out: bool,
    threads: int | None,
) -> Iterator[PackProgress]:
    target.remove_partial_files()
    head = {"format": FORMAT, "version": VERSION, "source": str(root), "size": size}
    _write_text(target, INDEX, json.dumps(head | {"shards": None}))  # marks the folder as an unfinished pack
    present = target.sizes()
    count = -(-len(names) // PHOTOS_PER_SHARD)
    progress = PackProgress()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool, PackIndexWriter(target.place / PHOTOS) as index:
        for shard in range(count):
            chosen = names[shard * PHOTOS_PER_SHARD : (shard + 1) * PHOTOS_PER_SHARD]
            packed = _reusable_shard(root, target, shard, chosen, present)
            progress.shards_kept += packed is not None
            if packed is None:
                packed = _write_shard(root, target, shard, chosen, size, pool, progress)
            progress.photos += len(packed)
            progress.bytes += sum(photo.length for photo in packed)
            for photo in packed:
                index.add(photo)
            yield progress
        if not leave_out and progress.failed:
            return
        index.finish()
        facts = _send_index(target, lists)
        kept = {INDEX, PHOTOS, *(f"{name}{PAIRS_SUFFIX}" for name in lists)}
        kept |= {f"{shard:05d}{ending}" for shard in range(count) for ending in (".json", ".rgb")}
        for name in target.sizes().keys() - kept:
            if name.endswith(PAIRS_SUFFIX) or re.fullmatch(r"\d{5}\.(json|rgb)", name):  # of an earlier, longer list
                target.remove(name)
        _write_text(target, INDEX, json.dumps(head | {"shards": count, "index": facts}))


def _send_index(target: LocalFolder | RemoteFolder, lists: Mapping[str, Sequence[Pair]]) -> dict[str, Any]:
    """Puts the lists beside the index, and both where they belong; returns what ``pack.json`` says of the index."""
    path = target.place / PHOTOS
    index = PackIndex(path)
    facts = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    for name, pairs in lists.items():
        usable = ((photo, own) for photo, own in grouped(pairs) if photo in index)
        write_indexed_pairs(target.place / f"{name}{PAIRS_SUFFIX}", usable, str(facts["sha256"]))
        target.send(f"{name}{PAIRS_SUFFIX}")
    target.send(PHOTOS)
    return facts


def _write_text(target: LocalFolder | RemoteFolder, name: str, text: str) -> None:
    write_whole(target.place / name, text)
    target.send(name)


def _expect_pack_or_nothing(root: Path, target: LocalFolder | RemoteFolder, size: int | None) -> None:
    """Refuses a folder of other files, or of a pack made otherwise, which writing would destroy."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such photo folder")
    if size is not None and size < 16:
        raise ValueError(f"size is the short side of a packed photo in pixels and must be at least 16, not {size}")
    if isinstance(target, RemoteFolder) and not target.is_writable:
        raise ValueError(f"{target} cannot be written to; give an address s3://… or gs://…, or a folder")
    present = target.sizes()
    if not present if isinstance(target, RemoteFolder) else is_new(target.place, INDEX):
        return
    if INDEX not in present:
        raise ValueError(f"{target} is no pack and not empty; choose a new folder for the pack")
    head = read_head(target, finished=False)
    for what, old, new in (("source", head["source"], str(root)), ("size", head["size"], size)):
        if old != new:
            raise ValueError(f"{target} holds a pack with {what} {old}, not {new}; choose another folder, or remove it")


def _write_shard(
    root: Path,
    target: LocalFolder | RemoteFolder,
    shard: int,
    names: list[str],
    size: int | None,
    pool: ThreadPoolExecutor,
    progress: PackProgress,
) -> list[PackedPhoto]:
    """Decodes photos in parallel and writes them in order; the index is written last and makes the shard complete."""
    packed: list[PackedPhoto] = []
    offset = 0
    with open_whole(target.place / shard_file(shard)) as file:
        photos = done_ahead(pool, lambda name: _decode(root / name, size), names, DECODED_AHEAD)
        for name, decoded in zip(names, photos, strict=True):
            if isinstance(decoded, Exception):
                progress.failed[name] = decoded
                continue
            picture, shrunk, size_time = decoded
            pixels = picture.tobytes()
            file.write(pixels)
            packed.append(PackedPhoto(name, shard, offset, *picture.size, zlib.crc32(pixels), *size_time, shrunk))
            offset += len(pixels)
    target.send(shard_file(shard))
    lines = ",\n".join(json.dumps(row_of(photo), ensure_ascii=False) for photo in packed)
    _write_text(target, f"{shard:05d}.json", f"[\n{lines}\n]\n")
    progress.shards_written += 1
    return packed


def _decode(path: Path, size: int | None) -> Decoded:
    """The photo, whether it was shrunk, and size and time of its file; or the error that it raised."""
    try:
        size_time = size_and_time(path)
        # At least twice the size is decoded, so that a JPEG reduced while decoding loses nothing visible.
        picture = load_photo(path, None if size is None else (2 * size, 2 * size), profile=False)
        if size is None or min(picture.size) <= size:
            return picture, False, size_time
        scale = size / min(picture.size)
        shape = tuple(max(size, round(side * scale)) for side in picture.size)
        return picture.resize(shape, Image.Resampling.LANCZOS), True, size_time  # type: ignore[arg-type]
    except (PhotoError, FileNotFoundError) as error:
        return error


def _reusable_shard(
    root: Path, target: LocalFolder | RemoteFolder, shard: int, names: list[str], present: Mapping[str, int]
) -> list[PackedPhoto] | None:
    """The photos of a shard that is complete, intact and up to date; None if it has to be written (again)."""
    pixels = shard_file(shard)
    if pixels not in present or f"{shard:05d}.json" not in present:
        return None
    try:
        packed = read_rows(target, shard)
        if [photo.name for photo in packed] != names or present[pixels] != sum(photo.length for photo in packed):
            return None
        intact = isinstance(target, RemoteFolder) or _has_checksums(target.path / pixels, packed)
    except (OSError, ValueError):
        return None
    fresh = all(size_and_time(root / p.name) == (p.source_bytes, p.source_mtime_ns) for p in packed)
    return packed if intact and fresh else None


def _has_checksums(path: Path, packed: list[PackedPhoto]) -> bool:
    with path.open("rb") as file:
        return all(zlib.crc32(file.read(photo.length)) == photo.crc for photo in packed)
