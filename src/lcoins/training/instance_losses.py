"""Losses for photos whose instances were repainted: painted pixels count more, and views of a crop are compared.

Not part of the paper.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import smooth_l1_loss

from lcoins.data.types import Batch
from lcoins.models.colorizer import Colorization
from lcoins.training.losses import LCoInsObjective, Losses


class InstanceObjective(LCoInsObjective):
    """The paper's losses, and two of ours for repainted instances, on network ab.

    - Painted pixels, ``painted_weight``: smooth L1 with the small ``painted_delta``, which pulls a small mistake as
      hard as a large one and so does not settle for a pale color, times the emphasis of each pixel.
    - Difference, ``difference_weight``: of any two views of a crop, which differ only in paint and words, the
      difference of the answers against the difference of the targets, smooth L1 with ``difference_delta``. It is exact
      where the true color is anybody's guess: what was not painted must not follow the words, and counts
      ``outside_weight`` times. A small delta has a dead zone from which training does not start: until the model places
      a thing with confidence, no color at all is the best answer.

    ``alpha``, ``beta`` and ``chroma_weight`` are those of :class:`~lcoins.training.losses.LCoInsObjective`.
    """

    varying_terms = ("painted", "difference_inside", "difference_outside")

    def __init__(
        self,
        alpha: float,
        beta: float,
        chroma_weight: float,
        painted_weight: float,
        painted_delta: float,
        difference_weight: float,
        difference_delta: float,
        outside_weight: float,
    ) -> None:
        super().__init__(alpha, beta, chroma_weight)
        for name, value in (("painted_delta", painted_delta), ("difference_delta", difference_delta)):
            if value <= 0:
                raise ValueError(f"objective.{name}: expected more than 0, got {value}")
        self.painted_weight, self.painted_delta = painted_weight, painted_delta
        self.difference_weight, self.difference_delta = difference_weight, difference_delta
        self.outside_weight = outside_weight

    def __call__(self, output: Colorization, batch: Batch) -> Losses:
        """Losses against a batch, which has ``emphasis`` where something was painted, and ``crop`` if it has views."""
        losses = super().__call__(output, batch)
        if batch.emphasis is None:
            return losses
        ab, target = output.ab.float(), batch.target_ab.float()
        emphasis = batch.emphasis.to(ab)
        painted = painted_loss(ab, target, emphasis, self.painted_delta)
        losses.total = losses.total + self.painted_weight * painted
        losses.terms["painted"] = painted.detach()
        if batch.crop is not None:
            first, second = pairs_of_views(batch.crop).to(ab.device)
            inside, outside = difference_loss(
                ab[first] - ab[second],
                target[first] - target[second],
                torch.maximum(emphasis[first], emphasis[second]),
                self.difference_delta,
            )
            share = float((batch.crop.bincount()[batch.crop] > 1).float().mean())  # of the batch, that has other views
            losses.total = losses.total + share * self.difference_weight * (inside + self.outside_weight * outside)
            losses.terms |= {"difference_inside": inside.detach(), "difference_outside": outside.detach()}
        return losses


def painted_loss(
    ab: Float[Tensor, "b 2 h w"], target: Float[Tensor, "b 2 h w"], emphasis: Float[Tensor, "b 1 h w"], delta: float
) -> Float[Tensor, ""]:
    """Smooth L1 on network ab times the emphasis of each pixel, which is 0 where nothing was painted; mean over all."""
    return (smooth_l1_loss(ab, target, beta=delta, reduction="none") * emphasis).mean()


def pairs_of_views(crop: Int[Tensor, " b"]) -> Int[Tensor, "2 p"]:
    """All pairs of views of one crop, from the number of each view's crop: their indices in the batch.

    >>> pairs_of_views(torch.tensor([0, 0, 1, 2, 2])).tolist()
    [[0, 3], [1, 4]]
    """
    same = (crop[:, None] == crop[None]).triu(diagonal=1)
    return torch.stack(same.nonzero(as_tuple=True))


def difference_loss(
    given: Float[Tensor, "p 2 h w"], wanted: Float[Tensor, "p 2 h w"], emphasis: Float[Tensor, "p 1 h w"], delta: float
) -> tuple[Float[Tensor, ""], Float[Tensor, ""]]:
    """Smooth L1 of differences of network ab: what painted pixels, and what all others, add to the mean.

    A pixel of emphasis above 0 is painted and counts that much, any other once.
    """
    each = smooth_l1_loss(given, wanted, beta=delta, reduction="none")
    return (each * emphasis).mean(), (each * (emphasis == 0)).mean()
