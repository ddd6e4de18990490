"""Do the colors obey the words? Two measures that the paper lacks, both on the ab plane of CIELAB.

- :func:`name_colors`: does each instance have the color that its word asks for?
- :func:`recoloring_response`: does the picture move towards the new color when one color word is exchanged?

Each figure belongs to one picture; the caller averages.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lcoins.color.words import BASIC_COLORS, COLOR_CLASS, COLOR_LAB, find_colors

SAME_AB = 1.0  # ab units: words whose ab are nearer to each other count as one color
MIN_WORD_DISTANCE = 15.0  # ab units: old and new word nearer than this give no direction to measure along
REGION_SHARE = 0.1  # share of the pixels, those that moved farthest, in which a response is measured
MIN_MOVE = 0.1  # ab units of mean movement below which a picture did not react at all

Palette = Mapping[str, tuple[float, float, float]]  # color word -> CIELAB


@dataclass(frozen=True)
class NamedColors:
    """The result of :func:`name_colors`, one entry per instance.

    ``asked`` is the color that the caption gives it, ``named`` the color nearest to its mean ab, ``correct`` whether
    the two agree.
    """

    asked: list[str]
    named: list[str]
    correct: list[bool]

    @property
    def confusion(self) -> Counter[tuple[str, str]]:
        """How many instances were asked for one color and have another, by (asked, named)."""
        return Counter(zip(self.asked, self.named, strict=True))

    @property
    def swapped(self) -> list[bool]:
        """Whether each instance has the color asked for another instance of the picture instead of its own."""
        return [not right and name in self.asked for name, right in zip(self.named, self.correct, strict=True)]


def distinct_colors(palette: Palette) -> dict[str, str]:
    """Word -> the first word of the palette with the same ab: black, gray and white are one color on the ab plane."""
    first: dict[str, str] = {}
    for word, (_, a, b) in palette.items():
        same = (f for f in dict.fromkeys(first.values()) if math.dist(palette[f][1:], (a, b)) < SAME_AB)
        first[word] = next(same, word)
    return first


def chance_level(palette: Palette) -> float:
    """Accuracy of guessing uniformly among the colors that differ on the ab plane: 1 / len(palette) if all do."""
    return 1 / len(set(distinct_colors(palette).values()))


def mean_ab(ab: Tensor, masks: Tensor) -> Tensor:
    """Mean ab inside each mask: ab (2, H, W) in CIELAB units, masks (K, H, W) bool -> (K, 2)."""
    weights = masks.to(ab).flatten(1)
    area = weights.sum(dim=1, keepdim=True)
    if not bool((area > 0).all()):
        raise ValueError("expected masks with at least one pixel, got an empty one; leave that instance out")
    return weights @ ab.flatten(1).T / area


def name_colors(means: Tensor, words: Sequence[str], palette: Palette) -> NamedColors:
    """Compares the color word of each instance with the palette word nearest to its mean ab (K, 2).

    Distances are on the ab plane: lightness is the photo's own and must not decide. Words with the same ab count as
    one color (see :func:`distinct_colors`).
    """
    unknown = sorted(set(words) - set(palette))
    if unknown:
        raise ValueError(f"colors {unknown} are not in the palette {sorted(palette)}; add their CIELAB values")
    same = distinct_colors(palette)
    names = list(dict.fromkeys(same.values()))
    anchors = torch.tensor([palette[name][1:] for name in names], dtype=torch.float64)
    nearest = torch.cdist(means.double().cpu(), anchors).argmin(dim=1).tolist()
    asked, named = [same[word] for word in words], [names[index] for index in nearest]
    return NamedColors(asked, named, [word == name for word, name in zip(asked, named, strict=True)])


def exchanged_word(caption: str, recolored: str, choices: Iterable[str] = BASIC_COLORS) -> tuple[str, str] | None:
    """The (old, new) color class of a caption with exactly one color word, or None if there is nothing to measure.

    There is nothing to measure with no or several color words, with a new word that is not among ``choices``, or with
    classes whose ab differ by less than 15 units (white and black).

    >>> exchanged_word("a red bus", "a blue bus"), exchanged_word("a black cat", "a white cat")
    (('red', 'blue'), None)
    """
    before, after = find_colors(caption), find_colors(recolored)
    if len(before) != 1 or len(after) != 1:
        return None
    old, new = before[0].color, after[0].color
    return (old, new) if new in _distant_colors(old, choices) else None


@dataclass(frozen=True)
class RecoloringResponse:
    """How one picture moved when its one color word was exchanged; see :func:`recoloring_response`."""

    shift: float
    towards: float
    control: float
    nearer: bool
    hit: bool
    hit_chance: float


def recoloring_response(
    before: Tensor, after: Tensor, old: str, new: str, choices: Iterable[str] = BASIC_COLORS
) -> RecoloringResponse:
    """Measures whether a picture moved towards the color ``new`` when ``new`` replaced ``old`` in its caption.

    With d = after - before per pixel, R the 10 % of the pixels with the largest |d| (chosen by the length of d, never
    by its direction), and u(w) the unit vector from the ab of ``old`` to that of the word w:

    - ``shift`` = mean |d| over all pixels, >= 0. Reaction of any kind; says nothing about obedience.
    - ``towards`` = mean over R of d . u(new), any sign; a full change of color gives |ab(new) - ab(old)|.
    - ``control`` = the mean of d . u(w) over the other words w that could have been drawn: those of ``choices`` at
      least 15 units from ``old``. **towards - control has expectation 0 for every model whose movement does not depend
      on which new word was drawn**, be it no movement, random movement, loss of color, or a favorite color, provided
      that the new word is drawn uniformly from ``choices``. ``towards`` alone is not safe: captions say "white" more
      often than chance, so a model that merely adds its favorite color scores above 0.
    - ``nearer``: the mean ab of R is nearer to ab(new) than it was. At most half of random movements are; none without
      movement.
    - ``hit``: among the choices, ``new`` is the word whose u(w) has the smallest angle to the mean movement of R;
      words of one ab count together. ``hit_chance`` = the share of the choices that have the guessed ab, which is the
      expected hit of a model that makes the same guess without reading the new word. No movement, no guess: both 0.

    Args:
        before: ab (2, H, W) in CIELAB units for the caption with ``old``.
        after: ab (2, H, W) for the caption with ``new``.
        old: Color class that the caption named.
        new: Color class that replaced it, at least 15 ab units away.
        choices: Color words that the new word was drawn from, uniformly.
    """
    origin = torch.tensor(COLOR_LAB[old][1:], dtype=torch.float64)
    words = _distant_colors(old, choices)
    if new not in words or len(words) < 2:
        raise ValueError(
            f"expected a new color for {old!r} out of at least two that are distant enough, {words}, got {new!r}; "
            "skip the captions for which exchanged_word gives None"
        )
    colors = torch.tensor([COLOR_LAB[word][1:] for word in words], dtype=torch.float64)
    directions = normalize(colors - origin, dim=1)

    start, move = before.double().flatten(1).cpu(), (after.double() - before.double()).flatten(1).cpu()
    length = move.norm(dim=0)
    region = length.topk(max(1, round(REGION_SHARE * length.numel()))).indices
    start_mean, move_mean = start[:, region].mean(dim=1), move[:, region].mean(dim=1)
    along = directions @ move_mean
    index = words.index(new)
    others = torch.arange(len(words)) != index
    guessed = torch.zeros(len(words), dtype=torch.bool)
    if float(move_mean.norm()) >= MIN_MOVE:
        guessed = (colors - colors[along.argmax()]).norm(dim=1) < SAME_AB
    return RecoloringResponse(
        shift=float(length.mean()),
        towards=float(along[index]),
        control=float(along[others].mean()),
        nearer=bool((start_mean + move_mean - colors[index]).norm() < (start_mean - colors[index]).norm()),
        hit=bool(guessed[index]),
        hit_chance=float(guessed.double().mean()),
    )


def _distant_colors(old: str, choices: Iterable[str]) -> list[str]:
    """The color classes of ``choices`` that are at least 15 ab units from ``old``."""
    classes = dict.fromkeys(COLOR_CLASS[choice] for choice in choices)
    return [word for word in classes if math.dist(COLOR_LAB[old][1:], COLOR_LAB[word][1:]) >= MIN_WORD_DISTANCE]
