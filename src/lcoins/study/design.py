"""Who sees what, where: balanced incomplete blocks of pictures for each person, with counter-balanced positions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Cell = tuple[int, tuple[int, ...]]  # an image, and the entries shown of it, from the first position to the last


@dataclass(frozen=True)
class Balance:
    """How even a design is: least and most often that something occurs, over the whole study.

    ``images`` counts how often an image is shown, ``sets`` a set of entries, ``positions`` an entry at one position,
    ``own_positions`` the same within one person, ``together`` two images to the same person.
    """

    images: tuple[int, int]
    sets: tuple[int, int]
    positions: tuple[int, int]
    own_positions: tuple[int, int]
    together: tuple[int, int]


class Positions:
    """Chooses the order of entries so that each stands at each position equally often, for a person and for all."""

    def __init__(self, entries: int, shown: int) -> None:
        self.all = np.zeros((entries, shown), dtype=np.int64)
        self.own = np.zeros_like(self.all)

    def next_person(self) -> None:
        """Starts counting for a new person."""
        self.own[:] = 0

    def order(self, entries: Sequence[int], rng: np.random.Generator) -> tuple[int, ...]:
        """The entries from the first position to the last: of a random order, the rotation that balances best."""
        mixed = rng.permutation(np.array(entries))
        rotations = [np.roll(mixed, shift) for shift in range(len(mixed))]
        places = np.arange(len(mixed))
        best = min(rotations, key=lambda turned: (self.own[turned, places].sum(), self.all[turned, places].sum()))
        self.own[best, places] += 1
        self.all[best, places] += 1
        return tuple(map(int, best))


def draw_design(
    images: int, entries: int, shown: int, people: int, per_person: int, rng: np.random.Generator
) -> list[list[Cell]]:
    """For each person ``per_person`` images with ``shown`` of the entries, in random order.

    Greedy: the image, then the set of entries, then the order are those that occurred least so far. Counts of images
    and of the sets of one image differ by at most 1; other counts are nearly even (:func:`balance` tells).

    Raises ValueError if there are fewer entries than are shown, or more trials for a person than there are.
    """
    if not 2 <= shown <= entries:
        raise ValueError(f"expected at least {max(2, shown)} systems to show at once, got {entries}; name more")
    sets = list(combinations(range(entries), shown))
    if not 1 <= per_person <= images * len(sets):
        raise ValueError(
            f"expected 1 to {images * len(sets)} trials a person ({images} images, {len(sets)} sets of systems each), "
            f"got {per_person}; lower --per-person or raise --images"
        )
    together = np.zeros((images, images), dtype=np.int64)
    shown_images = np.zeros(images, dtype=np.int64)
    of_image = np.zeros((images, len(sets)), dtype=np.int64)
    positions = Positions(entries, shown)
    slots = []
    for _ in range(people):
        own = np.zeros(images, dtype=np.int64)
        for _ in range(per_person):
            met = together[:, own > 0].sum(axis=1)
            image = _least(rng, own, shown_images, met)
            together[image, own > 0] += 1
            together[own > 0, image] += 1
            own[image] += 1
            shown_images[image] += 1
        np.fill_diagonal(together, 0)
        positions.next_person()
        own_sets = np.zeros(len(sets), dtype=np.int64)
        cells: list[Cell] = []
        for image in rng.permutation(np.repeat(np.arange(images), own)):
            chosen = _least(rng, of_image[image], own_sets, of_image.sum(axis=0))
            of_image[image, chosen] += 1
            own_sets[chosen] += 1
            cells.append((int(image), positions.order(sets[chosen], rng)))
        slots.append(cells)
    return slots


def _least(rng: np.random.Generator, *counts: Counts) -> int:
    """The index with the least first count, then the least second one and so on; among equals a random one."""
    return int(np.lexsort((rng.random(len(counts[0])), *reversed(counts)))[0])


def balance(slots: Sequence[Sequence[Cell]], images: int, entries: int) -> Balance:
    """Counts what occurs in a design; sets and positions that never occur count as 0."""
    shown = len(slots[0][0][1])
    cells = [cell for slot in slots for cell in slot]
    together = np.zeros((images, images), dtype=np.int64)
    own: list[int] = []
    for slot in slots:
        seen = np.unique([image for image, _ in slot])
        together[np.ix_(seen, seen)] += 1
        counted = Counter((entry, place) for _, order in slot for place, entry in enumerate(order))
        own += [counted[entry, place] for entry in range(entries) for place in range(shown)]
    images_seen = Counter(image for image, _ in cells)
    sets_seen = Counter(frozenset(order) for _, order in cells)
    places_seen = Counter((entry, place) for _, order in cells for place, entry in enumerate(order))
    pairs = together[np.triu_indices(images, 1)]
    return Balance(
        _range([images_seen[image] for image in range(images)]),
        _range([sets_seen[frozenset(chosen)] for chosen in combinations(range(entries), shown)]),
        _range([places_seen[entry, place] for entry in range(entries) for place in range(shown)]),
        _range(own),
        _range(pairs.tolist() or [0]),
    )


def _range(counts: Sequence[int]) -> tuple[int, int]:
    return int(min(counts)), int(max(counts))
