"""Colors and places that follow the photo's edges.

Colors: ab of a small square is brought to full size by the photo's own lightness. The guided filter of He, Sun and Tang
(TPAMI 2013) in its fast form (He and Sun, 2015): around each pixel of the small square ab is a linear function of
lightness; slope and offset are enlarged, not ab, and meet the full-size lightness. So a color ends where the lightness
has its edge, which bilinear enlargement blurs over several pixels.

Places: how far pixels belong to a thing is known by coarse cells. Weighted least squares (Farbman et al., SIGGRAPH
2008), as in the random walker with priors (Grady, CVPR 2005), let each pixel agree with its like neighbors.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from lcoins.color.contrast import stretch

REACH = 1 / 40  # of the square's side: the radius of a pixel's surroundings; a larger one mutes and spreads colors
FLATNESS = 1e-3  # variance of lightness / 100, in full contrast, below which surroundings are flat and get no slope
LIKE = 3.0  # units of L* between neighbors over which the weight of their agreement falls to 1 / e
CARRIED = 1 / 17  # of the side: how far a sure share reaches into others where no edge is
DOUBT = 0.01  # weight of a share of a half, beside that of one that is surely 0 or 1
TINY = 1e-20  # in place of 0 as a divisor
STEPS = 60  # of conjugate gradients; twice as many change nothing that is seen


def follow_edges(lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """Slope and offset, (B, 2, S, S) each, of ab over lightness / 100: ab = slope * lightness / 100 + offset.

    ``lightness`` (B, 1, S, S) in 0..100 and ``ab`` (B, 2, S, S) are those of the small square. The edges of a faded
    photo count as they would in full contrast (:mod:`lcoins.color.contrast`).
    """
    radius = max(1, round(REACH * ab.shape[-1]))
    guide = lightness / 100
    mean_guide, mean_ab = box_mean(guide, radius), box_mean(ab, radius)
    covariance = box_mean(guide * ab, radius) - mean_guide * mean_ab
    variance = box_mean(guide * guide, radius) - mean_guide * mean_guide
    gain, _ = stretch(lightness)
    slope = covariance / (variance + FLATNESS / gain.square())
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


def settled(lightness: Float[Tensor, "s s"], shares: Float[Tensor, "k s s"]) -> Float[Tensor, "k s s"]:
    """Shares in 0..1 that agree with those of like neighbors, and stay as they were where they were sure.

    ``lightness`` is in 0..100. Each result is the least of a sum of squares: of the differences between neighbors,
    weighted by how little their L* differ, and of the differences from the share before, weighted by how near that was
    to 0 or 1. The linear system is solved by conjugate gradients with the diagonal as preconditioner.
    """
    upper, lower = (..., slice(None, -1), slice(None)), (..., slice(1, None), slice(None))
    left, right = (..., slice(None, -1)), (..., slice(1, None))
    links = [
        (one, other, ((lightness[one] - lightness[other]).abs() / -LIKE).exp())
        for one, other in ((upper, lower), (left, right))
    ]
    loyalty = ((2 * shares - 1).square() + DOUBT) / (CARRIED * shares.shape[-1]) ** 2
    diagonal = loyalty.clone()
    for one, other, likeness in links:
        diagonal[one] += likeness
        diagonal[other] += likeness

    def system(values: Tensor) -> Tensor:
        result = loyalty * values
        for one, other, likeness in links:
            flow = likeness * (values[other] - values[one])
            result[one] -= flow
            result[other] += flow
        return result

    result = shares.clone()
    rest = loyalty * shares - system(result)
    direction = rest / diagonal
    size = (rest * direction).sum(dim=(1, 2), keepdim=True)
    for _ in range(STEPS):
        product = system(direction)
        step = size / (direction * product).sum(dim=(1, 2), keepdim=True).clamp(min=TINY)
        result += step * direction
        rest -= step * product
        preconditioned = rest / diagonal
        before, size = size, (rest * preconditioned).sum(dim=(1, 2), keepdim=True)
        direction = preconditioned + size / before.clamp(min=TINY) * direction
    return result.clamp(0, 1)
