"""Which color words of a sentence have an effect: those whose replacement changes the picture somewhere."""

import math

from torch import Tensor

from lcoins.color.names import BASIC_LAB, Lab
from lcoins.color.phrases import ColorPhrase
from lcoins.color.reading import read_sentence
from lcoins.color.spoken_of import MOST
from lcoins.color.words import replaced
from lcoins.colorize.photo import network_ab
from lcoins.models.colorizer import ColorizationSystem

VISIBLE = 4.0  # units of ab: a change that one sees when looking for it
LEAST_SHARE = 0.01  # of the picture: a word that changes less of it has found no region


def opposite_color(color: Lab) -> str:
    """The basic color whose ab is farthest from that of a color; it replaces a word to test its effect.

    >>> opposite_color(BASIC_LAB["green"]), opposite_color(BASIC_LAB["yellow"])
    ('purple', 'purple')
    """
    return max(BASIC_LAB, key=lambda other: math.dist(BASIC_LAB[other][1:], color[1:]))


def word_effects(
    colorizer: ColorizationSystem, lightness: Tensor, caption: str, ab: Tensor | None = None
) -> list[tuple[ColorPhrase, Tensor]]:
    """Each color phrase of a caption, and how far ab (S, S) moves, in CIELAB units, when its opposite replaces it.

    Takes a pass of the network for each phrase, up to MOST of them, beyond which nothing is looked for; works with any
    system, with groups or without. Of "a black dog and a brown dog" the other color may make the dogs change places
    (:mod:`lcoins.models.told_apart`), so that both move.

    Args:
        colorizer: the system.
        lightness: of a photo, for the network (1, 1, S, S).
        caption: the sentence.
        ab: its colors (1, 2, S, S), of :func:`lcoins.colorize.photo.network_ab`; None takes one more pass.
    """
    words = read_sentence(caption).colors[:MOST]
    if not words:
        return []
    before = network_ab(colorizer, lightness, caption) if ab is None else ab
    effects = []
    for word in words:
        other = network_ab(colorizer, lightness, replaced(caption, word, opposite_color(word.lab)))
        effects.append((word, (other - before)[0].norm(dim=0)))
    return effects


def has_effect(moved: Tensor) -> bool:
    """Whether a word has found a region: it moves ab, (S, S) of :func:`word_effects`, visibly in enough of it."""
    return share_moved(moved) >= LEAST_SHARE


def share_moved(moved: Tensor) -> float:
    """The share of the picture, 0..1, in which one sees how far a word moves ab, (S, S) of :func:`word_effects`."""
    return float((moved >= VISIBLE).float().mean())
