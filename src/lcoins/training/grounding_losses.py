"""The loss of grounding: a map of each name against the mask of what it means. Not part of the paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, normalize

from lcoins.color.sides import PLACE_WORDS, is_worn, last_noun
from lcoins.color.word_kinds import NATURE, PERSONS, SURFACES
from lcoins.data.types import Batch, SaidPlace
from lcoins.models.grounding import FOUND, Grounded, SaidColor
from lcoins.models.other_names import USUAL
from lcoins.training.losses import Losses

LIKELIEST = 16  # cells, of 1,600, by which a photo is said to show a name
ALIKE = 3  # letters at the beginning by which words count as forms of one word


class GroundingObjective:
    """What cells belong to a name, as cross-entropy and dice loss; and what name a region has, among those of a batch.

    Args:
        dice_weight: weight of the dice loss, in which a small thing counts as much as a large one.
        names_weight: weight of the cross-entropy of names, by which things are told apart.
        guessed_weight: of a name whose place was guessed from colors, compared with one whose mask is known.
        absent_weight: of a name of what the photo does not show, in the loss of cells; outlines may be missing.
        elsewhere_weight: weight of how far each name is found in the batch's other photos, which do not show it.
    """

    needs_recolored = False

    def __init__(
        self,
        dice_weight: float,
        names_weight: float,
        guessed_weight: float,
        absent_weight: float,
        elsewhere_weight: float,
    ) -> None:
        self.dice_weight, self.names_weight, self.elsewhere_weight = dice_weight, names_weight, elsewhere_weight
        self.guessed_weight, self.absent_weight = guessed_weight, absent_weight

    def __call__(
        self,
        grounded: Grounded,
        masks: Float[Tensor, "k g g"],
        said: Sequence["KnownColor"],
        shown: Sequence[frozenset[str]],
    ) -> Losses:
        """The losses of K names, at least one, that a batch knows the masks of; ``shown`` are words for its photos."""
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
            name: (each * weights).sum() / weights.sum()
            for name, each in (("cells", cells), ("dice", dice), ("names", names))
        }
        terms["elsewhere"] = elsewhere_loss(grounded, [one.color.name for one in said], shown)
        total = terms["cells"] + self.dice_weight * terms["dice"] + self.names_weight * terms["names"]
        total = total + self.elsewhere_weight * terms["elsewhere"]
        return Losses(total, {name: term.detach() for name, term in terms.items()})

    def nothing(self, device: torch.device) -> Losses:
        """The losses of no names: the same terms, all 0."""
        zero = torch.zeros((), device=device)
        return Losses(zero, {"cells": zero, "dice": zero, "names": zero, "elsewhere": zero})


def elsewhere_loss(grounded: Grounded, things: Sequence[str], shown: Sequence[frozenset[str]]) -> Float[Tensor, ""]:
    """How far names are found in photos that do not show them, by the logits of their likeliest cells.

    A name that is not found there costs nothing, so that names are not made less likely where they belong.
    """
    absent = torch.tensor([[is_absent(thing, words) for words in shown] for thing in things])
    if not absent.any():
        return grounded.logits.new_zeros(())
    of_photos = grounded.everywhere().float()[absent.to(grounded.logits.device)]
    likeliest = of_photos.topk(min(LIKELIEST, of_photos.shape[1]), dim=1).values
    return (likeliest - math.log(FOUND / (1 - FOUND))).clamp(min=0).mean()


def is_absent(thing: str, shown: frozenset[str]) -> bool:
    """Whether a photo surely does not show a thing, given the words for what it is known to show.

    Nobody names all that people wear, nor each sky, lawn and wall; and where nothing is known, nothing is sure.

    >>> shown = frozenset(("a", "dog", "on", "grass"))
    >>> is_absent("buses", shown), is_absent("dogs", shown), is_absent("wall", shown), is_absent("shirt", shown)
    (True, False, False, True)
    """
    noun = last_noun(thing)
    if not shown or noun in NATURE | SURFACES or (is_worn(thing) and not PERSONS.isdisjoint(shown)):
        return False
    names = f"{thing} {USUAL.get(noun, noun)}".split()
    return _beginnings(shown).isdisjoint(word[:ALIKE] for word in names)


@lru_cache(maxsize=256)
def _beginnings(words: frozenset[str]) -> frozenset[str]:
    return frozenset(word[:ALIKE] for word in words)


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
