"""The one interface of every system: what a colorizer takes and what it returns."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lcoins.models.text_encoders import Words


@dataclass
class Colorization:
    """What a colorizer returns: network ``ab`` (B, 2, S, S). Systems add to it what their own loss needs.

    ``assignment`` (B, N_G, N_I) is the hard assignment of image tokens to groups, None where a system has none.
    """

    ab: Tensor
    assignment: Tensor | None = None


class Colorizer(nn.Module):
    """Any system: ``forward(lightness, words)`` on network lightness (B, 1, S, S), S = ``image_size``, to Colorization.

    A sixth system is one subclass, one objective (:mod:`lcoins.training.compared_losses`) and one YAML.
    ``training_parts`` names the members that only a training loss needs.
    """

    training_parts: tuple[str, ...] = ()
    image_size: int
    text_encoder: Any

    def tokenize(self, captions: list[str]) -> Words:
        """Captions to the words or word pieces that ``forward`` takes."""
        return self.text_encoder.tokenize(captions)

    def parts(self) -> dict[str, list[nn.Module | nn.Parameter]]:
        """What `lcoins info` counts: every parameter belongs to exactly one part."""
        parts: dict[str, list[nn.Module | nn.Parameter]] = {}
        for name, child in self.named_children():
            members = dict(child.named_children())
            if isinstance(members.get("embeddings"), nn.Embedding):  # a table as large as the vocabulary
                parts["word embeddings"] = [members.pop("embeddings")]
                parts[name.replace("_", " ")] = list(members.values())
            elif any(True for _ in child.parameters()):
                parts[name.replace("_", " ")] = [child]
        return parts

    def drop_training_parts(self) -> None:
        """Removes what only a training loss needs, before a colorizer is saved for use. Most systems have nothing."""
        for name in self.training_parts:
            setattr(self, name, None)

    def predict(self, lightness: Tensor, words: Words) -> Colorization:
        """One answer with all that evaluation and pictures look at."""
        return self(lightness, words)

    @torch.inference_mode()
    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        """Network lightness (B, 1, S, S) and B captions to colors, in evaluation mode, without gradients."""
        was_training = self.training
        self.eval()
        try:
            return self.predict(lightness, self.tokenize(captions).to(lightness.device))
        finally:
            self.train(was_training)
