"""L-CoDe: color words handed to the objects that they belong to (Weng et al., AAAI 2022). Written from its release."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import relu, softmax

from lcoins.color.lab import resize_ab
from lcoins.models.colorizer import Colorizer, CorrespondingColorization
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.correspondence import Biaffine
from lcoins.models.compared.trunks import STRIDE, GridTrunk, VggTrunk
from lcoins.models.image_encoders import grid_side
from lcoins.models.text_encoders import Words
from lcoins.models.upsampler import upsampling_layers


class AttentionTransfer(nn.Module):
    """Attention of image positions to words that goes to the object and then, by the correspondence, to its color.

    With P the correspondence, the affinity S of positions and objects becomes S P, that of positions and colors, before
    the softmax over the words.
    """

    def __init__(self, width: int, text: int):
        super().__init__()
        self.objects = nn.Linear(text, width, bias=False)
        self.colors = nn.Linear(text, width, bias=False)

    def forward(
        self,
        x: Float[Tensor, "b m c"],
        objects: Float[Tensor, "b n d"],
        colors: Float[Tensor, "b n d"],
        correspondence: Float[Tensor, "b n n"],
        mask: Bool[Tensor, "b n"],
    ) -> tuple[Float[Tensor, "b m c"], Float[Tensor, "b m n"]]:
        """Features of M positions and word tokens to the words' context of each position, and the attention."""
        affinity = x @ self.objects(objects).transpose(1, 2) @ correspondence
        attention = softmax(affinity.masked_fill(~mask[:, None, :], -torch.inf), dim=-1)
        return attention @ self.colors(colors), attention


class GatedInjection(nn.Module):
    """Adds the words' context to normalized features X where the gate is open: X gamma + beta + X."""

    def __init__(self, width: int, words: int):
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.gamma, self.beta = nn.Linear(width, width), nn.Linear(width, width)
        self.gate = nn.Conv2d(words, 1, 1)

    def forward(
        self, x: Float[Tensor, "b c h w"], context: Float[Tensor, "b h*w c"], attention: Float[Tensor, "b h*w n"]
    ) -> Float[Tensor, "b c h w"]:
        size = x.shape[-2:]
        # How far each position stands out for each word: 0 everywhere for a word to which all attend alike.
        salience = softmax(attention.detach(), dim=1) * attention.shape[1] - 1
        gate = torch.sigmoid(self.gate(salience.transpose(1, 2).unflatten(2, size)))
        gamma, beta = (f(context).transpose(1, 2).unflatten(2, size) for f in (self.gamma, self.beta))
        normal = self.norm(x)
        return normal * (gamma * gate + 1 - gate) + beta * gate + normal


class LCoDe(Colorizer):
    """The whole system: trunk, words, correspondence, attention transfer, gated injection, decoder.

    ``channels`` are those of the decoder; each entry after the first doubles the size of the grid. Deviations from the
    release: network ab in units of 110 as everywhere here (the release has 8-bit Lab of OpenCV); captions are cut to
    their first words (the release draws a random subset, after which the positions of its pairs no longer fit); the
    vocabulary comes from the training captions alone.
    """

    def __init__(
        self,
        trunk: VggTrunk | GridTrunk,
        text_encoder: BiLSTMEncoder,
        image_size: int,
        width: int,
        channels: Sequence[int],
    ):
        super().__init__()
        if not text_encoder.tokenize.fixed:
            raise ValueError("L-CoDe's gate needs captions of one length; set model.text_encoder.fixed_length to true")
        grid_side(image_size, STRIDE)
        self.image_size, text = image_size, text_encoder.width
        self.text_encoder = text_encoder
        self.objects, self.colors = nn.Linear(text, text), nn.Linear(text, text)
        self.correspondence = Biaffine(text)
        self.entry = nn.Sequential(nn.Conv2d(trunk.channels[1], width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())
        self.transfer = AttentionTransfer(width, text)
        self.injection = GatedInjection(width, text_encoder.tokenize.max_length)
        self.decoder = _decoder(width, channels)
        self.apply(_initialize)
        self.trunk = trunk  # after the initialization, which is not meant for it

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> CorrespondingColorization:
        """Network lightness and words, always ``max_length`` of them, to network ab and the correspondence scores."""
        tokens = relu(self.text_encoder(words)[0])
        objects, colors = relu(self.objects(tokens)), relu(self.colors(tokens))
        # Detached: the loss on the pairs trains U alone, and the color loss reaches U through the attention.
        scores = self.correspondence(objects.detach(), colors.detach())
        x = self.entry(self.trunk(lightness)[1])
        positions = x.flatten(2).transpose(1, 2)
        context, attention = self.transfer(positions, objects, colors, torch.sigmoid(scores), words.mask)
        ab = self.decoder(self.injection(x, context, attention))
        ab = resize_ab(ab.float(), (self.image_size, self.image_size))
        return CorrespondingColorization(ab, correspondence=scores, words=words)


def _decoder(width: int, channels: Sequence[int]) -> nn.Sequential:
    """1x1 and 3x3 convolution, then the layers that L-CoIns' upsampler has, with batch norm."""
    first = channels[0]
    entry = [
        nn.Conv2d(width, first, 1),
        nn.ReLU(),
        nn.Conv2d(first, first, 3, padding=1),
        nn.BatchNorm2d(first),
        nn.ReLU(),
    ]
    return nn.Sequential(*entry, *upsampling_layers(channels, nn.BatchNorm2d))


def _initialize(module: nn.Module) -> None:
    """Convolutions and linear maps orthogonal, batch norms N(1, 0.02), as in the release."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.orthogonal_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d) and module.affine:
        nn.init.normal_(module.weight, 1.0, 0.02)
