"""L-CoDe: color words handed to the objects that they belong to (Weng et al., AAAI 2022). Written from its release."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softmax

from lcoins.color.lab import resize_ab
from lcoins.models.colorizer import Colorization, Colorizer
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.correspondence import Biaffine
from lcoins.models.compared.trunks import GridTrunk, VggTrunk
from lcoins.models.text_encoders import Words
from lcoins.models.upsampler import doublings


@dataclass
class CorrespondingColorization(Colorization):
    """``correspondence`` (B, N, N) are the scores (before the sigmoid) of object i and color j, over ``words``."""

    correspondence: Tensor | None = None
    words: Words | None = None


class AttentionTransfer(nn.Module):
    """Attention of places to words that goes to the object and then, by the correspondence, to its color.

    The affinity S of places and objects becomes S P, that of places and colors; softmax over the words.
    """

    def __init__(self, width: int, text: int):
        super().__init__()
        self.objects = nn.Linear(text, width, bias=False)
        self.colors = nn.Linear(text, width, bias=False)

    def forward(
        self, x: Tensor, objects: Tensor, colors: Tensor, matrix: Tensor, mask: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Places (B, M, C), tokens (B, N, text), P (B, N, N) and mask (B, N) to context (B, M, C) and A (B, M, N)."""
        affinity = x @ self.objects(objects).transpose(1, 2) @ matrix
        attention = softmax(affinity.masked_fill(~mask[:, None, :], -torch.inf), dim=-1)
        return attention @ self.colors(colors), attention


class GatedInjection(nn.Module):
    """Puts the words' context into normalized features where the gate is open: X gamma + beta + X."""

    def __init__(self, width: int, words: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.gamma, self.beta = nn.Linear(width, width), nn.Linear(width, width)
        self.gate = nn.Conv2d(words, 1, 1)

    def forward(self, x: Tensor, context: Tensor, attention: Tensor) -> Tensor:
        """Features (B, C, h, w), context (B, h w, C), attention (B, h w, N) to features (B, C, h, w)."""
        size = x.shape[-2:]
        # How far each place stands out for each word: 0 everywhere for a word that no place prefers.
        salience = softmax(attention.detach(), dim=1) * attention.shape[1] - 1
        gate = torch.sigmoid(self.gate(salience.transpose(1, 2).unflatten(2, size)))
        gamma, beta = (f(context).transpose(1, 2).unflatten(2, size) for f in (self.gamma, self.beta))
        normal = self.norm(x)
        return normal * (gamma * gate + 1 - gate) + beta * gate + normal


class LCoDe(Colorizer):
    """The whole system: trunk, words, correspondence, attention transfer, gated injection, decoder.

    ``channels`` are those of the decoder, one doubling of the grid for each step after the first. Deviations from the
    release: network ab in units of 110 as everywhere here (the release has 8-bit Lab of OpenCV); captions are cut to
    their first words (the release draws a random subset, after which the positions of its pairs no longer fit); the
    vocabulary holds the training captions alone.
    """

    def __init__(
        self,
        trunk: VggTrunk | GridTrunk,
        text_encoder: BiLSTMEncoder,
        image_size: int,
        width: int,
        channels: tuple[int, ...],
    ):
        super().__init__()
        if not text_encoder.tokenize.fixed:
            raise ValueError("L-CoDe's gate needs captions of one length; set model.text_encoder.fixed_length to true")
        self.image_size, text = image_size, text_encoder.width
        self.text_encoder = text_encoder
        self.objects, self.colors = nn.Linear(text, text), nn.Linear(text, text)
        self.correspondence = Biaffine(text)
        self.entry = nn.Sequential(nn.Conv2d(trunk.channels[1], width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.transfer = AttentionTransfer(width, text)
        self.injection = GatedInjection(width, text_encoder.tokenize.max_length)
        self.decoder = _decoder(width, tuple(channels))
        self.apply(_initialize)
        self.trunk = trunk  # after the initialization, which is not its

    def forward(self, lightness: Tensor, words: Words) -> CorrespondingColorization:
        """Network lightness (B, 1, S, S) and words (B, N), N fixed, to network ab and the correspondence scores."""
        tokens = relu(self.text_encoder(words)[0])
        objects, colors = relu(self.objects(tokens)), relu(self.colors(tokens))
        # Detached: the loss on the pairs trains U alone, and the color loss reaches U through the attention.
        scores = self.correspondence(objects.detach(), colors.detach())
        x = self.entry(self.trunk(lightness)[1])
        places = x.flatten(2).transpose(1, 2)
        context, attention = self.transfer(places, objects, colors, torch.sigmoid(scores), words.mask)
        ab = self.decoder(self.injection(x, context, attention))
        ab = resize_ab(ab.float(), (self.image_size, self.image_size))
        return CorrespondingColorization(ab, correspondence=scores, words=words)


def _decoder(width: int, channels: tuple[int, ...]) -> nn.Sequential:
    """1x1 and 3x3 convolution, then doublings by transposed convolutions, then ab through tanh."""
    first = channels[0]
    entry = [
        nn.Conv2d(width, first, 1),
        nn.ReLU(),
        nn.Conv2d(first, first, 3, padding=1),
        nn.BatchNorm2d(first),
        nn.ReLU(),
    ]
    return nn.Sequential(*entry, *doublings(channels, nn.BatchNorm2d))


def _initialize(module: nn.Module) -> None:
    """Convolutions and linear maps orthogonal, batch norms N(1, 0.02), as in the release."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.orthogonal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
