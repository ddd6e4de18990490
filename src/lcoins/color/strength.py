"""How strongly a color acts, pixel by pixel: what the sentence's words, hints and repainted things have in common."""

from torch import Tensor

SHADING = 0.25  # share of the chroma that is lost where a part of a photo is FAR lighter or darker than on the whole
FAR = 45.0  # L*


def shading(lightness: Tensor, mean: Tensor | float) -> Tensor:
    """The share of its chroma that a color keeps at each lightness, in a part of a photo with this ``mean``; in L*."""
    return 1 - SHADING * ((lightness - mean).abs() / FAR).clamp(max=1)


def mean_under(share: Tensor, lightness: Tensor) -> Tensor:
    """The mean L* of a part of a photo, given how far each pixel belongs to it."""
    return (share * lightness).sum() / share.sum().clamp(min=1e-6)


def smooth_step(values: Tensor, least: float, full: float) -> Tensor:
    """0 up to ``least``, 1 from ``full`` on, and between them a rise without a kink."""
    share = ((values - least) / (full - least)).clamp(0, 1)
    return share * share * (3 - 2 * share)
