"""Which color words of a sentence have an effect: those whose replacement changes the picture somewhere."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lcoins.color.lab import from_network_ab
from lcoins.color.words import BASIC_COLORS, COLOR_LAB, ColorWord, find_colors, replaced

if TYPE_CHECKING:
    from lcoins.colorize.photo import ColorizationSystem

VISIBLE = 4.0  # units of ab: a change that one sees when looking for it
LEAST_SHARE = 0.01  # of the picture: a word that changes less of it has found no region


def opposite_color(color: str) -> str:
    """The basic color whose ab is farthest from that of a color class; it replaces a word to test its effect.

    >>> opposite_color("teal"), opposite_color("yellow")
    ('red', 'purple')
    """
    _, a, b = COLOR_LAB[color]
    return max(BASIC_COLORS, key=lambda other: math.hypot(COLOR_LAB[other][1] - a, COLOR_LAB[other][2] - b))


def words_without_effect(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> list[ColorWord]:
    """The color words of a caption that found no region in a photo, given its network lightness (1, 1, S, S).

    A word has an effect if replacing it by the opposite basic color moves ab by at least VISIBLE units in at least
    LEAST_SHARE of the picture. Takes one more pass of the network for each word; works with any system, with groups or
    without.
    """
    return [word for word, moved in word_effects(colorizer, lightness, caption) if not has_effect(moved)]


def word_effects(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> list[tuple[ColorWord, Tensor]]:
    """Each color word of a caption, and how far ab (S, S) moves, in CIELAB units, when the word is replaced."""
    words = find_colors(caption)
    if not words:
        return []
    before = _colors(colorizer, lightness, caption)
    effects = []
    for word in words:
        other = replaced(caption, word, opposite_color(word.color))
        effects.append((word, (_colors(colorizer, lightness, other) - before).norm(dim=0).cpu()))
    return effects


def has_effect(moved: Tensor) -> bool:
    """Whether one sees how far a word moves ab, (S, S) of :func:`word_effects`."""
    return float((moved >= VISIBLE).float().mean()) >= LEAST_SHARE


def _colors(colorizer: "ColorizationSystem", lightness: Tensor, caption: str) -> Tensor:
    """ab (2, S, S) in CIELAB units."""
    with torch.inference_mode():
        return from_network_ab(colorizer.colorize(lightness, [caption]).ab.float())[0]
