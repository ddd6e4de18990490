"""Parts of a place in a photo: where it is cut, and whether there are gaps between."""

from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from lcoins.color.strength import smooth_step

LEAST, FULL = 0.3, 0.6  # of a thing's largest probability: up to which a pixel is not its own, and from which in full
SOFT = 4.0  # pixels over which one side goes over into the other
GAP = 0.1  # of the smaller of two peaks: a place that falls below it between them has two parts


def best_cuts(weights: Float[Tensor, " s"], parts: int) -> list[int]:
    """The positions before the cuts that part weights into two or three with the largest variance between them.

    In a gap, its middle.
    """
    share = weights / weights.sum().clamp(min=1e-6)
    at = torch.arange(len(weights), device=weights.device).to(weights)
    mass, moment = share.cumsum(0), (share * (at - (share * at).sum())).cumsum(0)
    first, middle, last = (
        moments.square() / masses.clamp(min=1e-6)
        for masses, moments in (
            (mass, moment),
            (mass - mass[:, None], moment - moment[:, None]),  # from behind the row up to the column
            (1 - mass, moment),
        )
    )
    between = first[:, None] + middle.triu() + last[None, :]
    if parts == 2:  # the second cut behind everything
        return [_mean_place(between[:, -1])[0]]
    return _mean_place(between.triu())


def _mean_place(values: Tensor) -> list[int]:
    """Where values are the largest: the mean of all such places."""
    return (values >= values.amax() * (1 - 1e-5)).nonzero().float().mean(dim=0).long().tolist()


def cut_at(place: Float[Tensor, "s s"], cuts: list[int], axis: int) -> dict[int, Float[Tensor, "s s"]]:
    """The parts of a place before the first cut along an axis, -1, behind the last, 1, and between two, 0."""
    at = torch.arange(place.shape[axis], device=place.device)
    before = [torch.sigmoid((cut - at) / SOFT) for cut in cuts]
    shares = {-1: before[0], 1: 1 - before[-1]} | ({0: before[1] - before[0]} if len(cuts) > 1 else {})
    return {part: place * (share[:, None] if axis == 0 else share[None, :]) for part, share in shares.items()}


def have_gaps(weights: Float[Tensor, " s"], cuts: list[int]) -> bool:
    """Whether weights along an axis fall to almost nothing between the peaks of any two parts that follow each other.

    A cut names the last position before it.
    """
    ends = [0, *(cut + 1 for cut in cuts), len(weights)]
    if any(start >= end for start, end in pairwise(ends)):
        return False
    peaks = [start + int(weights[start:end].argmax()) for start, end in pairwise(ends)]
    return all(
        float(weights[one : other + 1].amin()) < GAP * float(torch.minimum(weights[one], weights[other]))
        for one, other in pairwise(peaks)
    )


def axis_apart(own: Float[Tensor, "s s"]) -> int:
    """The axis along which two parts of a place lie apart: the one with the deeper valley between them, 1 if equal."""
    depths = []
    for axis in (1, 0):
        weights = own.sum(dim=1 - axis)
        cut = best_cuts(weights, 2)[0] + 1
        if 0 < cut < len(weights):
            one, other = int(weights[:cut].argmax()), cut + int(weights[cut:].argmax())
            lower = torch.minimum(weights[one], weights[other]).clamp(min=1e-6)
            depths.append((float(weights[one : other + 1].amin() / lower), -axis))
    return -min(depths)[1] if depths else 1


def lower_end(part: Float[Tensor, "s s"]) -> float:
    """How far down a part reaches, 0..1, but for the lowest twentieth of it."""
    share = part.sum(dim=1).cumsum(0) / part.sum().clamp(min=1e-6)
    return float((share < 0.95).float().mean())


def relative(place: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """The probabilities of a place as shares of the largest."""
    return place / place.amax().clamp(min=1e-6)


def own_share(place: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """How far a pixel is one of the place, 0..1."""
    return smooth_step(relative(place), LEAST, FULL)
