"""The loss of grounding: a map of each name against the mask of what it means. Not part of the paper."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, normalize

from lcoins.color.sides import PLACE_WORDS
from lcoins.data.types import Batch, SaidPlace
from lcoins.models.grounding import Grounded, SaidColor
from lcoins.training.losses import Losses


class GroundingObjective:
    """What cells belong to a name, as cross-entropy and dice loss; and what name a region has, among those of a batch.

    Args:
        dice_weight: weight of the dice loss, in which a small thing counts as much as a large one.
        names_weight: weight of the cross-entropy of names, by which things are told apart.
        guessed_weight: of a name whose place was guessed from colors, compared with one whose mask is known.
        absent_weight: of a name of what the photo does not show, in the loss of cells; outlines may be missing.
    """

    needs_recolored = False
    varying_terms: tuple[str, ...] = ()

    def __init__(self, dice_weight: float, names_weight: float, guessed_weight: float, absent_weight: float) -> None:
        self.dice_weight, self.names_weight = dice_weight, names_weight
        self.guessed_weight, self.absent_weight = guessed_weight, absent_weight

    def __call__(self, grounded: Grounded, masks: Float[Tensor, "k g g"], said: Sequence["KnownColor"]) -> Losses:
        """The losses of K names, at least one, that a batch knows the masks of."""
        logits = grounded.logits.float()
        present = masks.flatten(1).any(dim=1)
        weights = logits.new_tensor([1.0 if one.place.certain else self.guessed_weight for one in said])
        weights = weights * torch.where(present, 1.0, self.absent_weight)
        cells = binary_cross_entropy_with_logits(logits, masks, reduction="none").mean(dim=(1, 2))
        dice = (1 - overlap(logits.sigmoid(), masks)) * present
        names = torch.zeros_like(cells)
        if present.any():
            names[present] = name_loss(grounded, masks, [one.color.name for one in said])[present]
        terms = {
            name: (each * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)  # all may be 0
            for name, each in (("cells", cells), ("dice", dice), ("names", names))
        }
        total = terms["cells"] + self.dice_weight * terms["dice"] + self.names_weight * terms["names"]
        return Losses(total, {name: term.detach() for name, term in terms.items()})

    def nothing(self, device: torch.device) -> Losses:
        """The losses of no names: the same terms, all 0."""
        zero = torch.zeros((), device=device)
        return Losses(zero, {"cells": zero, "dice": zero, "names": zero})


def name_loss(grounded: Grounded, masks: Float[Tensor, "k g g"], things: Sequence[str]) -> Float[Tensor, " k"]:
    """Cross-entropy of the name that the cells of each mask have on average, among all names of the batch.

    A name that shares a noun with another ("left cup", "cups and a cup") is no wrong answer for it.
    """
    regions = masks.flatten(1).split(grounded.counts)
    seen = torch.cat([region @ cells for region, cells in zip(regions, grounded.cells.float(), strict=True)])
    likeness = grounded.contrast * normalize(seen, dim=1) @ grounded.names.float().T
    nouns = [frozenset(thing.split()) - PLACE_WORDS or frozenset((thing,)) for thing in things]
    same = torch.tensor([[bool(one & other) for other in nouns] for one in nouns], device=seen.device)
    itself = torch.eye(len(nouns), dtype=torch.bool, device=seen.device)
    likeness = likeness.masked_fill(same & ~itself, float("-inf"))
    return cross_entropy(likeness, torch.arange(len(nouns), device=seen.device), reduction="none")


def overlap(shares: Float[Tensor, "k g g"], masks: Float[Tensor, "k g g"]) -> Float[Tensor, " k"]:
    """The dice coefficient of each pair, one cell added to both: 1 where they are the same."""
    both = (shares * masks).sum(dim=(1, 2))
    return (2 * both + 1) / (shares.sum(dim=(1, 2)) + masks.sum(dim=(1, 2)) + 1)


@dataclass(frozen=True, eq=False)
class KnownColor:
    """A color of a caption, and the place of what it speaks of."""

    color: SaidColor
    place: SaidPlace


def known_colors(batch: Batch, said: Sequence[SaidColor]) -> list[KnownColor]:
    """Those of the said colors whose places a batch knows; of a thing that a crop's captions name again, the first."""
    found: dict[tuple[int, str], KnownColor] = {}
    for color in said:
        crop = color.caption if batch.crop is None else int(batch.crop[color.caption])
        for place in batch.places[color.caption]:
            if color.phrase.start < place.end and place.start < color.phrase.end:
                found.setdefault((crop, color.name), KnownColor(color, place))
    return list(found.values())


def cells_of(known: Sequence[KnownColor], grid: int) -> Float[Tensor, "k g g"]:
    """The share of each cell of a grid that belongs to each place."""
    return torch.stack([adaptive_avg_pool2d(one.place.mask[None].float(), grid)[0] for one in known])
