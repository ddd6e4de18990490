"""The index of a pack: where the pixels of each photo are, found by its name in memory that does not grow.

Format: a file of columns (:mod:`lcoins.data.columns`). ``rows`` has nine integers a photo, in the order of the names:
where the name starts in ``names``; the fields of :class:`PackedPhoto` but for the name, in their order.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from lcoins.data.columns import Columns, ColumnsWriter
from lcoins.imaging.quiet import MAX_PIXELS

LANDMARKS = 1024
INDEX_FORMAT = "lcoins-pack-index 2"


@dataclass(frozen=True, slots=True)
class PackedPhoto:
    """One photo of a pack: its shard and where its pixels are there, their checksum, and the file they come from."""

    name: str
    shard: int
    offset: int
    width: int
    height: int
    crc: int
    source_bytes: int
    source_mtime_ns: int
    shrunk: bool

    @property
    def figures(self) -> tuple[int, ...]:
        """All fields but the name."""
        file = (self.crc, self.source_bytes, self.source_mtime_ns, self.shrunk)
        return self.shard, self.offset, self.width, self.height, *file

    @property
    def length(self) -> int:
        """Bytes of the pixels."""
        return 3 * self.width * self.height

    @property
    def is_possible(self) -> bool:
        """Whether a photo can have these figures: what was received is not believed unseen."""
        return min(self.figures) >= 0 and 0 < self.width * self.height <= MAX_PIXELS


class PackIndex(Mapping[str, PackedPhoto]):
    """The photos of a pack by name; raises as :class:`Columns` does.

    ``bytes`` is what their pixels take, ``shrunk`` how many of them are smaller than their files.
    """

    def __init__(self, path: Path) -> None:
        self._columns = Columns(path, INDEX_FORMAT)
        facts = self._columns.facts
        if not all(facts.get(name, "").isdecimal() for name in ("bytes", "shrunk")):
            raise ValueError(f"{path} is damaged: it does not say how many bytes and shrunk photos there are")
        self.bytes, self.shrunk = int(facts["bytes"]), int(facts["shrunk"])
        self._count = self._columns.count("rows")
        self._step = -(-self._count // LANDMARKS) or 1
        self._names_end = self._columns.count("names")

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        return (self._name(index).decode() for index in range(self._count))

    def __getitem__(self, name: str) -> PackedPhoto:
        index = self._find(name)
        if index is None:
            raise KeyError(name)
        _, shard, offset, width, height, crc, size, time, shrunk = self._columns.row("rows", index)
        photo = PackedPhoto(name, shard, offset, width, height, crc, size, time, bool(shrunk))
        if not photo.is_possible:
            raise ValueError(f"{self._columns.path} is damaged: no photo is like {photo}")
        return photo

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._find(name) is not None

    def _find(self, name: str) -> int | None:
        """The row of a name. The order of UTF-8 bytes is that of the letters, by which a pack is sorted."""
        wanted = name.encode(errors="replace")
        part = bisect_right(self._landmarks, wanted) - 1
        low, high = max(0, part) * self._step, min(self._count, (part + 1) * self._step)
        index = bisect_left(range(self._count), wanted, low, high, key=self._name)
        return index if index < high and self._name(index) == wanted else None

    @cached_property
    def _landmarks(self) -> list[bytes]:
        """Some names at equal distances: what is left to search lies within a few pages of the file."""
        return [self._name(index) for index in range(0, self._count, self._step)]

    def _name(self, index: int) -> bytes:
        return self._columns.text("names", *self._columns.span("rows", index, 0, self._names_end))


class PackIndexWriter:
    """Writes the index of photos that come in the order of their names; for a ``with`` block that ends in finish."""

    def __init__(self, path: Path) -> None:
        self._columns = ColumnsWriter(path, {"rows": 9, "names": 0})
        self._bytes = self._shrunk = 0

    def __enter__(self) -> Self:
        self._columns.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._columns.__exit__(*error)

    def add(self, photo: PackedPhoto) -> None:
        self._columns.add("rows", self._columns.add_text("names", photo.name), *photo.figures)
        self._bytes += photo.length
        self._shrunk += photo.shrunk

    def finish(self) -> None:
        """Writes the file, whole or not at all."""
        self._columns.finish({"format": INDEX_FORMAT, "bytes": str(self._bytes), "shrunk": str(self._shrunk)})


def photo_of_row(shard: int, row: Any) -> PackedPhoto:
    """A photo as the file of its shard has it; ValueError or TypeError where it is not possible."""
    name, offset, width, height, crc, size, time, shrunk = row
    photo = PackedPhoto(name, shard, offset, width, height, crc, size, time, shrunk)
    whole = all(isinstance(figure, int) for figure in row[1:]) and isinstance(shrunk, bool)
    if not (isinstance(name, str) and whole and photo.is_possible):
        raise ValueError(f"no photo is like {row!r:.200}")
    return photo


def row_of(photo: PackedPhoto) -> list[Any]:
    """A photo as the file of its shard has it."""
    return [photo.name, *photo.figures[1:]]
