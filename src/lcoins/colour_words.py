"""Do instances take the colours that the sentence gives them? Counted over a test set with exact masks."""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from lcoins import metrics
from lcoins.captions import find_colours
from lcoins.data.types import Instances
from lcoins.metrics import Lab

FIGURES = {
    "correct": "colour_word_accuracy",
    "grey_correct": "grey_colour_word_accuracy",
    "truth_correct": "colour_word_accuracy_truth",
    "recoloured_correct": "recoloured_word_accuracy",
    "swapped": "colour_word_swapped",
    "among_named": "chance_among_named",
}


class ColourWordCount:
    """Colour-word accuracy of all pictures judged so far; ``palette`` maps the words that count to CIELAB."""

    def __init__(self, palette: Mapping[str, Lab]) -> None:
        self.palette = palette
        self.values: dict[str, list[float]] = {}
        self.confusion: dict[str, dict[str, int]] = {}

    def judge(self, instances: Instances, ab: Tensor, truth: Tensor) -> dict[str, int]:
        """Counts one picture's ab (2, H, W), beside the truth (the ceiling) and grey, and returns its own figures."""
        if not instances.colours:
            return {}
        masks = instances.masks.to(ab.device)
        found = metrics.name_colours(metrics.mean_ab(ab, masks), instances.colours, self.palette)
        self._add("correct", found.correct)
        self._add("swapped", found.swapped)
        self._add("among_named", [1 / len(set(found.asked))] * len(found.asked))
        for (word, name), times in found.confusion.items():
            seen = self.confusion.setdefault(word, {})
            seen[name] = seen.get(name, 0) + times
        for kind, other in (("grey", torch.zeros_like(ab)), ("truth", truth)):
            means = metrics.mean_ab(other, masks)
            self._add(f"{kind}_correct", metrics.name_colours(means, instances.colours, self.palette).correct)
        return {"instances": len(found.correct), "instances_correct": sum(found.correct)}

    def judge_recoloured(self, instances: Instances, caption: str, recoloured: str, ab: Tensor) -> None:
        """Counts ab of the ``recoloured`` caption, where each word of ``caption`` belongs to one instance only."""
        before = [found.colour for found in find_colours(caption)]
        after = [found.colour for found in find_colours(recoloured)]
        if len(set(before)) < len(before) or sorted(before) != sorted(instances.colours) or len(after) != len(before):
            return
        exchange = dict(zip(before, after, strict=True))
        words = [exchange[colour] for colour in instances.colours]
        if set(words) <= set(self.palette):
            means = metrics.mean_ab(ab, instances.masks.to(ab.device))
            self._add("recoloured_correct", metrics.name_colours(means, words, self.palette).correct)

    def _add(self, kind: str, values: Iterable[float]) -> None:
        self.values.setdefault(kind, []).extend(map(float, values))

    def figures(self) -> dict[str, float]:
        """Means over all instances by name, and ``chance``; nothing where no picture had instances."""
        if not self.values:
            return {}
        figures = {FIGURES[kind]: sum(values) / len(values) for kind, values in self.values.items()}
        return figures | {"chance": metrics.chance_level(self.palette)}
