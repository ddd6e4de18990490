"""Exchanges a color word of a caption, and the color that it names in the photo with it. Ours, not the paper's.

Photos show their things in the colors that such things have, so a model may guess a color from the thing and need no
word. Where "a red shirt" becomes "a green shirt" in photo and caption alike, at the photo's own lightness, only the
word says which color it was.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lcoins.color.lab import fit_gamut, join_lab, split_lab
from lcoins.color.words import BASIC_COLORS, COLOR_LAB, ColorWord, find_colors, replaced

LEAST_CHROMA = 20.0  # of a word's typical color: gray, white or beige things cannot be told from their surroundings
STRONGER = 1.5  # a color gets at most so much stronger: what is faint stays faint
PART = (0.002, 0.4)  # of the photo: less is noise, more is more than one thing
LIGHTNESS_APART = 35.0  # L* between the thing and the new color's typical one: no yellow thing is almost black


@dataclass(frozen=True)
class WordRecoloring:
    """Recolors ``share`` (0..1) of the photos whose caption names a chromatic color.

    What a word names is taken from color alone: all pixels near its typical ab (COLOR_LAB) in direction, and at least
    two fifths as far from gray. A green shirt on grass takes the grass along, unless both are more than PART of the
    photo; masks would be exact, but few captioned photos have them.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in 0..1, not {self.share}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, captions: list[str], rng: random.Random) -> tuple[Tensor, list[str]]:
        """sRGB (B, 3, H, W) in [0, 1] and captions to the same with some recolored; the arguments stay as they are."""
        drawn: list[tuple[int, ColorWord]] = []
        for place, caption in enumerate(captions):
            words = [word for word in find_colors(caption) if _chroma(word.color) >= LEAST_CHROMA]
            if words and rng.random() < self.share:
                drawn.append((place, rng.choice(words)))
        rgb, captions = rgb.clone(), list(captions)
        if not drawn:
            return rgb, captions
        lightness, ab = split_lab(rgb[[place for place, _ in drawn]])
        named = membership(ab, [word.color for _, word in drawn])
        weight = named.sum(dim=(1, 2, 3))
        level = (lightness * named).sum(dim=(1, 2, 3)) / weight.clamp(min=1e-6)
        sizes = (weight / named[0].numel()).tolist()
        exchanged: list[tuple[int, str]] = []  # of those drawn, and the new color
        for at, ((place, word), part, light) in enumerate(zip(drawn, sizes, level.tolist(), strict=True)):
            if PART[0] <= part <= PART[1]:
                others = [
                    name
                    for name in BASIC_COLORS
                    if name != word.color and abs(COLOR_LAB[name][0] - light) <= LIGHTNESS_APART
                ]
                exchanged.append((at, rng.choice(others)))
                captions[place] = replaced(captions[place], word, exchanged[-1][1])
        if exchanged:
            kept = [at for at, _ in exchanged]
            lightness, ab, named = lightness[kept], ab[kept], named[kept]
            new = turned(ab, [drawn[at][1].color for at in kept], [color for _, color in exchanged])
            mixed = torch.lerp(ab, new, named)
            rgb[[drawn[at][0] for at in kept]] = join_lab(lightness, fit_gamut(lightness, mixed))
        return rgb, captions


def membership(ab: Tensor, colors: Sequence[str]) -> Tensor:
    """How far each pixel of ab (B, 2, H, W) is of its photo's chromatic color class: (B, 1, H, W) in 0..1."""
    a, b = _typical(colors, ab)
    squared = a * a + b * b
    along = (ab[:, :1] * a + ab[:, 1:] * b) / squared
    across = (ab[:, 1:] * a - ab[:, :1] * b).abs() / squared
    strong = ((along - 0.3) / 0.2).clamp(0, 1)
    straight = ((0.7 - across / along.clamp(min=0.1)) / 0.3).clamp(0, 1)
    return strong * straight


def turned(ab: Tensor, old: Sequence[str], new: Sequence[str]) -> Tensor:
    """ab (B, 2, H, W), each photo's turned and scaled as its old color's typical ab is to become the new one's."""
    factors = []
    for before, after in zip(old, new, strict=True):
        factor = complex(*COLOR_LAB[after][1:]) / complex(*COLOR_LAB[before][1:])
        factors.append(factor * min(1.0, STRONGER / max(abs(factor), 1e-6)))
    real, imaginary = ab.new_tensor([[f.real, f.imag] for f in factors])[:, :, None, None, None].unbind(1)
    return torch.cat([ab[:, :1] * real - ab[:, 1:] * imaginary, ab[:, :1] * imaginary + ab[:, 1:] * real], dim=1)


def _typical(colors: Sequence[str], like: Tensor) -> tuple[Tensor, ...]:
    """Typical a and b of B classes, each (B, 1, 1, 1)."""
    return like.new_tensor([COLOR_LAB[color][1:] for color in colors])[:, :, None, None, None].unbind(1)


def _chroma(color: str) -> float:
    return abs(complex(*COLOR_LAB[color][1:]))
