"""Which region of a photo listened to which word, and to which group its tokens belong: masks with a name and a color.

The two are different answers. A word's region is measured from outside, by exchanging the word, with any system. A
group's region is read from inside a system that has groups, and groups need not listen to one word alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.lab import resize_ab
from lcoins.color.words import ColorWord, split_words
from lcoins.colorize.photo import SupportsColorize
from lcoins.colorize.word_effect import SEEN, has_effect
from lcoins.evaluation.contact_sheet import group_colors, token_map, word_rgb
from lcoins.models.attention_maps import BlockAttention, attention_maps
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words

CLEAR = 1.5  # a group listens to a word where it gives it this many times its even share of attention
SMALLEST = 0.005  # of the picture: the share below which a group is not worth a name
NO_GROUPS = "This system has no groups: its words reach every part of the photo directly."
EVEN = "Groups without a word listen to all words about alike."
NO_WORDS = "This system has groups, but its words reach the photo directly, so no group stands for a word."


@dataclass(frozen=True)
class Region:
    """A part of the picture: its name, how strongly it is there (h, w) in 0..1, and the 8-bit sRGB to show it in."""

    name: str
    mask: NDArray[np.float32]
    color: tuple[int, int, int]


def word_regions(heard: Sequence[tuple[ColorWord, Tensor]], size: tuple[int, int]) -> list[Region]:
    """Where each word of :func:`~lcoins.colorize.word_effect.exchanged` acts, of ``size`` (h, w); one word a pixel.

    A mask is 1 where its word moves colors most, less where it moves them less, and 0 where nobody would see it. Words
    that found no region have none here either. A word that stands twice is numbered.
    """
    found = [(word, moved) for word, moved in heard if has_effect(moved)]
    if not found:
        return []
    moved = resize_ab(torch.stack([moved for _, moved in found])[None], size)[0]
    loudest = moved.argmax(dim=0)
    names = numbered([word.word for word, _ in found])
    regions = []
    for i, (word, _) in enumerate(found):
        own = torch.where((loudest == i) & (moved[i] >= SEEN), moved[i] / moved[i].amax(), 0.0)
        regions.append(Region(names[i], own.numpy(), word_rgb(word.color)))
    return regions


def numbered(names: Sequence[str]) -> list[str]:
    """Names made distinct.

    >>> numbered(["red", "blue", "red"])
    ['red 1', 'blue', 'red 2']
    """
    return [
        f"{name} {names[: place + 1].count(name)}" if names.count(name) > 1 else name
        for place, name in enumerate(names)
    ]


def group_regions(
    colorizer: SupportsColorize, seen: Tensor, sentence: str, size: tuple[int, int]
) -> tuple[list[Region], str]:
    """The groups of network lightness ``seen`` (1, 1, S, S) as regions of ``size`` (h, w), and a remark on them."""
    attention, words, assignment = _look(colorizer, seen, sentence)
    if assignment is None:
        return [], NO_GROUPS
    labels = token_map(assignment.argmax(dim=0), *size)
    colors = group_colors(len(assignment)).round().astype(int).tolist()
    regions, even = [], False
    for group in range(len(assignment)):
        mask = (labels == group).astype(np.float32)
        if mask.mean() < SMALLEST:
            continue
        word = None if attention is None or words is None else loudest_word(attention, words, sentence, group)
        even |= word is None
        name = f"group {group + 1}" if word is None else f"group {group + 1}: {word}"
        regions.append(Region(name, mask, tuple(colors[group])))
    return regions, NO_WORDS if attention is None else EVEN if even else ""


def loudest_word(attention: BlockAttention, words: Words, sentence: str, group: int) -> str | None:
    """The word of the sentence that a group attends to most, where it stands out from an even share, else None."""
    shares = [0.0] * len(split_words(sentence))
    place = -1
    starts = words.word_indices[0].tolist() if words.word_indices is not None else []
    for start, share in zip(starts, attention.grp_lag[group].tolist(), strict=False):
        place = start if start >= 0 else place
        if 0 <= place < len(shares):
            shares[place] += share
    best = max(range(len(shares)), key=shares.__getitem__, default=None)
    if best is None or shares[best] * len(shares) < CLEAR:
        return None
    return split_words(sentence)[best]


def _look(
    colorizer: SupportsColorize, seen: Tensor, sentence: str
) -> tuple[BlockAttention | None, Words | None, Tensor | None]:
    """Attention of the last block and the words, where image and words meet in groups; the assignment, if any."""
    if isinstance(colorizer, LCoIns):
        try:
            blocks, words, result = attention_maps(colorizer, seen, sentence)
        except ValueError:  # joint attention; its groups, if any, are still assigned
            return None, None, _first(colorizer.colorize(seen, [sentence]).assignment)
        assignment = _first(result.assignment)
        if assignment is None and blocks and blocks[-1].img_grp.shape[1]:
            assignment = blocks[-1].img_grp.T
        return (blocks[-1], words, assignment) if assignment is not None else (None, None, None)
    return None, None, _first(colorizer.colorize(seen, [sentence]).assignment)


def _first(assignment: Tensor | None) -> Tensor | None:
    return assignment[0].float().cpu() if assignment is not None and assignment.shape[1] else None
