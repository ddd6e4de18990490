"""Color words that act only where they act strongly. Ours, not the paper's; no part of its protocol.

Trained on few photos, a network is seldom sure where a thing ends, and a color word tints faintly what it does not
name. What a word does is seen by leaving it out: the difference between the colors of the sentence and those of the
same sentence without color words. Where that difference is small beside its largest value it is taken away, and where
it is large it is made larger.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Generic, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lcoins.color.contrast import full_contrast_for_network
from lcoins.color.lab import from_network_ab, from_network_lightness
from lcoins.color.margins import Margins, find_margins
from lcoins.color.reading import read_sentence
from lcoins.color.strength import smooth_step
from lcoins.color.words import without_words
from lcoins.models.colorizer import Colorization, ColorizationSystem

LEAST = 0.2  # of the largest effect: where words do less, they do nothing
FULL = 0.6  # of the largest effect: where they do as much, they act in full
GAIN = 1.5  # times the effect there
LARGEST = 0.98  # quantile over the picture that stands for the largest effect
NOTHING_SAID = "a photo"
CLEAR = 12.0  # units of ab: words whose largest effect is smaller have found nothing, and are left as they are

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class LastAnswer(Generic[Asked, Answer]):
    """What answers about lightness is not asked again what it was asked last: words are tested one by one."""

    def __init__(self, answering: Callable[[Tensor, Asked], Answer]):
        self._answering = answering
        self._last: tuple[Tensor, Asked, Answer] | None = None

    def __call__(self, lightness: Float[Tensor, "b 1 s s"], asked: Asked) -> Answer:
        """The answer; ``lightness`` is not changed afterwards, nor is what comes back."""
        if self._last is not None:
            seen, before, answer = self._last
            if before == asked and seen.device == lightness.device and torch.equal(seen, lightness):
                return answer
        answer = self._answering(lightness, asked)
        self._last = lightness, asked, answer
        return answer


class FocusedColorizer(nn.Module):
    """A system whose color words act where they act strongly; it takes the place of the system that it holds.

    LEAST, FULL and GAIN were chosen on validation photos by the benchmark of obedience. The system sees photos without
    their margins (:mod:`lcoins.color.margins`), which get no color, and in full contrast
    (:mod:`lcoins.color.contrast`). A caption without color words comes back as it colors it; any other takes a
    second pass of the network, but not where it is that of the call before.
    """

    def __init__(self, system: ColorizationSystem):
        super().__init__()
        self.system = system
        self.image_size = system.image_size
        self._plain = LastAnswer(system.colorize)

    def colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors network lightness as the captions say; the maps of the system, if it gives any, stay."""
        return within_margins(self.colorize_pictures, lightness, captions)

    def colorize_pictures(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors pictures that have no margins, as :meth:`colorize` does photos."""
        lightness = full_contrast_for_network(lightness)
        found = [read_sentence(caption).colors for caption in captions]
        plain = [without_words(caption, words) or NOTHING_SAID for caption, words in zip(captions, found, strict=True)]
        colored = [index for index, words in enumerate(found) if words]
        result = self.system.colorize(lightness, captions)
        if not colored:
            return result
        without = self._plain(lightness[colored], [plain[index] for index in colored]).ab.float()
        ab = result.ab.float().clone()
        ab[colored] = focused(ab[colored], without)
        return replace(result, ab=ab)


def within_margins(
    colorize: Callable[[Tensor, list[str]], Colorization], lightness: Float[Tensor, "b 1 s s"], captions: list[str]
) -> Colorization:
    """What ``colorize`` gives for the pictures within the margins of photos, at their places; margins get no color."""
    margins = margins_of(lightness)
    result = colorize(margins.without(lightness), captions)
    maps = None if result.assignment is None else margins.tokens_around(result.assignment, lightness.shape[-1])
    return replace(result, ab=margins.around(result.ab), assignment=maps)


def margins_of(lightness: Float[Tensor, "b 1 s s"]) -> Margins:
    """The margins of photos, given their network lightness in [-1, 1]."""
    return find_margins(from_network_lightness(lightness.float()))


def focused(ab: Float[Tensor, "b 2 h w"], without: Float[Tensor, "b 2 h w"]) -> Float[Tensor, "b 2 h w"]:
    """Network ab of captions with color words, and without them, to network ab in [-1, 1] whose effect is focused."""
    effect = ab - without
    size = from_network_ab(effect).norm(dim=1, keepdim=True)
    largest = torch.quantile(size.flatten(1), LARGEST, dim=1)[:, None, None, None].clamp(min=1e-6)
    kept = smooth_step(size / largest, LEAST, FULL)
    sure = (largest / CLEAR).clamp(max=1)
    return (without + effect * (1 + sure * (GAIN * kept - 1))).clamp(-1, 1)
