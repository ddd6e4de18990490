"""Which colour words of a sentence a system listens to: those whose exchange changes the picture somewhere."""

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from lcoins.color.lab import from_network_ab
from lcoins.color.words import BASIC_COLOURS, COLOUR_LAB, ColourWord, find_colours, replaced

if TYPE_CHECKING:
    from lcoins.colorize.photo import Colorizer

SEEN = 4.0  # units of ab: a change that one sees when looking for it
PART = 0.01  # of the picture: what changes less of it has found no region


def farthest(colour: str) -> str:
    """The basic colour whose ab is farthest from a colour class's, to exchange its word for.

    >>> farthest("teal"), farthest("yellow")
    ('red', 'purple')
    """
    _, a, b = COLOUR_LAB[colour]
    return max(BASIC_COLOURS, key=lambda other: math.hypot(COLOUR_LAB[other][1] - a, COLOUR_LAB[other][2] - b))


def unheard_words(colorizer: "Colorizer", lightness: Tensor, caption: str) -> list[ColourWord]:
    """The colour words of a caption that found no region in a photo, network lightness (1, 1, S, S) on its device.

    A word is heard where exchanging it for the farthest basic colour moves ab by at least SEEN units in at least PART
    of the picture. One more pass of the network for each word; works with any system, groups or none.
    """
    return [word for word, moved in exchanged(colorizer, lightness, caption) if not is_heard(moved)]


def exchanged(colorizer: "Colorizer", lightness: Tensor, caption: str) -> list[tuple[ColourWord, Tensor]]:
    """Each colour word of a caption, and how far ab (S, S) moves in CIELAB units where the word is exchanged."""
    words = find_colours(caption)
    if not words:
        return []
    before = _colours(colorizer, lightness, caption)
    found = []
    for word in words:
        other = replaced(caption, word, farthest(word.colour))
        found.append((word, (_colours(colorizer, lightness, other) - before).norm(dim=0).cpu()))
    return found


def is_heard(moved: Tensor) -> bool:
    """Whether what a word moves, (S, S) of :func:`exchanged`, is enough to be seen."""
    return float((moved >= SEEN).float().mean()) >= PART


def _colours(colorizer: "Colorizer", lightness: Tensor, caption: str) -> Tensor:
    """ab (2, S, S) in CIELAB units."""
    with torch.inference_mode():
        return from_network_ab(colorizer.colorize(lightness, [caption]).ab.float())[0]
