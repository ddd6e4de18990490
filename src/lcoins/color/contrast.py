"""The contrast of a photo, from its ink to its paper, and how a faded one is brought to that of a fresh one."""

import torch
from jaxtyping import Float
from torch import Tensor

from lcoins.color.lab import from_network_lightness, to_network_lightness

INK, PAPER = 0.5, 99.5  # percentiles of a photo's levels that are taken as ink and paper
# The levels of sRGB, in 0..1, that they have in fresh photos: medians over ordinary ones. More contrast stays.
FRESH_INK, FRESH_PAPER = 0.03, 0.95
LEAST_RANGE = 0.1  # from ink to paper; less is an even surface, whose grain is not stretched


def full_contrast(lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b 1 s s"]:
    """Lightness of photos, in 0..100, with the contrast of fresh ones; what has as much stays as it is.

    Networks that have seen fresh photos see a faded one better so. A gray's L* / 100 is within 0.04 of its level of
    sRGB, and takes its place here.
    """
    levels = lightness.flatten(1) / 100
    ink, paper = torch.quantile(levels, levels.new_tensor([INK, PAPER]) / 100, dim=1, keepdim=True)
    darkest, lightest = ink.clamp(max=FRESH_INK), paper.clamp(min=FRESH_PAPER)
    fresh = darkest + (levels - ink) * (lightest - darkest) / (paper - ink).clamp(min=LEAST_RANGE)
    fresh = torch.where(paper - ink < LEAST_RANGE, levels, fresh)
    return 100 * fresh.clamp(0, 1).unflatten(1, lightness.shape[1:])


def fresh_for_network(lightness: Float[Tensor, "b 1 s s"]) -> Float[Tensor, "b 1 s s"]:
    """Network lightness in [-1, 1] with full contrast."""
    return to_network_lightness(full_contrast(from_network_lightness(lightness.float())))
