"""The contrast of a photo, from its ink to its paper, and how a faded one is brought to that of a fresh one."""

import torch
from jaxtyping import Float
from torch import Tensor

from lcoins.color.lab import from_network_lightness, to_network_lightness
from lcoins.color.margins import find_margins
from lcoins.color.strength import smooth_step

INK_PERCENTILE, PAPER_PERCENTILE = 0.5, 99.5  # of a photo's levels, which are taken as those of ink and paper
# The levels of sRGB, in 0..1, that they have in fresh photos: medians over ordinary ones. More contrast stays.
FRESH_INK, FRESH_PAPER = 0.03, 0.95
LEAST_RANGE = 0.1  # from ink to paper; less is an even surface, whose grain is not stretched
FADED_RANGE = 0.2  # from here on it is a photo; between the two it is stretched in part, so that a clip does not jump
BORDER = 0.05  # of each side, which does not count: what is left of a margin there is no part of the picture


def full_contrast(lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b 1 s s"]:
    """Lightness of photos, in 0..100, with the contrast of fresh ones; what has as much stays as it is.

    Networks that have seen fresh photos see a faded one better so. A gray's L* / 100 is within 0.04 of its level of
    sRGB, and takes its place here. The margin around a print does not count (:mod:`lcoins.color.margins`).
    """
    gain, offset = stretch(lightness)
    return (gain * lightness.float() + offset).clamp(0, 100)


def stretch(lightness: Float[Tensor, "b 1 s s"]) -> tuple[Float[Tensor, "b 1 1 1"], Float[Tensor, "b 1 1 1"]]:
    """Gain and offset by which lightness, in 0..100, gets the contrast of a fresh photo: 1 and 0 for a fresh one."""
    levels = lightness.float() / 100
    pictures = find_margins(lightness).without(levels)
    height, width = (int(side * BORDER) for side in levels.shape[-2:])
    inner = pictures[..., height : levels.shape[-2] - height, width : levels.shape[-1] - width].flatten(1)
    percentiles = levels.new_tensor([INK_PERCENTILE, PAPER_PERCENTILE]) / 100
    ink, paper = torch.quantile(inner, percentiles, dim=1)[..., None, None, None]
    darkest, lightest = ink.clamp(max=FRESH_INK), paper.clamp(min=FRESH_PAPER)
    gain = (lightest - darkest) / (paper - ink).clamp(min=LEAST_RANGE)
    share = smooth_step(paper - ink, LEAST_RANGE, FADED_RANGE)
    return 1 + share * (gain - 1), 100 * share * (darkest - ink * gain)


def full_contrast_for_network(lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b 1 s s"]:
    """Network lightness in [-1, 1], of :func:`full_contrast`, in float32."""
    return to_network_lightness(full_contrast(from_network_lightness(lightness.float())))
