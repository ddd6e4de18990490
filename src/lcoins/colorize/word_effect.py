"""Which color words of a sentence have an effect: those whose replacement changes the picture somewhere."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lcoins.color.lab import from_network_ab
from lcoins.color.names import BASIC_LAB, Lab
from lcoins.color.phrases import ColorPhrase
from lcoins.color.reading import read_sentence
from lcoins.color.words import replaced

if TYPE_CHECKING:
    from lcoins.colorize.photo import ColorizationSystem

VISIBLE = 4.0  # units of ab: a change that one sees when looking for it
LEAST_SHARE = 0.01  # of the picture: a word that changes less of it has found no region


def opposite_color(color: Lab) -> str:
    """The basic color whose ab is farthest from that of a color; it replaces a word to test its effect.

    >>> opposite_color(BASIC_LAB["green"]), opposite_color(BASIC_LAB["yellow"])
    ('purple', 'purple')
    """
    return max(BASIC_LAB, key=lambda other: math.dist(BASIC_LAB[other][1:], color[1:]))


def words_without_effect(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> list[ColorPhrase]:
    """The color phrases of a caption that found no region in a photo, given its network lightness (1, 1, S, S).

    A word has an effect if replacing it by the opposite basic color moves ab by at least VISIBLE units in at least
    LEAST_SHARE of the picture. Takes one more pass of the network for each word; works with any system, with groups or
    without.
    """
    return [word for word, moved in word_effects(colorizer, lightness, caption) if not has_effect(moved)]


def word_effects(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> list[tuple[ColorPhrase, Tensor]]:
    """Each color phrase of a caption, and how far ab (S, S) moves, in CIELAB units, when it is replaced."""
    words = read_sentence(caption).colors
    if not words:
        return []
    before = _colors(colorizer, lightness, caption)
    effects = []
    for word in words:
        other = replaced(caption, word, opposite_color(word.lab))
        effects.append((word, (_colors(colorizer, lightness, other) - before).norm(dim=0).cpu()))
    return effects


def has_effect(moved: Tensor) -> bool:
    """Whether one sees how far a word moves ab, (S, S) of :func:`word_effects`."""
    return share_moved(moved) >= LEAST_SHARE


def share_moved(moved: Tensor) -> float:
    """The share of the picture, 0..1, in which one sees how far a word moves ab, (S, S) of :func:`word_effects`."""
    return float((moved >= VISIBLE).float().mean())


def _colors(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> Tensor:
    """ab (2, S, S) in CIELAB units."""
    with torch.inference_mode():
        return from_network_ab(colorizer.colorize(lightness, [read_sentence(caption).for_model()]).ab.float())[0]
