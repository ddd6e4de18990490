"""Writes packs (:mod:`lcoins.data.pack`) in parallel; a run can be resumed, and the same photos give the same bytes."""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from lcoins.data.pack import FORMAT, INDEX, VERSION, PackedPhoto, is_pack, read_head, read_index, size_and_time
from lcoins.files import is_new, open_whole, remove_partial_files, write_whole
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.locks import locked

PHOTOS_PER_SHARD = 256


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
    leave_out: bool = False,
    threads: int | None = None,
) -> Iterator[PackProgress]:
    """Packs photos and yields the progress after each shard.

    A shard that exists, is intact and comes from unchanged files is kept, so that a run that was interrupted anywhere
    can be resumed and ends with the same bytes. Raises ValueError if ``folder`` holds anything else, FolderInUse if
    another process is packing into it.

    Args:
        root: the folder of the photos.
        photos: their names under ``root``.
        folder: the pack to make or to go on with.
        size: photos with a longer short side are shrunk to it (Lanczos); None keeps all photos as they are.
        leave_out: finish the pack without the photos that cannot be decoded; otherwise they leave it unfinished.
        threads: photos decoded at once; None: one per core.
    """
    root, folder = Path(root).resolve(), Path(folder)
    with locked(folder):
        _expect_pack_or_nothing(root, folder, size)
        yield from _pack(root, sorted(set(photos)), folder, size, leave_out, threads)


def _pack(
    root: Path, names: list[str], folder: Path, size: int | None, leave_out: bool, threads: int | None
) -> Iterator[PackProgress]:
    remove_partial_files(folder)
    head = {"format": FORMAT, "version": VERSION, "source": str(root), "size": size}
    write_whole(folder / INDEX, json.dumps(head | {"shards": None}))  # marks the folder as an unfinished pack
    count = -(-len(names) // PHOTOS_PER_SHARD)
    progress = PackProgress()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for shard in range(count):
            chosen = names[shard * PHOTOS_PER_SHARD : (shard + 1) * PHOTOS_PER_SHARD]
            packed = _reusable_shard(root, folder, shard, chosen)
            progress.shards_kept += packed is not None
            if packed is None:
                packed = _write_shard(root, folder, shard, chosen, size, pool, progress)
            progress.photos += len(packed)
            progress.bytes += sum(photo.length for photo in packed)
            yield progress
    _remove_shards_from(folder, count)
    if leave_out or not progress.failed:
        write_whole(folder / INDEX, json.dumps(head | {"shards": count}))


def _expect_pack_or_nothing(root: Path, folder: Path, size: int | None) -> None:
    """Refuses a folder of other files, or of a pack made otherwise, which writing would destroy."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such photo folder")
    if size is not None and size < 16:
        raise ValueError(f"size is the short side of a packed photo in pixels and must be at least 16, not {size}")
    if is_new(folder, INDEX):
        return
    if not is_pack(folder):
        raise ValueError(f"{folder} is no pack and not empty; choose a new folder for the pack")
    head = read_head(folder, finished=False)
    for what, old, new in (("source", head["source"], str(root)), ("size", head["size"], size)):
        if old != new:
            raise ValueError(f"{folder} holds a pack with {what} {old}, not {new}; choose another folder, or remove it")


def _write_shard(
    root: Path,
    folder: Path,
    shard: int,
    names: list[str],
    size: int | None,
    pool: ThreadPoolExecutor,
    progress: PackProgress,
) -> list[PackedPhoto]:
    """Decodes photos in parallel and writes them in order; the index is written last and makes the shard complete."""
    packed: list[PackedPhoto] = []
    offset = 0
    with open_whole(folder / f"{shard:05d}.rgb") as file:
        for name, decoded in zip(names, pool.map(lambda name: _decode(root / name, size), names), strict=True):
            if isinstance(decoded, Exception):
                progress.failed[name] = decoded
                continue
            picture, shrunk, size_time = decoded
            pixels = picture.tobytes()
            file.write(pixels)
            packed.append(PackedPhoto(name, offset, *picture.size, zlib.crc32(pixels), *size_time, shrunk))
            offset += len(pixels)
    lines = ",\n".join(json.dumps(photo.as_list(), ensure_ascii=False) for photo in packed)
    write_whole(folder / f"{shard:05d}.json", f"[\n{lines}\n]\n")
    progress.shards_written += 1
    return packed


def _decode(path: Path, size: int | None) -> tuple[Image.Image, bool, tuple[int, int]] | Exception:
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


def _reusable_shard(root: Path, folder: Path, shard: int, names: list[str]) -> list[PackedPhoto] | None:
    """The photos of a shard that is complete, intact and up to date; None if it has to be written (again)."""
    try:
        packed = read_index(folder, shard)
        pixels = folder / f"{shard:05d}.rgb"
        if [photo.name for photo in packed] != names or pixels.stat().st_size != sum(p.length for p in packed):
            return None
        with pixels.open("rb") as file:
            intact = all(zlib.crc32(file.read(photo.length)) == photo.crc for photo in packed)
    except (OSError, ValueError):
        return None
    fresh = all(size_and_time(root / p.name) == (p.source_bytes, p.source_mtime_ns) for p in packed)
    return packed if intact and fresh else None


def _remove_shards_from(folder: Path, first: int) -> None:
    """Removes the shards that an earlier, longer list has left."""
    for path in folder.glob("[0-9][0-9][0-9][0-9][0-9].*"):
        if int(path.stem) >= first:
            path.unlink()
