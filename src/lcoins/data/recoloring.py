"""Exchanges a color word of a caption together with the color that it names in the photo. Not part of the paper.

Things in photos have the colors that such things usually have, so a model may guess a color from the thing and ignore
the word. Where "a red shirt" becomes "a green shirt" in photo and caption alike, at the photo's own lightness, only
the word says which color it is.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lcoins.color.lab import fit_gamut, join_lab, split_lab
from lcoins.color.words import BASIC_COLORS, COLOR_LAB, ColorWord, find_colors, replaced

MIN_CHROMA = 20.0  # of a word's typical color: gray, white or beige things cannot be told from their surroundings
MAX_GAIN = 1.5  # a color's chroma grows by at most this factor, so that what is faint stays faint
AREA = (0.002, 0.4)  # of the photo: less is noise, more is more than one thing
MAX_LIGHTNESS_GAP = 35.0  # L* between the thing and the new color's typical one: an almost black thing is never yellow


@dataclass(frozen=True)
class WordRecoloring:
    """Recolors ``share`` (0..1) of the photos whose caption names a chromatic color.

    The pixels that a word names are found by color alone: those near its typical ab (COLOR_LAB) in direction, and at
    least two fifths as far from gray. A green shirt on grass takes the grass along, unless both fill more than AREA of
    the photo. Masks would be exact, but few captioned photos have them.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1:
            raise ValueError(f"share must lie in 0..1, not {self.share}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, captions: list[str], rngs: Sequence[random.Random]) -> tuple[Tensor, list[str]]:
        """Takes sRGB (B, 3, H, W) in [0, 1], B captions and B generators, which draw for one photo each.

        Returns copies of photos and captions, in which some are recolored.
        """
        rgb, captions = rgb.clone(), list(captions)
        drawn: list[tuple[int, ColorWord]] = []
        for index, caption in enumerate(captions):
            words = [word for word in find_colors(caption) if _chroma(word.color) >= MIN_CHROMA]
            if words and rngs[index].random() < self.share:
                drawn.append((index, rngs[index].choice(words)))
        if not drawn:
            return rgb, captions
        lightness, ab = split_lab(rgb[[index for index, _ in drawn]])
        mask = soft_color_mask(ab, [word.color for _, word in drawn])
        weight = mask.sum(dim=(1, 2, 3))
        mean_lightness = (lightness * mask).sum(dim=(1, 2, 3)) / weight.clamp(min=1e-6)
        areas = (weight / mask[0].numel()).tolist()
        exchanges: list[tuple[int, str]] = []  # index in ``drawn``, new color
        for row, ((index, word), area, level) in enumerate(zip(drawn, areas, mean_lightness.tolist(), strict=True)):
            if AREA[0] <= area <= AREA[1]:
                color = rngs[index].choice(_substitutes(word.color, level))
                exchanges.append((row, color))
                captions[index] = replaced(captions[index], word, color)
        if exchanges:
            rows = [row for row, _ in exchanges]
            lightness, ab, mask = lightness[rows], ab[rows], mask[rows]
            new = exchange_color(ab, [drawn[row][1].color for row in rows], [color for _, color in exchanges])
            mixed = torch.lerp(ab, new, mask)
            rgb[[drawn[row][0] for row in rows]] = join_lab(lightness, fit_gamut(lightness, mixed))
        return rgb, captions


def _substitutes(color: str, level: float) -> list[str]:
    """The basic colors that a thing of lightness ``level`` can have instead of ``color``."""
    return [name for name in BASIC_COLORS if name != color and abs(COLOR_LAB[name][0] - level) <= MAX_LIGHTNESS_GAP]


def soft_color_mask(ab: Tensor, colors: Sequence[str]) -> Tensor:
    """Which pixels of ab (B, 2, H, W) have their photo's chromatic color class: (B, 1, H, W) in 0..1."""
    a, b = _typical(colors, ab)
    squared = a * a + b * b
    along = (ab[:, :1] * a + ab[:, 1:] * b) / squared
    across = (ab[:, 1:] * a - ab[:, :1] * b).abs() / squared
    strong = ((along - 0.3) / 0.2).clamp(0, 1)
    straight = ((0.7 - across / along.clamp(min=0.1)) / 0.3).clamp(0, 1)
    return strong * straight


def exchange_color(ab: Tensor, old: Sequence[str], new: Sequence[str]) -> Tensor:
    """Rotates and scales each photo's ab (B, 2, H, W) as takes its old color's typical ab to its new color's.

    Chroma grows by at most MAX_GAIN.
    """
    factors = []
    for before, after in zip(old, new, strict=True):
        factor = complex(*COLOR_LAB[after][1:]) / complex(*COLOR_LAB[before][1:])
        factors.append(factor * min(1.0, MAX_GAIN / max(abs(factor), 1e-6)))
    real, imaginary = ab.new_tensor([[f.real, f.imag] for f in factors])[:, :, None, None, None].unbind(1)
    return torch.cat([ab[:, :1] * real - ab[:, 1:] * imaginary, ab[:, :1] * imaginary + ab[:, 1:] * real], dim=1)


def _typical(colors: Sequence[str], like: Tensor) -> tuple[Tensor, ...]:
    """Typical a and b of B classes, each (B, 1, 1, 1)."""
    return like.new_tensor([COLOR_LAB[color][1:] for color in colors])[:, :, None, None, None].unbind(1)


def _chroma(color: str) -> float:
    return abs(complex(*COLOR_LAB[color][1:]))
