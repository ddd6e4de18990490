"""Judges pictures with exact masks, one after the other: one row of columns each, and counts over all instances."""

from collections.abc import Iterable, Mapping, Sequence
from typing import get_args

import torch
from torch import Tensor

from lcoins.color.words import find_colours
from lcoins.data.scenes.layout import ToldBy
from lcoins.data.types import Instances
from lcoins.evaluation import instances as measures
from lcoins.evaluation import quality as metrics
from lcoins.evaluation.groups import grouping
from lcoins.evaluation.quality import ColourWords, Lab

Columns = dict[str, float]

TOLD_BY = get_args(ToldBy)
FIGURES = {
    "correct": "colour_word_accuracy",
    "grey_correct": "grey_colour_word_accuracy",
    "truth_correct": "colour_word_accuracy_truth",
    "recoloured_correct": "recoloured_word_accuracy",
    "swapped": "colour_word_swapped",
    "among_named": "chance_among_named",
} | {f"by_{told_by}": f"colour_word_accuracy_by_{told_by}" for told_by in TOLD_BY}


class InstanceJudge:
    """Colour words, colour differences, bleeding and groups; ``palette`` maps the words that count to CIELAB."""

    def __init__(self, palette: Mapping[str, Lab]) -> None:
        self.palette = palette
        self.values: dict[str, list[float]] = {}
        self.confusion: dict[str, dict[str, int]] = {}

    def judge(
        self, instances: Instances, lightness: Tensor, ab: Tensor, truth: Tensor, labels: Tensor | None
    ) -> Columns:
        """The columns of one picture, ab (2, H, W), beside truth and grey; ``labels`` (N_I,) are its groups, if any.

        Empty for a picture without instances. Where a measure is undefined, its column is missing.
        """
        if not instances.colours:
            return {}
        masks, words = instances.masks.to(ab.device), instances.colours
        found = self._named(ab, masks, words)
        self._add("correct", found.correct)
        self._add("swapped", found.swapped)
        self._add("among_named", [1 / len(set(found.asked))] * len(found.asked))
        for (word, name), times in found.confusion.items():
            seen = self.confusion.setdefault(word, {})
            seen[name] = seen.get(name, 0) + times
        grey = torch.zeros_like(ab)
        for kind, other in (("grey", grey), ("truth", truth)):
            self._add(f"{kind}_correct", self._named(other, masks, words).correct)
        columns: Columns = {"instances": len(found.correct), "instances_correct": sum(found.correct)}
        if instances.told_by is not None:
            self._add(f"by_{instances.told_by}", found.correct)
            columns |= {f"{name}_by_{instances.told_by}": value for name, value in columns.items()}
        for kind, picture in (("named_delta_e", ab), ("grey_named_delta_e", grey), ("named_delta_e_truth", truth)):
            columns[kind] = _mean(measures.named_differences(lightness, picture, masks, words, self.palette))
        where = measures.regions(masks)
        for prefix, picture in (("", ab), ("grey_", grey)):
            columns |= _present(f"{prefix}bleeding", measures.bleeding(picture, truth, where))
            columns |= _present(f"{prefix}background_error", measures.background_error(picture, truth, where))
        if labels is not None:
            columns |= {f"groups_{name}": value for name, value in vars(grouping(labels, masks)).items()}
        return columns

    def judge_recoloured(
        self, instances: Instances, caption: str, recoloured: str, before: Tensor, after: Tensor
    ) -> Columns:
        """The columns of a picture's answer to the ``recoloured`` caption: ``before`` and ``after`` (2, H, W).

        Empty unless each colour word of ``caption`` stands there once, so that the new word of each instance is known.
        What else moved is measured only where no other thing had its word exchanged, that is where every word belongs
        to an instance.
        """
        old = [found.colour for found in find_colours(caption)]
        new = [found.colour for found in find_colours(recoloured)]
        if len(set(old)) < len(old) or not set(instances.colours) <= set(old) or len(new) != len(old):
            return {}
        exchange = dict(zip(old, new, strict=True))
        words = [exchange[colour] for colour in instances.colours]
        if not set(words) <= set(self.palette) or words == list(instances.colours):
            return {}
        masks = instances.masks.to(after.device)
        correct = self._named(after, masks, words).correct
        self._add("recoloured_correct", correct)
        columns: Columns = {"recoloured_instances": len(correct), "recoloured_correct": sum(correct)}
        answer = measures.response(before, after, measures.regions(masks), instances.colours, words, self.palette)
        complete = set(instances.colours) == set(old)
        for name, value in vars(answer).items():
            columns |= _present(name, value if complete or name == "response" else None)
        return columns

    def figures(self) -> dict[str, float]:
        """Shares of all instances by name, and ``chance``; nothing where no picture had instances."""
        if not self.values:
            return {}
        figures = {FIGURES[kind]: _mean(values) for kind, values in self.values.items()}
        return figures | {"chance": metrics.chance_level(self.palette)}

    def _named(self, ab: Tensor, masks: Tensor, words: Sequence[str]) -> ColourWords:
        return metrics.name_colours(metrics.mean_ab(ab, masks), words, self.palette)

    def _add(self, kind: str, values: Iterable[float]) -> None:
        self.values.setdefault(kind, []).extend(map(float, values))


def _present(name: str, value: float | None) -> Columns:
    return {} if value is None else {name: value}


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
