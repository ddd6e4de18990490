"""Upsampler: from image tokens to ab (paper, 3.5, Eq. 10)."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isqrt

from jaxtyping import Float
from torch import Tensor, nn

from lcoins.color.lab import resize_ab


def upsampling_layers(channels: Sequence[int], norm: Callable[[int], nn.Module]) -> list[nn.Module]:
    """Layers from ``channels[0]`` features to ab through tanh; each further entry doubles the size of the grid."""
    layers: list[nn.Module] = []
    for step, (wide, narrow) in enumerate(pairwise(channels), start=1):
        layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1), nn.ReLU()]
        if step < len(channels) - 1:
            layers += [nn.Conv2d(narrow, narrow, 3, padding=1), norm(narrow), nn.ReLU()]
    return [*layers, nn.Conv2d(channels[-1], 2, 3, padding=1), nn.Tanh()]


class Upsampler(nn.Module):
    """LayerNorm and a linear map of each token to ``channels[0]``, then the upsampling layers of ``channels``.

    The paper says "a stack of transposed convolutions"; the layers follow the authors' code. Where they do not reach
    ``image_size``, ab is brought to it by bilinear interpolation: chroma is smooth, and stopping at a quarter of the
    size saves most of the work.
    """

    def __init__(self, width: int, channels: Sequence[int], image_size: int):
        super().__init__()
        self.width, self.image_size = width, image_size
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.projection = nn.Linear(width, channels[0])
        self.layers = nn.Sequential(*upsampling_layers(channels, nn.InstanceNorm2d))

    def forward(self, patches: Float[Tensor, "b n_img c"]) -> Float[Tensor, "b 2 s s"]:
        """Z_img of a square grid, row by row, to network ab in [-1, 1]."""
        side = isqrt(patches.shape[1])
        features = self.projection(self.norm(patches)).transpose(1, 2).unflatten(2, (side, side))
        ab = self.layers(features.contiguous())
        return resize_ab(ab.float(), (self.image_size, self.image_size))
