"""Losses for photos whose instances were repainted: the painted pixels count more, and pairs of views are compared."""

import torch
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from lcoins.data.types import Batch
from lcoins.models.colorizer import Colorization
from lcoins.training.losses import LCoInsObjective, Losses


class InstanceObjective(LCoInsObjective):
    """The paper's losses, and two terms for repainted instances (batch.emphasis (B, 1, H, W), 0 where unpainted).

    - Painted pixels: smooth L1 with the smaller ``painted_delta`` (network ab), which pulls a small mistake as hard as
      a large one and so does not settle for a pale color, times ``painted_weight`` and the pixel's emphasis.
    - Difference, ``difference_weight``: of any two views of one crop that differ only in paint and words, the
      difference of the answers against the difference of the targets, smooth L1 with ``difference_delta``. It is
      exact where the true color is anybody's guess: what was not painted must not follow the words; it counts
      ``outside_weight`` times. A small delta has a dead zone from which training does not start: until the model
      places a thing with confidence, no color at all is the best answer.
    """

    def __init__(
        self,
        alpha: float,
        beta: float = 0.0,
        chroma_weight: float = 0.0,
        painted_weight: float = 1.5,
        painted_delta: float = 0.2,
        difference_weight: float = 5.0,
        difference_delta: float = 1.0,
        outside_weight: float = 1.0,
    ) -> None:
        super().__init__(alpha, beta, chroma_weight)
        self.painted_weight, self.painted_delta = painted_weight, painted_delta
        self.difference_weight, self.difference_delta = difference_weight, difference_delta
        self.outside_weight = outside_weight

    def __call__(self, output: Colorization, batch: Batch) -> Losses:
        losses = super().__call__(output, batch)
        if batch.emphasis is None:
            return losses
        ab, target = output.ab.float(), batch.target_ab.float()
        emphasis = batch.emphasis.to(ab)
        painted = (smooth_l1_loss(ab, target, beta=self.painted_delta, reduction="none") * emphasis).mean()
        losses.total = losses.total + self.painted_weight * painted
        losses.terms["painted"] = painted.detach()
        if batch.crop is not None:
            first, second = pairs_of_views(batch.crop).to(ab.device)
            both = torch.maximum(emphasis[first], emphasis[second])
            inside, outside = difference_loss(
                ab[first] - ab[second], target[first] - target[second], both, self.difference_delta
            )
            share = float((batch.crop.bincount()[batch.crop] > 1).float().mean())
            losses.total = losses.total + share * self.difference_weight * (inside + self.outside_weight * outside)
            losses.terms |= {"difference_inside": inside.detach(), "difference_outside": outside.detach()}
        return losses


def pairs_of_views(crop: Tensor) -> Tensor:
    """All pairs of views of one crop, from the views' crop numbers (B,): places (2, P).

    >>> pairs_of_views(torch.tensor([0, 0, 1, 2, 2])).tolist()
    [[0, 3], [1, 4]]
    """
    same = (crop[:, None] == crop[None]).triu(diagonal=1)
    return torch.stack(same.nonzero(as_tuple=True))


def difference_loss(got: Tensor, wanted: Tensor, emphasis: Tensor, delta: float) -> tuple[Tensor, Tensor]:
    """Smooth L1 of differences of network ab (P, 2, H, W): what painted pixels and what all others add to the mean.

    Painted pixels, emphasis (P, 1, H, W) above 0, count that much.
    """
    each = smooth_l1_loss(got, wanted, beta=delta, reduction="none")
    return (each * emphasis).mean(), (each * (emphasis == 0)).mean()
