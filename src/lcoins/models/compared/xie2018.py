"""Xie2018: language-guided image colorization (master thesis, ETH Zurich, 2018), its full method.

A U-Net over VGG features, modulated by the sentence at four depths, three of them with attention over the picture; it
classifies colors and, beside them, what each pixel shows. Written from its release.
"""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu, softmax

from lcoins.color.lab import to_network_ab
from lcoins.models.colorizer import ClassifiedColorization, Colorizer
from lcoins.models.compared.ab_bins import AbBins
from lcoins.models.compared.bilstm import BiLSTMEncoder
from lcoins.models.compared.film import FiLM
from lcoins.models.compared.trunks import STRIDE, GridTrunk, VggTrunk
from lcoins.models.image_encoders import grid_side
from lcoins.models.text_encoders import Words

SHARPNESS = 2.63  # of the annealed mean


class AttendedFiLM(nn.Module):
    """FiLM, then attention over the picture: weights of mean 1 from features and sentence."""

    def __init__(self, condition: int, channels: int):
        super().__init__()
        self.film = FiLM(condition, channels)
        self.features = nn.Conv2d(channels, channels // 2, 1)
        self.sentence = nn.Linear(condition, channels // 2)
        self.score = nn.Conv2d(channels // 2, 1, 1)

    def forward(self, x: Float[Tensor, "b c h w"], sentence: Float[Tensor, "b d"]) -> Float[Tensor, "b c h w"]:
        x = self.film(x, sentence)
        score = self.score(torch.tanh(self.features(x) + self.sentence(sentence)[:, :, None, None]))
        return x * (softmax(score.flatten(2), dim=-1) * score[0].numel()).view_as(score)


class Xie2018(Colorizer):
    """The whole system; its second head runs in training only, and ``segmentation_classes = 0`` leaves it out.

    The release does not say whether attention or modulation comes first; here attention follows the modulation.
    """

    factor = 4  # side of the picture over side of the logits

    def __init__(
        self,
        trunk: VggTrunk | GridTrunk,
        text_encoder: BiLSTMEncoder,
        image_size: int,
        width: int,
        segmentation_classes: int,
    ):
        super().__init__()
        grid_side(image_size, STRIDE)
        self.image_size, self.grid = image_size, AbBins("gamut")
        self.trunk, self.text_encoder = trunk, text_encoder
        low, high = trunk.channels
        half, sentence = width // 2, text_encoder.width
        self.entry = nn.Sequential(*_dilated(high, width), *_dilated(width, width), nn.Conv2d(width, width, 3, 1, 2, 2))
        self.entry_norm = nn.BatchNorm2d(width, affine=False)
        self.body = nn.Sequential(*_dilated(width, width), *_dilated(width, width), nn.Conv2d(width, width, 3, 1, 2, 2))
        self.middle = nn.Sequential(
            *_plain(high + width, width), *_plain(width, width), nn.ConvTranspose2d(width, half, 4, 2, 1)
        )
        self.top = nn.Sequential(*_plain(low + half, half), nn.Conv2d(half, half, 3, padding=1))
        self.top_norm = nn.BatchNorm2d(half, affine=False)
        self.film = nn.ModuleList(
            [
                AttendedFiLM(sentence, width),
                AttendedFiLM(sentence, width),
                FiLM(sentence, half),
                AttendedFiLM(sentence, half),
            ]
        )
        self.head = nn.Conv2d(half, len(self.grid), 1)
        maps = (width, high + width, low + half)
        self.segmentation = SegmentationHead(maps, width // 4, segmentation_classes) if segmentation_classes else None

    def forward(self, lightness: Float[Tensor, "b 1 s s"], words: Words) -> ClassifiedColorization:
        """Network lightness and words to network ab and the logits of 313 bins at a quarter of its side.

        In training also the logits of what each pixel shows, at the same size.
        """
        _, sentence = self.text_encoder(words)
        low, high = self.trunk(lightness)
        first = relu(self.film[0](self.entry_norm(self.entry(high)), sentence))
        middle = torch.cat([high, self.film[1](self.body(first), sentence)], dim=1)
        top = torch.cat([low, self.film[2](self.middle(middle), sentence)], dim=1)
        logits = self.head(relu(self.film[3](self.top_norm(self.top(top)), sentence)))
        ab = to_network_ab(self.grid.decode(logits, SHARPNESS, self.image_size))
        classes = self.segmentation(first, middle, top) if self.segmentation is not None and self.training else None
        return ClassifiedColorization(ab, logits=logits, segmentation=classes)


class SegmentationHead(nn.Module):
    """What each pixel shows, from three depths of the U-Net."""

    def __init__(self, maps: tuple[int, int, int], width: int, classes: int):
        super().__init__()
        first, middle, top = maps
        self.first = _step(nn.ConvTranspose2d(first, width, 4, 2, 1), width)
        self.middle = _step(nn.ConvTranspose2d(middle, width, 4, 2, 1), width)
        self.top = _step(nn.ConvTranspose2d(top, width, 3, 1, 1), width)
        self.join = nn.Sequential(*_plain(3 * width, 2 * width), nn.Conv2d(2 * width, classes, 1))

    def forward(
        self,
        first: Float[Tensor, "b c1 h2 w2"],
        middle: Float[Tensor, "b c2 h2 w2"],
        top: Float[Tensor, "b c3 h w"],
    ) -> Float[Tensor, "b classes h w"]:
        """Maps at S / 8, S / 8 and S / 4 to logits at S / 4."""
        return self.join(torch.cat([self.first(first), self.middle(middle), self.top(top)], dim=1))


def _step(layer: Any, width: int) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(width), nn.ReLU())


def _plain(wide: int, narrow: int) -> nn.Sequential:
    return _step(nn.Conv2d(wide, narrow, 3, padding=1), narrow)


def _dilated(wide: int, narrow: int) -> nn.Sequential:
    return _step(nn.Conv2d(wide, narrow, 3, padding=2, dilation=2), narrow)
