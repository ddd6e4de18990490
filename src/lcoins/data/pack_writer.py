"""Makes packs (see :mod:`lcoins.data.pack`): in parallel, resumable, and the same bytes whenever they are made."""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from lcoins.data.pack import FORMAT, INDEX, VERSION, Row, file_stamp, is_pack, read_head, read_rows
from lcoins.files import remove_partial_files, whole_file, write_whole
from lcoins.imaging.decode import PhotoError, load_photo

PHOTOS_PER_SHARD = 256


@dataclass
class Packed:
    """Progress of :func:`pack_photos`: photos packed, shards written and kept, bytes, and photos not to be decoded."""

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
) -> Iterator[Packed]:
    """Packs ``photos`` under ``root`` into ``folder``; yields what was done so far after each shard.

    Photos whose short side exceeds ``size`` are shrunk to it (Lanczos). A shard that is there already, whole and from
    unchanged files, is kept, so that a run cut off anywhere goes on and ends with the same bytes. A photo that cannot
    be decoded is named in ``failed``; unless such are to be left out, the pack stays unfinished. Raises ValueError
    where ``folder`` holds something else.
    """
    root, folder = Path(root).resolve(), Path(folder)
    names = sorted(set(photos))
    _expect_place(root, folder, size)
    folder.mkdir(parents=True, exist_ok=True)
    remove_partial_files(folder)
    head = {"format": FORMAT, "version": VERSION, "source": str(root), "size": size}
    write_whole(folder / INDEX, json.dumps(head | {"shards": None}))  # from now on a pack, though not a finished one
    count = -(-len(names) // PHOTOS_PER_SHARD)
    result = Packed()
    with ThreadPoolExecutor(threads or os.cpu_count() or 1) as pool:
        for shard in range(count):
            chosen = names[shard * PHOTOS_PER_SHARD : (shard + 1) * PHOTOS_PER_SHARD]
            rows = _kept(root, folder, shard, chosen)
            result.shards_kept += rows is not None
            if rows is None:
                rows = _write_shard(root, folder, shard, chosen, size, pool, result)
            result.photos += len(rows)
            result.bytes += sum(row.length for row in rows)
            yield result
    _remove_shards_from(folder, count)
    if leave_out or not result.failed:
        write_whole(folder / INDEX, json.dumps(head | {"shards": count}))


def _expect_place(root: Path, folder: Path, size: int | None) -> None:
    """Refuses a folder in which a pack would destroy something."""
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such photo folder")
    if size is not None and size < 16:
        raise ValueError(f"size is the short side of a packed photo in pixels and must be at least 16, not {size}")
    if not folder.exists() or not any(folder.iterdir()):
        return
    if not is_pack(folder):
        raise ValueError(f"{folder} is no pack and not empty; choose a new folder for the pack")
    head = read_head(folder, finished=False)
    for what, old, new in (("source", head["source"], str(root)), ("size", head["size"], size)):
        if old != new:
            raise ValueError(f"{folder} holds a pack with {what} {old}, not {new}; choose another folder, or remove it")


def _write_shard(
    root: Path, folder: Path, shard: int, names: list[str], size: int | None, pool: ThreadPoolExecutor, to: Packed
) -> list[Row]:
    """Decodes the photos in parallel and writes them in order; the rows come last and make the shard whole."""
    rows: list[Row] = []
    offset = 0
    with whole_file(folder / f"{shard:05d}.rgb") as partial, partial.open("wb") as file:
        for name, found in zip(names, pool.map(lambda name: _decoded(root / name, size), names), strict=True):
            if isinstance(found, Exception):
                to.failed[name] = found
                continue
            picture, shrunk, stat = found
            pixels = picture.tobytes()
            file.write(pixels)
            rows.append(Row(name, offset, *picture.size, zlib.crc32(pixels), *stat, shrunk))
            offset += len(pixels)
        file.flush()
        os.fsync(file.fileno())
    lines = ",\n".join(json.dumps(row.as_list(), ensure_ascii=False) for row in rows)
    write_whole(folder / f"{shard:05d}.json", f"[\n{lines}\n]\n")
    to.shards_written += 1
    return rows


def _decoded(path: Path, size: int | None) -> tuple[Image.Image, bool, tuple[int, int]] | Exception:
    try:
        stat = file_stamp(path)
        # Twice the size asked for is decoded at least, so that a JPEG shrunk while decoding loses nothing visible.
        picture = load_photo(path, None if size is None else (2 * size, 2 * size), profile=False)
        if size is None or min(picture.size) <= size:
            return picture, False, stat
        scale = size / min(picture.size)
        shape = tuple(max(size, round(side * scale)) for side in picture.size)
        return picture.resize(shape, Image.Resampling.LANCZOS), True, stat  # type: ignore[arg-type]
    except (PhotoError, FileNotFoundError) as error:
        return error


def _kept(root: Path, folder: Path, shard: int, names: list[str]) -> list[Row] | None:
    """The rows of a shard that is whole, intact and up to date; None if it must be written (again)."""
    try:
        rows = read_rows(folder, shard)
        pixels = folder / f"{shard:05d}.rgb"
        if [row.name for row in rows] != names or pixels.stat().st_size != sum(row.length for row in rows):
            return None
        with pixels.open("rb") as file:
            intact = all(zlib.crc32(file.read(row.length)) == row.crc for row in rows)
    except (OSError, ValueError):
        return None
    fresh = all(file_stamp(root / row.name) == (row.source_bytes, row.source_mtime_ns) for row in rows)
    return rows if intact and fresh else None


def _remove_shards_from(folder: Path, first: int) -> None:
    """Shards of an earlier, longer list."""
    for path in folder.glob("[0-9][0-9][0-9][0-9][0-9].*"):
        if int(path.stem) >= first:
            path.unlink()
