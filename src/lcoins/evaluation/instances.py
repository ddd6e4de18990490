"""What is measured with exact instance masks: color words, color differences, bleeding, background, recoloring, groups.

Everything works on one picture: ab (2, H, W) in CIELAB units, lightness (1, H, W) in 0..100, masks (K, H, W) bool,
disjoint. :class:`InstanceEvaluator` collects the figures of many pictures. The paper has no such figures; it shows
instance awareness by pictures.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from skimage.color import deltaE_ciede2000
from torch import Tensor
from torch.nn.functional import max_pool2d

from lcoins.color.words import find_colors
from lcoins.data.types import Instances
from lcoins.evaluation.groups import group_agreement
from lcoins.evaluation.obedience import MIN_WORD_DISTANCE, NamedColors, Palette, chance_level, mean_ab, name_colors

RING = 0.05  # width of the ring around a mask, as a share of the picture's longer side

Columns = dict[str, float]  # figures of one pair by column of the CSV file


def named_delta_e(lightness: Tensor, ab: Tensor, masks: Tensor, words: Sequence[str], palette: Palette) -> list[float]:
    """CIEDE2000 between each instance and the color that its word names, both at the photo's own lightness.

    For instance k: mean over its pixels of ``dE00((L, a, b), (L, a_w, b_w))``, (a_w, b_w) the palette's ab of its word.
    Range 0 to about 100; 1 is just visible. Not 0 for the truth, whose colors vary and stay inside sRGB.

    Args:
        lightness: L* (1, H, W) of the photo.
        ab: Predicted ab (2, H, W).
        masks: Masks of the K instances, (K, H, W).
        words: Color word of each instance.
        palette: Color word -> CIELAB.
    """
    differences = []
    for mask, word in zip(masks, words, strict=True):
        painted = torch.cat([lightness[:, mask], ab[:, mask]]).T.double().cpu().numpy()
        named = painted.copy()
        named[:, 1:] = palette[word][1:]
        differences.append(float(deltaE_ciede2000(painted, named).mean()))
    return differences


@dataclass(frozen=True)
class MaskRegions:
    """The regions of one picture: ``masks`` and ``rings`` (K, H, W), ``background`` (H, W), all bool.

    A ring is what lies within 5 % of the picture's longer side of a mask and in no mask; the background is the rest.
    """

    masks: Tensor
    rings: Tensor
    background: Tensor


def mask_regions(masks: Tensor) -> MaskRegions:
    """The regions of a picture with these disjoint masks (K, H, W)."""
    width = max(1, round(RING * max(masks.shape[-2:])))
    grown = masks[:, None].float()
    for kernel, padding in (((2 * width + 1, 1), (width, 0)), ((1, 2 * width + 1), (0, width))):  # one axis at a time
        grown = max_pool2d(grown, kernel, stride=1, padding=padding)
    rings = (grown[:, 0] > 0) & ~masks.any(dim=0)
    return MaskRegions(masks, rings, ~(masks | rings).any(dim=0))


def ab_error(ab: Tensor, truth: Tensor) -> Tensor:
    """Distance of each pixel to its true color on the ab plane, (H, W) >= 0."""
    return torch.hypot(*(ab - truth))


def bleeding(ab: Tensor, truth: Tensor, regions: MaskRegions) -> float | None:
    """Mean :func:`ab_error` in the rings around the masks, >= 0: color that runs over the edge, or is missing there.

    The mean is over rings, so that a small instance counts as much as a large one. None if no ring has a pixel.
    """
    error = ab_error(ab, truth)
    means = [float(error[ring].mean()) for ring in regions.rings if bool(ring.any())]
    return sum(means) / len(means) if means else None


def background_error(ab: Tensor, truth: Tensor, regions: MaskRegions) -> float | None:
    """Mean :func:`ab_error` in the background, >= 0. None if there is no background."""
    return float(ab_error(ab, truth)[regions.background].mean()) if bool(regions.background.any()) else None


@dataclass(frozen=True)
class InstanceResponse:
    """How the instances of a picture answered to exchanged words; see :func:`instance_response`."""

    response: float | None
    spill_instances: float | None
    spill_background: float | None


def instance_response(
    before: Tensor, after: Tensor, regions: MaskRegions, old: Sequence[str], new: Sequence[str], palette: Palette
) -> InstanceResponse:
    """How far the instances moved to their new words, and how far everything else moved, which should not.

    - ``response``: for an instance whose word changed, with m its mean ab and d = ab(new) - ab(old) of the palette,
      ``(m_after - m_before) . d / |d|^2``: 0 without movement, 1 for the whole way, any sign; mean over these
      instances. Words whose ab differ by less than 15 units (white and black) have no way between them and are skipped.
    - ``spill_instances``: mean over the other instances of the mean ``|ab_after - ab_before|``, >= 0.
    - ``spill_background``: the same over the background, >= 0.

    A value is None if there is no way, no other instance, or no background. Raises ValueError if no word changed.

    Args:
        before: ab (2, H, W) for the caption with the old words.
        after: ab (2, H, W) for the caption with the new words.
        regions: Masks and background of the picture.
        old: Color word of each instance before the exchange.
        new: Color word of each instance after it.
        palette: Color word -> CIELAB.
    """
    changed = [k for k, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not changed:
        raise ValueError("expected at least one exchanged color word, got the same words; leave this pair out")
    masks = regions.masks
    moves = (mean_ab(after, masks) - mean_ab(before, masks)).double().cpu()
    shares = []
    for k in changed:
        way = torch.tensor(palette[new[k]][1:], dtype=torch.float64) - torch.tensor(palette[old[k]][1:])
        if float(way.norm()) >= MIN_WORD_DISTANCE:
            shares.append(float(moves[k] @ way / way.square().sum()))
    shift = (after - before).norm(dim=0)
    others = [float(shift[masks[k]].mean()) for k in range(len(masks)) if k not in changed]
    return InstanceResponse(
        response=float(np.mean(shares)) if shares else None,
        spill_instances=float(np.mean(others)) if others else None,
        spill_background=float(shift[regions.background].mean()) if bool(regions.background.any()) else None,
    )


class InstanceEvaluator:
    """Evaluates pictures one after the other: gives columns of each, and counts over the instances of all.

    ``palette`` holds the color words that count. ``confusion`` counts instances by the color asked for and the color
    named; ``recoloring_measured`` says whether a recolored picture has been counted.
    """

    def __init__(self, palette: Palette) -> None:
        self.palette = palette
        self.confusion: dict[str, dict[str, int]] = {}
        self._values: dict[str, list[float]] = {}  # by figure, one value per instance

    def add(self, other: "InstanceEvaluator") -> None:
        """Counts what another evaluator has counted, after its own."""
        for figure, values in other._values.items():
            self._count(figure, values)
        for asked, named in other.confusion.items():
            counts = self.confusion.setdefault(asked, {})
            for color, times in named.items():
                counts[color] = counts.get(color, 0) + times

    def evaluate(
        self, instances: Instances, lightness: Tensor, ab: Tensor, truth: Tensor, groups: Tensor | None
    ) -> Columns:
        """The columns of one picture. Where a measure is undefined, its column is missing.

        Args:
            instances: Masks and color words; without instances the result is empty.
            lightness: L* (1, H, W).
            ab: Predicted ab (2, H, W); gray (ab = 0) is measured beside it.
            truth: True ab (2, H, W).
            groups: The group of each image token (N_I,), for a model that has groups.
        """
        if not instances.colors:
            return {}
        masks, words = instances.masks.to(ab.device), instances.colors
        found = self._name_colors(ab, masks, words)
        self._count("color_word_accuracy", found.correct)
        self._count("color_word_swapped", found.swapped)
        self._count("chance_among_named", [1 / len(set(found.asked))] * len(found.asked))
        for (asked, named), times in found.confusion.items():
            counts = self.confusion.setdefault(asked, {})
            counts[named] = counts.get(named, 0) + times
        gray = torch.zeros_like(ab)
        self._count("gray_color_word_accuracy", self._name_colors(gray, masks, words).correct)
        self._count("color_word_accuracy_truth", self._name_colors(truth, masks, words).correct)
        columns: Columns = {"instances": len(found.correct), "instances_correct": sum(found.correct)}
        if instances.distinguished_by is not None:
            self._count(f"color_word_accuracy_by_{instances.distinguished_by}", found.correct)
            columns |= {f"{name}_by_{instances.distinguished_by}": value for name, value in columns.items()}
        for name, picture in (("named_delta_e", ab), ("gray_named_delta_e", gray), ("named_delta_e_truth", truth)):
            columns[name] = _mean(named_delta_e(lightness, picture, masks, words, self.palette))
        regions = mask_regions(masks)
        for prefix, picture in (("", ab), ("gray_", gray)):
            columns |= _if_defined(f"{prefix}bleeding", bleeding(picture, truth, regions))
            columns |= _if_defined(f"{prefix}background_error", background_error(picture, truth, regions))
        if groups is not None:
            columns |= {f"groups_{name}": value for name, value in vars(group_agreement(groups, masks)).items()}
        return columns

    def evaluate_recolored(
        self, instances: Instances, caption: str, recolored: str, before: Tensor, after: Tensor
    ) -> Columns:
        """The columns of a picture's response to exchanged color words.

        Empty unless each color word of ``caption`` stands there once, so that the new word of each instance is known.
        Spill is measured only if every color word belongs to an instance, for otherwise something without a mask
        should have moved too.

        Args:
            instances: Masks and color words of ``caption``.
            caption: Sentence that ``before`` was colored by.
            recolored: The same sentence with other color words.
            before: ab (2, H, W) for ``caption``.
            after: ab (2, H, W) for ``recolored``.
        """
        old = [found.color for found in find_colors(caption)]
        new = [found.color for found in find_colors(recolored)]
        if len(set(old)) < len(old) or not set(instances.colors) <= set(old) or len(new) != len(old):
            return {}
        exchange = dict(zip(old, new, strict=True))
        words = [exchange[color] for color in instances.colors]
        if not set(words) <= set(self.palette) or words == list(instances.colors):
            return {}
        masks = instances.masks.to(after.device)
        correct = self._name_colors(after, masks, words).correct
        self._count("recolored_word_accuracy", correct)
        columns: Columns = {"recolored_instances": len(correct), "recolored_correct": sum(correct)}
        answer = instance_response(before, after, mask_regions(masks), instances.colors, words, self.palette)
        all_masked = set(instances.colors) == set(old)
        for name, value in vars(answer).items():
            columns |= _if_defined(name, value if all_masked or name == "response" else None)
        return columns

    @property
    def recoloring_measured(self) -> bool:
        return "recolored_word_accuracy" in self._values

    def figures(self) -> dict[str, float]:
        """Shares of all instances by name, and ``chance``; empty if no picture had instances."""
        if not self._values:
            return {}
        return {name: _mean(values) for name, values in self._values.items()} | {"chance": chance_level(self.palette)}

    def _name_colors(self, ab: Tensor, masks: Tensor, words: Sequence[str]) -> NamedColors:
        return name_colors(mean_ab(ab, masks), words, self.palette)

    def _count(self, figure: str, values: Iterable[float]) -> None:
        self._values.setdefault(figure, []).extend(map(float, values))


def _if_defined(column: str, value: float | None) -> Columns:
    return {} if value is None else {column: value}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
