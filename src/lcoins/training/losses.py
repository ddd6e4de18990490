"""The paper's losses (3.7): chromatic, Eq. 13; counter-color, Eqs. 14-15; their weighted sum, Eq. 16."""

from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import logsigmoid, normalize, smooth_l1_loss

from lcoins.data.types import Batch
from lcoins.models.colorizer import Colorization, CounterColorization, Relevance


def chromatic_loss(
    ab: Float[Tensor, "b 2 h w"], target: Float[Tensor, "b 2 h w"], chroma_weight: float = 0.0
) -> Float[Tensor, ""]:
    """Smooth L1 with delta 1 on network ab, mean over all elements (Eq. 13 divides by pixels: twice that).

    ``chroma_weight`` is not in the paper, that is 0 there: each pixel is weighted by 1 + chroma_weight * chroma of its
    target (network scale), over the mean of these weights. Where a color is uncertain, the mean of all candidates is a
    faint brown; weighted, it moves towards the vivid ones.

    >>> chromatic_loss(torch.zeros(1, 2, 1, 1), torch.full((1, 2, 1, 1), 0.5))
    tensor(0.1250)
    """
    ab, target = ab.float(), target.float()
    if not chroma_weight:
        return smooth_l1_loss(ab, target, beta=1.0)
    weight = 1 + chroma_weight * target.norm(dim=1, keepdim=True)
    return (smooth_l1_loss(ab, target, beta=1.0, reduction="none") * (weight / weight.mean())).mean()


def similarity(words: Relevance, groups: Relevance) -> Float[Tensor, " b"]:
    """Mean cosine similarity, in [-1, 1], of all real words of the one and all groups of the other.

    The double mean of Eq. 14, before its sigmoid. It factorizes into a product of two mean unit vectors.
    """
    weight = words.mask.unsqueeze(-1).float()
    mean_word = (normalize(words.words.float(), dim=-1) * weight).sum(1) / weight.sum(1).clamp(min=1.0)
    mean_group = normalize(groups.groups.float(), dim=-1).mean(1)
    return (mean_word * mean_group).sum(-1)


def counter_color_likelihood(
    original: Relevance, recolored: Relevance, has_color: Bool[Tensor, " b"]
) -> tuple[Float[Tensor, ""], dict[str, Float[Tensor, ""]]]:
    """L_ctr of Eq. 15, a log-likelihood in [-5.26, -1.25], and the four mean similarities it is made of.

    Deviation from Eq. 15: the mean is over the captions that name a color (``has_color``) rather than over all, since
    recoloring leaves the others as they are; a batch without any gives 0. ``s_10`` pairs the recolored words with the
    original groups, ``s_01`` the original words with the recolored groups.
    """
    similarities = {
        "s_00": similarity(original, original),
        "s_10": similarity(recolored, original),
        "s_11": similarity(recolored, recolored),
        "s_01": similarity(original, recolored),
    }
    signs = {"s_00": 1, "s_10": -1, "s_11": 1, "s_01": -1}
    per_caption = torch.stack([logsigmoid(signs[name] * s) for name, s in similarities.items()]).sum(0)
    weight = has_color.to(per_caption)
    count = weight.sum().clamp(min=1.0)
    return (per_caption * weight).sum() / count, {k: (s * weight).sum() / count for k, s in similarities.items()}


@dataclass
class Losses:
    """``total`` to minimize, and every term for the log."""

    total: Float[Tensor, ""]
    terms: dict[str, Float[Tensor, ""]] = field(default_factory=dict)


class LCoInsObjective:
    """Eq. 16: alpha * L_delta + beta * L_ctr.

    L_ctr is a log-likelihood, so the paper's beta is negative (-0.0001): minimizing the total maximizes it.
    ``beta = 0`` is the ablation "w/o CL", which needs no second pass. ``chroma_weight`` is not in the paper, see
    :func:`chromatic_loss`.
    """

    varying_terms: tuple[str, ...] = ()

    def __init__(self, alpha: float, beta: float, chroma_weight: float = 0.0):
        if chroma_weight < 0:
            raise ValueError(f"chroma_weight must not be negative, not {chroma_weight}")
        if beta > 0:
            raise ValueError(f"beta weights a log-likelihood and must not be positive (the paper: -0.0001), not {beta}")
        self.alpha, self.beta, self.chroma_weight = alpha, beta, chroma_weight

    @property
    def needs_recolored(self) -> bool:
        """Whether the colorizer must run a second pass with the recolored caption."""
        return self.beta != 0

    def __call__(self, output: Colorization, batch: Batch) -> Losses:
        """Losses of a colorization against a batch's network ab, that of the original photo.

        A beta other than 0 needs a :class:`CounterColorization`.
        """
        chromatic = chromatic_loss(output.ab, batch.target_ab, self.chroma_weight)
        losses = Losses(self.alpha * chromatic, {"chromatic": chromatic.detach()})
        if self.needs_recolored:
            if not isinstance(output, CounterColorization):
                raise ValueError(
                    "the counter-color loss needs a colorization of both captions; give the model its grouping_layer "
                    "and shared_space (ablation=full), or set objective.beta to 0"
                )
            likelihood, similarities = counter_color_likelihood(
                output.relevance, output.counter_relevance, batch.has_color
            )
            losses.total = losses.total + self.beta * likelihood
            losses.terms |= {"counter_color": likelihood.detach()}
            losses.terms |= {name: value.detach() for name, value in similarities.items()}
        return losses
