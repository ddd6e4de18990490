"""A photo and its caption, what is wrong with one, and lists of them in memory."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath


@dataclass(frozen=True)
class Pair:
    """A photo, named relative to the photo folder, and a caption; from ``line`` (from 1) of file ``source``."""

    photo: str
    caption: str
    line: int
    source: str = field(default="", compare=False)

    @property
    def where(self) -> str:
        """File and line of the pair, for reports."""
        return f"{self.source or 'caption list'} line {self.line}"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a row or its photo: ``what`` is the kind, ``detail`` this case, ``advice`` what to do."""

    where: str
    photo: str
    what: str
    advice: str
    detail: str = ""

    def __str__(self) -> str:
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.where}: {self.photo or 'no photo'}: {self.what}{detail}; {self.advice}"


def by_photo(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """The pairs of each photo; photos and pairs keep their order."""
    grouped: dict[str, list[Pair]] = {}
    for pair in pairs:
        grouped.setdefault(pair.photo, []).append(pair)
    return grouped


def captions_by_photo(pairs: Iterable[Pair]) -> dict[str, list[str]]:
    """The captions of each photo; photos and captions keep their order."""
    return {photo: [pair.caption for pair in own] for photo, own in by_photo(pairs).items()}


class ListedPairs:
    """Pairs in memory, with the members by which a data set reads them or an indexed list."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        self._captions = captions_by_photo(pairs)
        self._names = list(self._captions)
        numbers = {name: number for number, name in enumerate(self._names)}
        counts = [0] * len(numbers)
        self._items: list[tuple[int, int]] = []
        for pair in pairs:
            photo = numbers[pair.photo]
            self._items.append((photo, counts[photo]))
            counts[photo] += 1

    @property
    def photos(self) -> int:
        """How many photos there are."""
        return len(self._names)

    def __len__(self) -> int:
        return len(self._items)

    def name(self, photo: int) -> str:
        """The name of a photo, by its number in the order of the list."""
        return self._names[photo]

    def captions(self, photo: int) -> list[str]:
        """The captions of a photo, by its number."""
        return self._captions[self._names[photo]]

    def item(self, index: int) -> tuple[int, int]:
        """The photo of a pair, and which of the photo's captions it has."""
        return self._items[index]

    @property
    def texts(self) -> Iterator[str]:
        """All captions, photo by photo."""
        return (caption for own in self._captions.values() for caption in own)


def leads_outside(photo: str) -> bool:
    """Whether a name leads out of the photo folder, under the rules of any operating system, or is the folder."""
    paths = (PurePosixPath(photo), PureWindowsPath(photo))
    return "\0" in photo or any(p.drive or p.root or ".." in p.parts or not p.name for p in paths)
