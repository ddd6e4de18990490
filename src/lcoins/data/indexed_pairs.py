"""A caption list as a file that is opened, not read: ``*.pairs``, which `lcoins data pack` writes into the pack.

Format: a file of columns (:mod:`lcoins.data.columns`). ``photos`` has, in the order in which the list names photos
first, where each name starts in ``names`` and its first row in ``captions``; a photo's captions follow one another.
``captions`` says where each caption starts in ``text``. ``items`` has, in the order of the list, the photo, the row of
the caption and the line. The metadata name the list and, as a SHA-256, the index of the pack that has all the photos.
"""

from array import array
from collections.abc import Container, Iterable, Iterator
from itertools import count as count_from
from pathlib import Path

import numpy as np

from lcoins.data.columns import Columns, ColumnsWriter
from lcoins.data.pairs import Pair, leads_outside
from lcoins.data.published_lists import without_split
from lcoins.data.storage import local_copy

PAIRS_FORMAT = "lcoins-pairs 1"
_WIDTHS = {"photos": 2, "captions": 1, "items": 3, "names": 0, "text": 0}


class IndexedPairs:
    """The pairs of an indexed list, which may have an address, in its order; raises as :class:`Columns` does.

    ``pack`` is the SHA-256 of the index of the pack that was made with the list and has all its photos.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = str(path)
        self._columns = Columns(local_copy(path), PAIRS_FORMAT)
        self.pack, self.source = self._columns.facts.get("pack", ""), self._columns.facts.get("source", "")
        self._ends = {name: self._columns.count(name) for name in _WIDTHS}

    def __reduce__(self) -> tuple[type["IndexedPairs"], tuple[str]]:
        return type(self), (self.path,)

    @property
    def photos(self) -> int:
        """How many photos the list names."""
        return self._ends["photos"]

    def __len__(self) -> int:
        return self._ends["items"]

    def __iter__(self) -> Iterator[Pair]:
        for index in range(len(self)):
            photo, caption, line = self._columns.row("items", index)
            yield Pair(self.name(photo), self._caption(caption), line, self.source)

    def name(self, photo: int) -> str:
        """The name of a photo, by its number."""
        if not 0 <= photo < self.photos:
            raise IndexError(f"photo {photo} of {self.photos}")
        name = self._columns.text("names", *self._between("photos", photo, 0, "names")).decode()
        if leads_outside(name):
            raise ValueError(f"{self._columns.path} names a photo outside the folder, {name!r:.200}; make it again")
        return name

    def captions(self, photo: int) -> list[str]:
        """The captions of a photo, by its number."""
        return [self._caption(row) for row in range(*self._between("photos", photo, 1, "captions"))]

    def item(self, index: int) -> tuple[int, int]:
        """The photo of a pair, and which of the photo's captions it has."""
        photo, caption, _ = self._columns.row("items", index)
        own = range(*self._between("photos", photo, 1, "captions"))
        if caption not in own:
            raise ValueError(f"{self._columns.path} is damaged: photo {photo} has no caption in row {caption}")
        return photo, caption - own.start

    @property
    def texts(self) -> Iterator[str]:
        """All captions, photo by photo."""
        return map(self._caption, range(self._ends["captions"]))

    def _caption(self, row: int) -> str:
        return self._columns.text("text", *self._between("captions", row, 0, "text")).decode()

    def _between(self, column: str, index: int, place: int, into: str) -> tuple[int, int]:
        """Where in column ``into`` the part of a row begins and where that of the next one does."""
        if not 0 <= index < self._ends[column]:
            raise ValueError(f"{self._columns.path} is damaged: no row {index} of {column}")
        return self._columns.span(column, index, place, self._ends[into])


def write_indexed_pairs(path: Path, photos: Iterable[tuple[str, Iterable[tuple[int, Pair]]]], pack: str) -> int:
    """Writes an indexed list and returns the number of its pairs.

    Args:
        path: the file to write.
        photos: each photo in the order of the list, and its pairs with their numbers in that order.
        pack: SHA-256 of the index of a pack that has all the photos.
    """
    source, count = "", 0
    numbers, items = array("q"), array("q")
    with ColumnsWriter(path, _WIDTHS) as columns:
        for photo, (name, pairs) in enumerate(photos):
            columns.add("photos", columns.add_text("names", name), count)
            for number, pair in pairs:
                columns.add("captions", columns.add_text("text", pair.caption))
                numbers.append(number)
                items.extend((photo, count, pair.line))
                source = pair.source
                count += 1
        rows = np.array(items, np.int64).reshape(-1, 3)
        for index in np.argsort(np.array(numbers, np.int64), kind="stable"):
            columns.add("items", *rows[index].tolist())
        columns.finish({"format": PAIRS_FORMAT, "pack": pack, "source": source})
    return count


def list_name(path: Path | str, taken: Container[str]) -> str:
    """The name, without its ending, that a list gets in a pack: its own, or that of its split; numbered if taken.

    >>> list_name("captions/train.json", {}), list_name("dataset.json@val", {}), list_name("b/train.csv", {"train"})
    ('train', 'val', 'train_2')
    """
    file, split = without_split(Path(path))
    name = number = split or file.stem
    for count in count_from(2):
        if number not in taken:
            return number
        number = f"{name}_{count}"
    raise AssertionError


def grouped(pairs: Iterable[Pair]) -> list[tuple[str, list[tuple[int, Pair]]]]:
    """Pairs by photo, with their numbers, in the order in which :func:`write_indexed_pairs` wants them."""
    found: dict[str, list[tuple[int, Pair]]] = {}
    for number, pair in enumerate(pairs):
        found.setdefault(pair.photo, []).append((number, pair))
    return list(found.items())
