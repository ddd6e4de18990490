"""Restores old prints before their lightness is read: removes their tint and stretches faded contrast.

A sepia print is a gray picture in which every channel runs from the color of the ink to that of the paper.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lcoins.color import lab
from lcoins.color.contrast import FRESH_INK, FRESH_PAPER, INK_PERCENTILE, LEAST_RANGE, PAPER_PERCENTILE

Levels = NDArray[np.uint8 | np.uint16]

# A channel whose mean, on the way from ink to paper, is brighter than another's by more than this counts as clipped.
_CLIPPED = 0.02
_CHANNELS = np.array([0.299, 0.587, 0.114], dtype=np.float32)  # weights of gray: ITU-R BT.601

# A print is tinted if its mean color is at least _TINT from gray, in ab, and pixels differ by at most _SPREAD, or
# _SPREAD_TO_TINT of the tint, from the mean color of equally light ones: 1 to 4 in prints, 12 in color photos.
_TINT, _SPREAD, _SPREAD_TO_TINT = 5.0, 4.0, 0.25


@dataclass(frozen=True)
class Tone:
    """The colors of a print's ink and paper, (3,) as sRGB in [0, 1], and the weight of each channel, in sum 1."""

    ink: NDArray[np.float32]
    paper: NDArray[np.float32]
    weights: NDArray[np.float32]

    def gray(self, levels: Levels) -> NDArray[np.uint16]:
        """Levels (H, W, 3) of the print to those of the gray picture, (H, W) in 0..65535.

        A pixel's gray is its position on the way from ink to paper.
        """
        ink, paper = float(self.ink @ self.weights), float(self.paper @ self.weights)
        darkest, lightest = min(ink, FRESH_INK), max(paper, FRESH_PAPER)
        if paper - ink < LEAST_RANGE:
            darkest, lightest = ink, paper
        position = (levels @ (self.weights / np.iinfo(levels.dtype).max) - ink) / max(paper - ink, 1e-6)
        return np.rint(np.clip(darkest + position * (lightest - darkest), 0, 1) * 65535).astype(np.uint16)


def read_tone(sample: Levels) -> Tone:
    """The tone of a print from some of its pixels (N, 3), without what surrounds the picture.

    In a tinted print a channel that is clipped where others are not, as a sepia filter clips red, carries nothing of
    the highlights and gets no weight.
    """
    rgb = sample / np.float32(np.iinfo(sample.dtype).max)
    ink, paper = np.percentile(rgb, (INK_PERCENTILE, PAPER_PERCENTILE), axis=0).astype(np.float32)
    position = ((rgb - ink) / np.maximum(paper - ink, 1 / 255)).mean(axis=0)
    counts = (position <= position.min() + _CLIPPED) | (not is_tinted(sample))
    weights = np.where(counts, _CHANNELS, 0).astype(np.float32)
    return Tone(ink, paper, weights / weights.sum())


def is_tinted(sample: Levels) -> bool:
    """Whether pixels (N, 3) are those of a gray picture with a tint: equally light ones have the same color."""
    rgb = torch.from_numpy(sample / np.float32(np.iinfo(sample.dtype).max))
    lightness, ab = (channels[0, :, :, 0].numpy() for channels in lab.split_lab(rgb.T[None, :, :, None]))
    tint = float(np.linalg.norm(ab.mean(axis=1)))
    level = np.clip(lightness[0] * 0.64, 0, 63).astype(int)
    count = np.maximum(np.bincount(level, minlength=64), 1)
    usual = np.stack([np.bincount(level, channel, minlength=64) / count for channel in ab])
    spread = float(np.sqrt(((ab - usual[:, level]) ** 2).sum(axis=0).mean()))
    return tint >= _TINT and spread <= min(_SPREAD, _SPREAD_TO_TINT * tint)
