"""What the obedience benchmark asks of a photo: sentences that give its things colors, and what they should change.

Five tasks, for any photos with instances in COCO's format. Not the paper's, which shows pictures.

- ``named``: one thing, the only one of its kind, in three of seven colors: "a red bus".
- ``instances``: two of one kind, told apart by place, in two colors: "the left cup is red and the right cup is blue".
- ``kinds``: two things of different kinds, each the only one of its kind, in two colors, and in these exchanged: "a red
  bus and a blue car", "a blue bus and a red car".
- ``counter``: one thing in a color whose typical lightness is far from the thing's own: "a yellow bus" of a dark bus.
- ``recolor``: a full caption in which one color word, that of a single thing, is exchanged.

Persons are never asked for: a person has no color of its own. Captions are searched for the protocol's vocabulary
(:mod:`lcoins.color.words`), so that the questions about a photo stay the same when more words are understood.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lcoins.color.words import COLOR_LAB, find_colors, replaced, with_article
from lcoins.data.types import keyed_random

COLORS = ("red", "orange", "yellow", "green", "blue", "purple", "pink")
COLORS_PER_THING = 3
LEAST_SHARE = 0.02  # of the photo's pixels; smaller things are hard to judge at 224 pixels a side
LEAST_SHARE_OF_TWO = 0.01
APART = 0.16  # of the photo's side, between the centers of two things that are told apart by place
LIGHTNESS_APART = 30.0  # L* between a thing and a color that contradicts it
NOT_ASKED = frozenset(("person", "hair", "skin", "face"))


@dataclass(frozen=True)
class Question:
    """One sentence about one photo, and what it asks for.

    ``asked`` pairs the index of a mask with the color word that it should take; ``reference`` is the sentence whose
    answer the movement is measured from, with "gray" in the place of each color.
    """

    task: str
    kind: str
    caption: str
    reference: str
    asked: tuple[tuple[int, str], ...]


def questions(
    photo: str,
    kinds: Sequence[str],
    masks: NDArray[np.bool_],
    lightness: NDArray[np.float32],
    captions: Sequence[str] = (),
    seed: int = 0,
) -> Iterator[Question]:
    """The questions about one photo.

    Args:
        photo: Its name, which with ``seed`` decides the colors.
        kinds: The names of its K instances.
        masks: Their masks (K, H, W), disjoint.
        lightness: L* of the photo (H, W).
        captions: Its captions, for the task ``recolor``.
        seed: Another seed asks for other colors.
    """
    by_kind: dict[str, list[int]] = {}
    for index, kind in enumerate(kinds):
        if kind not in NOT_ASKED:
            by_kind.setdefault(kind, []).append(index)
    for kind, indices in by_kind.items():
        rng = keyed_random(seed, "asked colors", photo, kind)
        share = masks[indices].mean(axis=(1, 2))
        if len(indices) == 1 and share[0] >= LEAST_SHARE:
            own = float(lightness[masks[indices[0]]].mean())
            for color in rng.sample(COLORS, COLORS_PER_THING):
                yield _about_one("named", kind, indices[0], color)
            contrary = [color for color in COLORS if abs(COLOR_LAB[color][0] - own) >= LIGHTNESS_APART]
            if contrary:
                yield _about_one("counter", kind, indices[0], rng.choice(contrary))
        if len(indices) == 2 and share.min() >= LEAST_SHARE_OF_TWO:
            sides = _sides(*(masks[index] for index in indices))
            if sides is not None:
                first, places = sides
                yield _about_two(kind, (indices[first], indices[1 - first]), places, *rng.sample(COLORS, 2))
    yield from _about_kinds(photo, by_kind, masks, seed)
    for caption in dict.fromkeys(captions):  # a list may have one twice
        yield from _about_caption(photo, caption, by_kind, seed)


def _about_one(task: str, kind: str, index: int, color: str) -> Question:
    return Question(task, kind, with_article(f"{color} {kind}"), f"a gray {kind}", ((index, color),))


def _about_kinds(photo: str, by_kind: dict[str, list[int]], masks: NDArray[np.bool_], seed: int) -> Iterator[Question]:
    single = [
        kind for kind, indices in by_kind.items() if len(indices) == 1 and masks[indices[0]].mean() >= LEAST_SHARE
    ]
    if len(single) < 2:
        return
    rng = keyed_random(seed, "two kinds", photo)
    first, second = rng.sample(single, 2)
    colors = rng.sample(COLORS, 2)
    for one, other in (colors, colors[::-1]):
        yield Question(
            "kinds",
            f"{first} and {second}",
            f"{with_article(f'{one} {first}')} and {with_article(f'{other} {second}')}",
            f"a gray {first} and a gray {second}",
            ((by_kind[first][0], one), (by_kind[second][0], other)),
        )


def _about_two(kind: str, indices: Sequence[int], places: Sequence[str], one: str, other: str) -> Question:
    sentence = f"the {places[0]} {kind} is {{}} and the {places[1]} {kind} is {{}}"
    asked = ((indices[0], one), (indices[1], other))
    return Question("instances", kind, sentence.format(one, other), sentence.format("gray", "gray"), asked)


def _about_caption(photo: str, caption: str, by_kind: dict[str, list[int]], seed: int) -> Iterator[Question]:
    """Exchanges the color word directly before the name of a thing that the photo has once and the caption names once.

    So a crowd of cars is not asked for, nor a plural.
    """
    for word in find_colors(caption):
        rest = caption[word.end :].strip().lower()
        for kind, indices in by_kind.items():
            named = rest == kind or rest.startswith((f"{kind} ", f"{kind},", f"{kind}."))
            if named and len(indices) == 1 and caption.lower().count(kind) == 1 and word.color in COLORS:
                rng = keyed_random(seed, "recolored", photo, caption, word.start)
                new = rng.choice([color for color in COLORS if color != word.color])
                yield Question(
                    "recolor",
                    kind,
                    replaced(caption, word, new),
                    replaced(caption, word, "gray"),
                    ((indices[0], new),),
                )


def _sides(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> tuple[int, tuple[str, str]] | None:
    """Which of two masks, 0 or 1, is left of or above the other, and the words for both; None where that is unclear."""
    (y0, x0), (y1, x1) = (np.argwhere(mask).mean(axis=0) / mask.shape for mask in (one, other))
    if abs(x0 - x1) >= APART and abs(x0 - x1) >= abs(y0 - y1):
        return int(x1 < x0), ("left", "right")
    if abs(y0 - y1) >= APART:
        return int(y1 < y0), ("upper", "lower")
    return None
