"""Colors that follow the photo's edges: ab of a small square brought to full size by the photo's own lightness.

The guided filter of He, Sun and Tang (TPAMI 2013) in its fast form (He and Sun, 2015): around each pixel of the small
square ab is a linear function of lightness; slope and offset are enlarged, not ab, and meet the full-size lightness. So
a color ends where the lightness has its edge, which bilinear enlargement blurs over several pixels.
"""

from torch import Tensor
from torch.nn.functional import avg_pool2d

REACH = 1 / 40  # of the square's side: the radius of a pixel's surroundings; a larger one mutes and spreads colors
FLATNESS = 1e-3  # variance of lightness / 100 below which surroundings count as flat and get no slope


def follow_edges(
    lightness: Tensor, ab: Tensor, reach: float = REACH, flatness: float = FLATNESS
) -> tuple[Tensor, Tensor]:
    """Slope and offset, (B, 2, S, S) each, of ab over lightness / 100: ab = slope * lightness / 100 + offset.

    ``lightness`` (B, 1, S, S) in 0..100 and ``ab`` (B, 2, S, S) are those of the small square; any other values that
    should end at the photo's edges, in any number of channels, take the place of ab.
    """
    radius = max(1, round(reach * ab.shape[-1]))
    guide = lightness / 100
    mean_guide, mean_ab = box_mean(guide, radius), box_mean(ab, radius)
    covariance = box_mean(guide * ab, radius) - mean_guide * mean_ab
    variance = box_mean(guide * guide, radius) - mean_guide * mean_guide
    slope = covariance / (variance + flatness)
    offset = mean_ab - slope * mean_guide
    return box_mean(slope, radius), box_mean(offset, radius)


def colors_at(lightness: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    """ab (B, 2, H, W) of a ``lightness`` (B, 1, H, W) in 0..100, from slope and offset of its size."""
    return offset + slope * lightness / 100


def box_mean(values: Tensor, radius: int) -> Tensor:
    """The mean over squares of 2 radius + 1 pixels, cut at the border: of columns first, then of rows."""
    side = 2 * radius + 1
    columns = avg_pool2d(values, (side, 1), stride=1, padding=(radius, 0), count_include_pad=False)
    return avg_pool2d(columns, (1, side), stride=1, padding=(0, radius), count_include_pad=False)
