"""Do the groups follow the objects? The hard assignment of image tokens against exact masks, and over seeds.

Image tokens form a square grid in reading order. Not in the paper, which shows assignments as pictures (Fig. 5).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


@dataclass(frozen=True)
class Grouping:
    """How the groups of one picture agree with its objects; see :func:`grouping`."""

    ari: float
    purity: float
    used: int


def labels_of(assignment: Tensor) -> Tensor:
    """The group of each image token: assignment (N_G, N_I) -> (N_I,) int64."""
    return assignment.detach().float().argmax(dim=0).cpu()


def grid_side(tokens: int) -> int:
    """The side of the square grid that so many image tokens form; ValueError where they form none."""
    side = math.isqrt(tokens)
    if side * side != tokens:
        raise ValueError(f"expected a square grid of image tokens, got {tokens}; pass the assignment without padding")
    return side


def token_objects(masks: Tensor, tokens: int) -> Tensor:
    """The object of each image token (N_I,): 1 + the number of the mask that covers most of it, 0 for background.

    ``masks`` (K, H, W), disjoint; a token belongs to a mask that covers more of it than the background and any other.
    """
    covered = adaptive_avg_pool2d(masks.float().cpu()[None], grid_side(tokens))[0].flatten(1)
    return torch.cat([1 - covered.sum(dim=0, keepdim=True), covered]).argmax(dim=0)


def grouping(labels: Tensor, masks: Tensor) -> Grouping:
    """Compares the groups of the image tokens, ``labels`` (N_I,), with the objects, the background being one of them.

    - ``ari``: adjusted Rand index, -0.5..1: 1 for the same partition, 0 expected for a random one and for one group.
    - ``purity``: share of the tokens that belong to the object most frequent in their group, (0, 1]. It never falls
      when groups are split; with one group it is the share of the largest object, mostly the background.
    - ``used``: groups with at least one token.
    """
    objects = token_objects(masks, labels.numel())
    counts = torch.zeros(int(labels.max()) + 1, len(masks) + 1)
    counts.index_put_((labels, objects), torch.ones(labels.numel()), accumulate=True)
    return Grouping(
        ari=_adjusted_rand(labels, objects),
        purity=float(counts.amax(dim=1).sum() / labels.numel()),
        used=int((counts.sum(dim=1) > 0).sum()),
    )


def stability(one: Tensor, other: Tensor) -> float:
    """Mean adjusted Rand index between the groups that two runs give the same pictures, labels (N, N_I); -0.5..1.

    The numbers of the groups play no part, so that groups may change places from seed to seed.
    """
    if one.shape != other.shape:
        raise ValueError(
            f"groups of different pictures or grids cannot be compared: {tuple(one.shape)} and "
            f"{tuple(other.shape)}; evaluate both runs on the same test set"
        )
    return sum(_adjusted_rand(a, b) for a, b in zip(one, other, strict=True)) / len(one)


def _adjusted_rand(one: Tensor, other: Tensor) -> float:
    from torchmetrics.functional.clustering import adjusted_rand_score  # seconds to import

    with torch.sparse.check_sparse_tensor_invariants(enable=True):  # torchmetrics leaves it open, so PyTorch warns
        return float(adjusted_rand_score(one, other))
