"""Maps of a photo: the region that each color word changes, and the region of each group, as named masks.

The two answer different questions. A word's region is measured from outside, by exchanging the word, with any system.
A group's region is read from inside a system with groups, and a group need not attend to one word only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.contrast import full_contrast_for_network
from lcoins.color.lab import resize_ab
from lcoins.color.phrases import ColorPhrase
from lcoins.color.reading import read_sentence
from lcoins.color.word_kinds import FUNCTION_WORDS
from lcoins.color.words import split_words
from lcoins.colorize.word_effect import VISIBLE, has_effect
from lcoins.evaluation.contact_sheet import group_colors, token_map, word_rgb
from lcoins.models.attention_maps import BlockAttention, attention_maps
from lcoins.models.colorizer import ColorizationSystem
from lcoins.models.focus import FocusedColorizer, margins_of
from lcoins.models.grounded import GroundedColorizer
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words

DOMINANCE = 1.5  # times its even share of attention that a word needs to name a group
SMALLEST = 0.005  # share of the picture below which a group is left out
NO_GROUPS = "This system has no groups: its words act on every part of the photo directly."
EVEN = "Groups without a word attend to all words about equally, or to one that names nothing."
NO_WORDS = "This system has groups, but its words act on the photo directly, so no group belongs to a word."


@dataclass(frozen=True)
class Region:
    """A region of the picture: its name, its mask (h, w) in 0..1, and the 8-bit sRGB color that shows it."""

    name: str
    mask: NDArray[np.float32]
    color: tuple[int, int, int]


def word_regions(effects: Sequence[tuple[ColorPhrase, Tensor]], size: tuple[int, int]) -> list[Region]:
    """The regions (h, w) = ``size`` of words by their :func:`~lcoins.colorize.word_effect.word_effects` effects.

    Each pixel belongs to one word. A mask is 1 where its word moves colors most, less where it moves them less, and 0
    where the change is invisible. Words without effect have no region; a word that occurs twice is numbered.
    """
    effective = [(word, moved) for word, moved in effects if has_effect(moved)]
    if not effective:
        return []
    moved = resize_ab(torch.stack([moved for _, moved in effective])[None], size)[0]
    strongest = moved.argmax(dim=0)
    names = numbered([word.word for word, _ in effective])
    regions = []
    for i, (word, _) in enumerate(effective):
        mask = torch.where((strongest == i) & (moved[i] >= VISIBLE), moved[i] / moved[i].amax(), 0.0)
        regions.append(Region(names[i], mask.numpy(), word_rgb(word.lab)))
    return regions


def numbered(names: Sequence[str]) -> list[str]:
    """Numbers the names that occur more than once.

    >>> numbered(["red", "blue", "red"])
    ['red 1', 'blue', 'red 2']
    """
    return [
        f"{name} {names[: index + 1].count(name)}" if names.count(name) > 1 else name
        for index, name in enumerate(names)
    ]


def group_regions(
    colorizer: ColorizationSystem, lightness: Tensor, sentence: str, size: tuple[int, int]
) -> tuple[list[Region], str]:
    """The groups for network lightness (1, 1, S, S) as regions of ``size`` (h, w), and a note on them or ""."""
    sentence = read_sentence(sentence).for_model()
    attention, words, assignment = _groups(colorizer, lightness, sentence)
    if assignment is None:
        return [], NO_GROUPS
    labels = token_map(assignment.argmax(dim=0), *size)
    colors = group_colors(len(assignment)).round().astype(int).tolist()
    regions, even = [], False
    for group in range(len(assignment)):
        mask = (labels == group).astype(np.float32)
        if mask.mean() < SMALLEST:
            continue
        word = None if attention is None or words is None else dominant_word(attention, words, sentence, group)
        even |= word is None
        name = f"group {group + 1}" if word is None else f"group {group + 1}: {word}"
        regions.append(Region(name, mask, tuple(colors[group])))
    return regions, NO_WORDS if attention is None else EVEN if even else ""


def dominant_word(attention: BlockAttention, words: Words, sentence: str, group: int) -> str | None:
    """The word that a group attends to most.

    None where its share is less than DOMINANCE times the even share, and for words such as "and", which name nothing.
    """
    shares = [0.0] * len(split_words(sentence))
    index = -1  # of the word that a piece belongs to
    starts = words.word_indices[0].tolist() if words.word_indices is not None else []
    for start, share in zip(starts, attention.grp_lag[group].tolist(), strict=False):
        index = start if start >= 0 else index
        if 0 <= index < len(shares):
            shares[index] += share
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    if best is None or shares[best] * len(shares) < DOMINANCE:
        return None
    word = split_words(sentence)[best]
    return None if word.lower() in FUNCTION_WORDS else word


def _groups(
    colorizer: ColorizationSystem, lightness: Tensor, sentence: str
) -> tuple[BlockAttention | None, Words | None, Tensor | None]:
    """The last block's attention and the words, if image and words meet in groups only; the assignment, if any.

    Groups are inside the system that is focused, and focusing leaves them as they are. It sees photos in full contrast
    and without their margins.
    """
    if isinstance(colorizer, FocusedColorizer | GroundedColorizer):
        margins = margins_of(lightness)
        seen = full_contrast_for_network(margins.without(lightness))
        attention, words, assignment = _groups(colorizer.system, seen, sentence)
        if assignment is not None:
            assignment = margins.tokens_around(assignment[None], lightness.shape[-1])[0]
        return attention, words, assignment
    if isinstance(colorizer, LCoIns):
        try:
            blocks, words, result = attention_maps(colorizer, lightness, sentence)
        except ValueError:  # joint attention, which may still have groups to assign
            return None, None, _first(colorizer.colorize(lightness, [sentence]).assignment)
        assignment = _first(result.assignment)
        if assignment is None and blocks and blocks[-1].img_grp.shape[1]:
            assignment = blocks[-1].img_grp.T
        return (blocks[-1], words, assignment) if assignment is not None else (None, None, None)
    return None, None, _first(colorizer.colorize(lightness, [sentence]).assignment)


def _first(assignment: Tensor | None) -> Tensor | None:
    return assignment[0].float().cpu() if assignment is not None and assignment.shape[1] else None
