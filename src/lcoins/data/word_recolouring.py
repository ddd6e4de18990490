"""Exchanges a colour word of a caption, and the colour that it names in the photo with it. Ours, not the paper's.

Photos show their things in the colours that such things have, so a model may guess a colour from the thing and need no
word. Where "a red shirt" becomes "a green shirt" in photo and caption alike, at the photo's own lightness, only the
word says which colour it was.
"""

import random
from dataclasses import dataclass

import torch
from torch import Tensor

from lcoins.captions import BASIC_COLOURS, COLOUR_LAB, ColourWord, find_colours, replaced
from lcoins.lab import fit_gamut, join_lab, split_lab

LEAST_CHROMA = 20.0  # of a word's typical colour: gray, white or beige things cannot be told from their surroundings
STRONGER = 1.5  # a colour gets at most so much stronger: what is faint stays faint
PART = (0.002, 0.4)  # of the photo: less is noise, more is more than one thing
LIGHTNESS_APART = 35.0  # L* between the thing and the new colour's typical one: no yellow thing is almost black


@dataclass(frozen=True)
class WordRecolouring:
    """Recolours ``share`` (0..1) of the photos whose caption names a chromatic colour.

    What a word names is taken from colour alone: all pixels near its typical ab (COLOUR_LAB) in direction, and at least
    two fifths as far from grey. A green shirt on grass takes the grass along, unless both are more than PART of the
    photo; masks would be exact, but few captioned photos have them.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in 0..1, not {self.share}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, captions: list[str], rng: random.Random) -> tuple[Tensor, list[str]]:
        """sRGB (B, 3, H, W) in [0, 1] and captions to the same with some recoloured; the arguments stay as they are."""
        rgb, captions = rgb.clone(), list(captions)
        for place, caption in enumerate(captions):
            words = [word for word in find_colours(caption) if _chroma(word.colour) >= LEAST_CHROMA]
            if words and rng.random() < self.share:
                changed = self._recoloured(rgb[place : place + 1], rng.choice(words), rng)
                if changed is not None:
                    rgb[place], captions[place] = changed[0][0], replaced(caption, *changed[1])
        return rgb, captions

    def _recoloured(
        self, rgb: Tensor, word: ColourWord, rng: random.Random
    ) -> tuple[Tensor, tuple[ColourWord, str]] | None:
        """The photo with what the word names in another colour, and that colour; None where nothing is named."""
        lightness, ab = split_lab(rgb)
        named = membership(ab, word.colour)
        part = float(named.mean())
        if not PART[0] <= part <= PART[1]:
            return None
        level = float((lightness * named).sum() / named.sum())
        others = [colour for colour in BASIC_COLOURS
                  if colour != word.colour and abs(COLOUR_LAB[colour][0] - level) <= LIGHTNESS_APART]  # fmt: skip
        colour = rng.choice(others)
        mixed = torch.lerp(ab, turned(ab, word.colour, colour), named)
        return join_lab(lightness, fit_gamut(lightness, mixed)), (word, colour)


def membership(ab: Tensor, colour: str) -> Tensor:
    """How far each pixel of ab (B, 2, H, W) is of a chromatic colour class: (B, 1, H, W) in 0..1."""
    a, b = COLOUR_LAB[colour][1:]
    squared = a * a + b * b
    along = (ab[:, :1] * a + ab[:, 1:] * b) / squared
    across = (ab[:, 1:] * a - ab[:, :1] * b).abs() / squared
    strong = ((along - 0.3) / 0.2).clamp(0, 1)
    straight = ((0.7 - across / along.clamp(min=0.1)) / 0.3).clamp(0, 1)
    return strong * straight


def turned(ab: Tensor, old: str, new: str) -> Tensor:
    """ab (B, 2, H, W) turned and scaled as the old class's typical colour has to be to become the new one's."""
    a, b = COLOUR_LAB[old][1:]
    to_a, to_b = COLOUR_LAB[new][1:]
    factor = complex(to_a, to_b) / complex(a, b)
    factor *= min(1.0, STRONGER / max(abs(factor), 1e-6))
    re, im = factor.real, factor.imag
    return torch.cat([ab[:, :1] * re - ab[:, 1:] * im, ab[:, :1] * im + ab[:, 1:] * re], dim=1)


def _chroma(colour: str) -> float:
    return abs(complex(*COLOUR_LAB[colour][1:]))
