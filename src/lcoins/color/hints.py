"""Colors given by hand: they spread along the edges of a photo and override what a network gives it.

As in the colorization of Levin, Lischinski and Weiss (SIGGRAPH 2004) neighbors that look alike share a color. Since a
network has colored the photo already, what spreads is not a color but a hint's say: 1 where it was given, 0 where the
network keeps its own. It is the u that minimizes, over neighbors r and s,

    sum w_rs (u_r - u_s)^2 + HOLD sum u_r^2,    w_rs = exp(-(dL / EDGE)^2 - |dab|^2 / OTHER_COLOR^2) + FAINT,

with u = 1 at the hint and 0 at all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from lcoins.color.contrast import full_contrast
from lcoins.color.lab import ab_at_lightness
from lcoins.color.names import Lab
from lcoins.color.strength import mean_under, shading, smooth_step

EDGE = 4.0  # L* between neighbors that look different
OTHER_COLOR = 6.0  # units of ab between neighbors that the network colors differently
FAINT = 1e-4  # what still passes between any two neighbors
HOLD = 3e-4  # how strongly each pixel keeps the network's color
LEAST, FULL = 0.05, 0.3  # a say up to which a hint does nothing, and from which it acts in full
BRUSH = 0.02  # of a photo's longer side: the radius of what a place stands for
STEPS, PRECISION = 1000, 1e-3  # of the conjugate gradients


@dataclass(frozen=True, eq=False)
class Hint:
    """A color for a ``region`` (S, S) with values in 0..1; with ``spreads`` it goes on to what looks alike."""

    color: Lab
    region: Tensor
    spreads: bool


def place(x: float, y: float, size: tuple[int, int], side: int) -> Tensor:
    """The region (side, side) that a hint at a place stands for, of a photo of ``size`` (width, height) in pixels.

    It is a disc on the photo, and never smaller than the pixel that holds the place.
    """
    return stroke([(x, y)], size, side)


def stroke(points: Sequence[tuple[float, float]], size: tuple[int, int], side: int) -> Tensor:
    """The region (side, side) of a line that was brushed through points (x, y), as that of :func:`place` for one."""
    width, height = size
    radius = max(BRUSH, 0.75 / side) * max(width, height)
    rows = (torch.arange(side)[:, None] + 0.5) * height / side
    columns = (torch.arange(side)[None, :] + 0.5) * width / side
    inside = torch.zeros(side, side, dtype=torch.bool)
    for x, y in points:
        inside[min(int(y * side / height), side - 1), min(int(x * side / width), side - 1)] = True
    for (x, y), (to_x, to_y) in pairwise([*points[:1], *points]):
        across, down = to_x - x, to_y - y
        along = ((columns - x) * across + (rows - y) * down) / max(across**2 + down**2, 1e-9)
        along = along.clamp(0, 1)  # of the way from one point to the next, where a pixel is nearest to it
        inside |= (columns - x - along * across) ** 2 + (rows - y - along * down) ** 2 <= radius**2
    return inside.float()


def with_hints(lightness: Tensor, ab: Tensor, hints: Sequence[Hint]) -> Tensor:
    """Colors (1, 2, S, S) in CIELAB units under hints, given lightness (1, 1, S, S) in 0..100; both on the CPU.

    Where several hints have a say, each has its share of it. A faded photo's edges are those of full contrast. Black,
    white and gray take the color away: a photo keeps its lightness.
    """
    if not hints:
        return ab
    says = torch.stack([hint.region for hint in hints])
    spreading = torch.tensor([hint.spreads for hint in hints])
    if spreading.any():
        spread = smooth_step(_spread(full_contrast(lightness), ab, says), LEAST, FULL)
        says = torch.where(spreading[:, None, None], spread, says)
    total = says.sum(dim=0, keepdim=True)
    says = says / total.clamp(min=1)
    given = sum(say * _shaded(hint.color, say, lightness[0, 0]) for say, hint in zip(says, hints, strict=True))
    return ab * (1 - says.sum(dim=0)) + given


def _shaded(color: Lab, say: Tensor, lightness: Tensor) -> Tensor:
    """The color's ab (2, S, S) as the region's lightness has it, paler in parts that are far lighter or darker."""
    mean = mean_under(say, lightness)
    return torch.tensor(ab_at_lightness(color, float(mean)))[:, None, None] * shading(lightness, mean)


def _spread(lightness: Tensor, ab: Tensor, regions: Tensor) -> Tensor:
    """The say of each of K hints (K, S, S), by conjugate gradients over the pixels where no hint was given."""
    given = regions > 0.5
    free = (~given.any(dim=0)).float()
    right, down = (_alike(lightness, ab, axis) for axis in (-1, -2))
    degree = _both(right, -1) + _both(down, -2) + HOLD

    def held(u: Tensor) -> Tensor:
        return degree * u - _neighbors(u, right, -1) - _neighbors(u, down, -2)

    u = given.float()
    residual = -free * held(u)
    toward = residual / degree
    step, ratio = toward, (residual * toward).sum(dim=(1, 2), keepdim=True)
    start = ratio.clamp(min=1e-12)
    for _ in range(STEPS):
        if bool((ratio <= PRECISION**2 * start).all()):
            break
        image = free * held(step)
        length = ratio / (step * image).sum(dim=(1, 2), keepdim=True).clamp(min=1e-20)
        u, residual = u + length * step, residual - length * image
        toward = residual / degree
        before, ratio = ratio, (residual * toward).sum(dim=(1, 2), keepdim=True)
        step = toward + ratio / before.clamp(min=1e-20) * step
    return u


def _alike(lightness: Tensor, ab: Tensor, axis: int) -> Tensor:
    """How alike each pixel and the next one along an axis are, in 0..1."""
    apart = lightness.diff(dim=axis)[0, 0] / EDGE
    colored = (ab.diff(dim=axis)[0] / OTHER_COLOR).square().sum(dim=0)
    return torch.exp(-apart.square() - colored) + FAINT


def _both(weights: Tensor, axis: int) -> Tensor:
    """Each pixel's weights to the next and to the previous one, summed."""
    return _padded(weights, axis, after=True) + _padded(weights, axis, after=False)


def _neighbors(u: Tensor, weights: Tensor, axis: int) -> Tensor:
    """The next and the previous pixel's values, weighted and summed."""
    count = u.shape[axis] - 1
    following = weights * u.narrow(axis, 1, count)
    previous = weights * u.narrow(axis, 0, count)
    return _padded(following, axis, after=True) + _padded(previous, axis, after=False)


def _padded(values: Tensor, axis: int, *, after: bool) -> Tensor:
    side = (0, 1) if after else (1, 0)
    return torch.nn.functional.pad(values, side if axis == -1 else (0, 0, *side))
