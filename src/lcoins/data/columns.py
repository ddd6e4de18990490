"""Tables in one file, read through a memory map: opening reads a header, and no more memory is held for more rows.

Such a file has the format of safetensors: eight bytes that give the length of a JSON header, the header, and the
columns one after the other. A column holds 64-bit integers, as rows of a fixed width, or the bytes of UTF-8 texts.
"""

import json
import math
import mmap
import shutil
import sys
import tempfile
from array import array
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import numpy as np

from lcoins.files import open_whole

LONGEST_HEADER = 65_536  # bytes; those that are written have less than a thousand
LONGEST_TEXT = 1_000_000  # bytes; no caption and no name of a photo comes near
READS_HELD = 512  # each maps up to 64 KiB of the file into this process, until all are let go together
_TYPES: dict[str, np.dtype[Any]] = {"I64": np.dtype("<i8"), "U8": np.dtype("u1")}


class Columns:
    """The columns of a file, open for reading; in another process it is opened there again.

    Raises FileNotFoundError without the file, ValueError if it is damaged, or holds no table of that ``kind``.
    """

    def __init__(self, path: Path, kind: str) -> None:
        self.path, self.kind = path, kind
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:  # an empty file
            raise ValueError(f"{path} is damaged: {error}") from error
        try:
            self.facts, self._columns = _read_header(self._map)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"{path} is damaged, or no file of this kind ({error})") from error
        if self.facts.get("format") != kind:
            raise ValueError(f"{path} holds {self.facts.get('format')!r}; expected {kind!r}")
        self._advise("MADV_RANDOM")
        self._reads = 0

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.kind)

    def count(self, column: str) -> int:
        """The rows of a column of integers, or the bytes of one of text; 0 where the file lacks it."""
        return self._columns[column].shape[0] if column in self._columns else 0

    def row(self, column: str, index: int) -> list[int]:
        """A row of integers."""
        self._let_go()
        row: list[int] = self._columns[column][index].tolist()
        return row

    def span(self, column: str, index: int, place: int, end: int) -> tuple[int, int]:
        """The number at ``place`` of a row and that of the next one, or ``end`` behind the last: where a part lies."""
        self._let_go()
        found = self._columns[column][index : index + 2, place].tolist()
        start, stop = found if len(found) == 2 else (found[0], end)
        if not 0 <= start <= stop <= end:
            raise ValueError(f"{self.path} is damaged: row {index} of {column} is from {start} to {stop} of {end}")
        return start, stop

    def text(self, column: str, start: int, stop: int) -> bytes:
        """The bytes of a text; ValueError where there is none, which only a damaged file asks for."""
        self._let_go()
        if not 0 <= start <= stop <= min(self.count(column), start + LONGEST_TEXT):
            raise ValueError(f"{self.path} is damaged: no text from {start} to {stop}")
        return self._columns[column][start:stop].tobytes()

    def _let_go(self) -> None:
        """Gives the pages that were read back to the system, which keeps them in its cache while there is room."""
        self._reads += 1
        if self._reads >= READS_HELD:
            self._reads = 0
            self._advise("MADV_DONTNEED")

    def _advise(self, name: str) -> None:
        if sys.platform == "linux":
            self._map.madvise(getattr(mmap, name))


def _read_header(content: mmap.mmap) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    """The metadata, and each column as a view of the file."""
    length = int.from_bytes(content[:8], "little")
    if not 2 <= length <= min(LONGEST_HEADER, len(content) - 8):
        raise ValueError(f"its header has {length} bytes")
    header = json.loads(content[8 : 8 + length])
    facts = header.pop("__metadata__")
    if not all(isinstance(value, str) for value in facts.values()):
        raise ValueError("its metadata are no texts")
    columns = {}
    for name, column in header.items():
        (start, stop), shape, kind = column["data_offsets"], column["shape"], _TYPES[column["dtype"]]
        if not all(isinstance(number, int) and number >= 0 for number in (start, stop, *shape)):
            raise ValueError(f"column {name} has no place")
        if len(shape) != (2 if column["dtype"] == "I64" else 1) or math.prod(shape) * kind.itemsize != stop - start:
            raise ValueError(f"column {name} is not as large as it says")
        if 8 + length + stop > len(content):
            raise ValueError("it is cut off")
        view = np.frombuffer(content, kind, math.prod(shape), 8 + length + start) if stop > start else np.zeros(0, kind)
        columns[name] = view.reshape(shape)
    return facts, columns


class ColumnsWriter:
    """Writes such a file row by row, in memory that does not grow; the columns wait beside it, in files without a name.

    ``widths`` gives the integers in a row of each column, 0 for a column of text.
    """

    def __init__(self, path: Path, widths: Mapping[str, int]) -> None:
        self.path = path
        self.widths = dict(sorted(widths.items(), key=lambda item: -item[1]))  # those of text come last, unaligned
        self._stack = ExitStack()
        self._spools: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        for name in self.widths:
            self._spools[name] = self._stack.enter_context(
                tempfile.TemporaryFile(buffering=1 << 20, dir=self.path.parent)
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, column: str, *row: int) -> None:
        """Adds a row of integers."""
        numbers = array("q", row)
        if sys.byteorder == "big":
            numbers.byteswap()
        self._spools[column].write(numbers.tobytes())

    def add_text(self, column: str, text: str) -> int:
        """Adds a text; returns where it starts."""
        start = self._spools[column].tell()
        self._spools[column].write(text.encode())
        return start

    def finish(self, facts: Mapping[str, str]) -> None:
        """Writes the file, whole or not at all; ``facts`` are its metadata, "format" among them."""
        header: dict[str, Any] = {"__metadata__": dict(facts)}
        end = 0
        for name, width in self.widths.items():
            size = self._spools[name].tell()
            shape = [size // (8 * width), width] if width else [size]
            header[name] = {
                "dtype": "I64" if width else "U8",
                "shape": shape,
                "data_offsets": [end, end + size],
            }
            end += size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open_whole(self.path) as file:
            file.write(len(text).to_bytes(8, "little") + text)
            for spool in self._spools.values():
                spool.seek(0)
                shutil.copyfileobj(spool, file, 1 << 20)
