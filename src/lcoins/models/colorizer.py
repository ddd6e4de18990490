"""The one interface of every system: what a colorizer takes, and what it returns.

Beside network ab, each system returns exactly what its own loss needs.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from lcoins.models.text_encoders import Words

Parts = dict[str, list[nn.Module | nn.Parameter]]


@dataclass
class Colorization:
    """Network ``ab`` and, where a system has groups, the hard ``assignment`` of image tokens to them."""

    ab: Float[Tensor, "b 2 s s"]
    assignment: Float[Tensor, "b n_grp n_img"] | None = None


@runtime_checkable
class ColorizationSystem(Protocol):
    """What coloring a photo needs of a system: the size of its input, and colors for network lightness and captions."""

    image_size: int

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization: ...


@dataclass
class Relevance:
    """What the counter-color loss compares: R_lag with the mask of real words, and R_grp."""

    words: Float[Tensor, "b n_lag c"]
    mask: Bool[Tensor, "b n_lag"]
    groups: Float[Tensor, "b n_grp c"]


@dataclass(kw_only=True)
class CounterColorization(Colorization):
    """L-CoIns after both passes: ``relevance`` of the caption and ``counter_relevance`` of the recolored one."""

    relevance: Relevance
    counter_relevance: Relevance


@dataclass(kw_only=True)
class CorrespondingColorization(Colorization):
    """L-CoDe and L-CoDer: ``correspondence`` scores, before the sigmoid, of object i and color j among ``words``."""

    correspondence: Float[Tensor, "b n n"]
    words: Words


@dataclass(kw_only=True)
class ClassifiedColorization(Colorization):
    """ML2018 and Xie2018: ``logits`` of the K bins of ab, and of what each pixel shows where a system predicts it."""

    logits: Float[Tensor, "b k h w"]
    segmentation: Float[Tensor, "b classes h w"] | None = None


@dataclass(kw_only=True)
class SteppedColorization(Colorization):
    """LBIE: network ab after each of T ``steps``, and the ``shares`` of the steps, which sum to 1.

    ``lightness`` (network scale), word ``tokens`` and their ``mask`` are what the discriminator sees beside the colors.
    """

    steps: Float[Tensor, "b t 2 s s"]
    shares: Float[Tensor, "b t"]
    lightness: Float[Tensor, "b 1 s s"]
    tokens: Float[Tensor, "b n c"]
    mask: Bool[Tensor, "b n"]


class Colorizer(nn.Module):
    """Any system: ``forward(lightness, words)`` colors network lightness of side S = ``image_size``.

    A sixth system is one subclass, one objective (:mod:`lcoins.training.compared_losses`) and one YAML.
    ``training_parts`` names the members that only a training loss needs. With ``shares_crops``, forward also takes
    ``crop``, so that several captions about one crop share what only depends on its lightness.
    """

    training_parts: tuple[str, ...] = ()
    shares_crops = False
    image_size: int
    text_encoder: Any

    def tokenize(self, captions: list[str]) -> Words:
        """Captions to the words or word pieces that ``forward`` takes."""
        return self.text_encoder.tokenize(captions)

    def parts(self) -> Parts:
        """What `lcoins info` counts: every parameter belongs to exactly one part."""
        parts: Parts = {}
        for name, child in self.named_children():
            members = dict(child.named_children())
            if isinstance(members.get("embeddings"), nn.Embedding):  # a table as large as the vocabulary
                parts["word embeddings"] = [members.pop("embeddings")]
                parts[name.replace("_", " ")] = list(members.values())
            elif any(True for _ in child.parameters()):
                parts[name.replace("_", " ")] = [child]
        return parts

    def drop_training_parts(self) -> None:
        """Removes the members that only a training loss needs, before a colorizer is saved for use."""
        for name in self.training_parts:
            setattr(self, name, None)

    def predict(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> Colorization:
        """Colors with everything that evaluation and pictures show."""
        return self(lightness, words)

    @torch.inference_mode()
    def colorize(self, lightness: Float[Tensor, "b 1 s s"], captions: list[str]) -> Colorization:
        """Colors network lightness as its captions say, in evaluation mode and without gradients."""
        was_training = self.training
        self.eval()
        try:
            return self.predict(lightness, self.tokenize(captions).to(lightness.device))
        finally:
            self.train(was_training)
