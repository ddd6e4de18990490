"""Judges pictures with exact masks, one after the other: one row of columns each, and counts over all instances."""

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import torch
from torch import Tensor

from lcoins.color.words import find_colors
from lcoins.data.scenes.layout import DistinguishedBy
from lcoins.data.types import Instances
from lcoins.evaluation import instances as measures
from lcoins.evaluation import quality as metrics
from lcoins.evaluation.groups import grouping
from lcoins.evaluation.quality import ColorWords, Lab

Columns = dict[str, float]

TOLD_BY = get_args(DistinguishedBy)
FIGURES = {
    "correct": "color_word_accuracy",
    "gray_correct": "gray_color_word_accuracy",
    "truth_correct": "color_word_accuracy_truth",
    "recolored_correct": "recolored_word_accuracy",
    "swapped": "color_word_swapped",
    "among_named": "chance_among_named",
} | {f"by_{distinguished_by}": f"color_word_accuracy_by_{distinguished_by}" for distinguished_by in TOLD_BY}


class InstanceJudge:
    """Color words, color differences, bleeding and groups; ``palette`` maps the words that count to CIELAB."""

    def __init__(self, palette: Mapping[str, Lab]) -> None:
        self.palette = palette
        self.values: dict[str, list[float]] = {}
        self.confusion: dict[str, dict[str, int]] = {}

    def judge(
        self, instances: Instances, lightness: Tensor, ab: Tensor, truth: Tensor, labels: Tensor | None
    ) -> Columns:
        """The columns of one picture, ab (2, H, W), beside truth and gray; ``labels`` (N_I,) are its groups, if any.

        Empty for a picture without instances. Where a measure is undefined, its column is missing.
        """
        if not instances.colors:
            return {}
        masks, words = instances.masks.to(ab.device), instances.colors
        found = self._named(ab, masks, words)
        self._add("correct", found.correct)
        self._add("swapped", found.swapped)
        self._add("among_named", [1 / len(set(found.asked))] * len(found.asked))
        for (word, name), times in found.confusion.items():
            seen = self.confusion.setdefault(word, {})
            seen[name] = seen.get(name, 0) + times
        gray = torch.zeros_like(ab)
        for kind, other in (("gray", gray), ("truth", truth)):
            self._add(f"{kind}_correct", self._named(other, masks, words).correct)
        columns: Columns = {"instances": len(found.correct), "instances_correct": sum(found.correct)}
        if instances.distinguished_by is not None:
            self._add(f"by_{instances.distinguished_by}", found.correct)
            columns |= {f"{name}_by_{instances.distinguished_by}": value for name, value in columns.items()}
        for kind, picture in (("named_delta_e", ab), ("gray_named_delta_e", gray), ("named_delta_e_truth", truth)):
            columns[kind] = _mean(measures.named_differences(lightness, picture, masks, words, self.palette))
        where = measures.regions(masks)
        for prefix, picture in (("", ab), ("gray_", gray)):
            columns |= _present(f"{prefix}bleeding", measures.bleeding(picture, truth, where))
            columns |= _present(f"{prefix}background_error", measures.background_error(picture, truth, where))
        if labels is not None:
            columns |= {f"groups_{name}": value for name, value in vars(grouping(labels, masks)).items()}
        return columns

    def judge_recolored(
        self, instances: Instances, caption: str, recolored: str, before: Tensor, after: Tensor
    ) -> Columns:
        """The columns of a picture's answer to the ``recolored`` caption: ``before`` and ``after`` (2, H, W).

        Empty unless each color word of ``caption`` stands there once, so that the new word of each instance is known.
        What else moved is measured only where no other thing had its word exchanged, that is where every word belongs
        to an instance.
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
        correct = self._named(after, masks, words).correct
        self._add("recolored_correct", correct)
        columns: Columns = {"recolored_instances": len(correct), "recolored_correct": sum(correct)}
        answer = measures.response(before, after, measures.regions(masks), instances.colors, words, self.palette)
        complete = set(instances.colors) == set(old)
        for name, value in vars(answer).items():
            columns |= _present(name, value if complete or name == "response" else None)
        return columns

    def figures(self) -> dict[str, float]:
        """Shares of all instances by name, and ``chance``; nothing where no picture had instances."""
        if not self.values:
            return {}
        figures = {FIGURES[kind]: _mean(values) for kind, values in self.values.items()}
        return figures | {"chance": metrics.chance_level(self.palette)}

    def _named(self, ab: Tensor, masks: Tensor, words: Sequence[str]) -> ColorWords:
        return metrics.name_colors(metrics.mean_ab(ab, masks), words, self.palette)

    def _add(self, kind: str, values: Iterable[float]) -> None:
        self.values.setdefault(kind, []).extend(map(float, values))


def _present(name: str, value: float | None) -> Columns:
    return {} if value is None else {name: value}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
