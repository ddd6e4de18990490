"""Do the groups follow the objects? Compares the hard assignment of image tokens with exact masks, and over seeds.

Image tokens form a square grid in reading order. The paper has no such figures; it shows assignments as pictures
(Fig. 5).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d


@dataclass(frozen=True)
class GroupAgreement:
    """How the groups of one picture agree with its objects; see :func:`group_agreement`."""

    ari: float
    purity: float
    used: int


def token_groups(assignment: Tensor) -> Tensor:
    """The group of each image token, that of the largest entry: assignment (N_G, N_I) -> (N_I,) int64."""
    return assignment.detach().float().argmax(dim=0).cpu()


def grid_side(tokens: int) -> int:
    """The side of the square grid that ``tokens`` image tokens form; ValueError if they form none."""
    side = math.isqrt(tokens)
    if side * side != tokens:
        raise ValueError(f"expected a square grid of image tokens, got {tokens}; pass the assignment without padding")
    return side


def token_objects(masks: Tensor, tokens: int) -> Tensor:
    """The object of each image token (N_I,): 1 + the index of the mask that covers most of it, 0 for background.

    The masks (K, H, W) are disjoint; a token belongs to the mask that covers more of it than the background does and
    than any other mask.
    """
    covered = adaptive_avg_pool2d(masks.float().cpu()[None], grid_side(tokens))[0].flatten(1)
    return torch.cat([1 - covered.sum(dim=0, keepdim=True), covered]).argmax(dim=0)


def group_agreement(groups: Tensor, masks: Tensor) -> GroupAgreement:
    """Compares the groups of the image tokens (N_I,) with the objects of the masks (K, H, W) and the background.

    - ``ari``: adjusted Rand index, -0.5..1: 1 for the same partition, 0 expected for a random one and for one group.
    - ``purity``: share of the tokens that belong to the most frequent object of their group, (0, 1]. It never falls
      when groups are split; with one group it is the share of the largest object, mostly the background.
    - ``used``: number of groups with at least one token.
    """
    objects = token_objects(masks, groups.numel())
    counts = torch.zeros(int(groups.max()) + 1, len(masks) + 1)
    counts.index_put_((groups, objects), torch.ones(groups.numel()), accumulate=True)
    return GroupAgreement(
        ari=_adjusted_rand(groups, objects),
        purity=float(counts.amax(dim=1).sum() / groups.numel()),
        used=int((counts.sum(dim=1) > 0).sum()),
    )


def stability(one: Tensor, other: Tensor) -> float:
    """Mean adjusted Rand index between the groups (N, N_I) that two runs give the same N pictures; -0.5..1.

    Only which tokens share a group counts, not the group's index, which differs from seed to seed.
    """
    if one.shape != other.shape:
        raise ValueError(
            f"expected groups of the same pictures and grid, got {tuple(one.shape)} and "
            f"{tuple(other.shape)}; evaluate both runs on the same test set"
        )
    return sum(_adjusted_rand(a, b) for a, b in zip(one, other, strict=True)) / len(one)


def _adjusted_rand(one: Tensor, other: Tensor) -> float:
    from torchmetrics.functional.clustering import adjusted_rand_score  # takes seconds to import

    with torch.sparse.check_sparse_tensor_invariants(enable=True):  # PyTorch warns if left unset
        return float(adjusted_rand_score(one, other))
