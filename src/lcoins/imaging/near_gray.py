"""Finds photos without color to learn from, by their pixels: "black and white" in a caption is often a cow."""

import numpy as np
import torch
from PIL import Image

from lcoins.color.lab import split_lab

NEAR_GRAY = 8.0  # CIELAB chroma below which a color is hardly visible
SHARE = 0.99  # of the pixels


def high_chroma(picture: Image.Image) -> float:
    """The CIELAB chroma that 99 % of the pixels of a 64 x 64 version stay below; ``picture`` is of mode RGB."""
    small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX))
    rgb = torch.from_numpy(small.astype(np.float32) / 255).permute(2, 0, 1)[None]
    return float(split_lab(rgb)[1].square().sum(dim=1).sqrt().quantile(SHARE))


def is_near_gray(picture: Image.Image) -> bool:
    """Whether a picture of mode RGB is gray, or so faintly tinted that colorization cannot learn from it.

    A gray scene with one small red thing is not: a hundredth of the pixels in color suffices.

    >>> is_near_gray(Image.new("RGB", (9, 9), (120, 121, 119))), is_near_gray(Image.new("RGB", (9, 9), (120, 100, 80)))
    (True, False)
    """
    return high_chroma(picture) < NEAR_GRAY
