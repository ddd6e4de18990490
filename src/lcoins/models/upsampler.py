"""Upsampler: from image tokens to ab (paper, 3.5, Eq. 10)."""

from collections.abc import Callable
from itertools import pairwise

from torch import Tensor, nn

from lcoins.color.lab import resize_ab


def doublings(channels: tuple[int, ...], norm: Callable[[int], nn.Module]) -> list[nn.Module]:
    """Layers that double a grid of ``channels[0]`` features once for each further entry and end in ab through tanh."""
    layers: list[nn.Module] = []
    for step, (wide, narrow) in enumerate(pairwise(channels), start=1):
        layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1), nn.ReLU()]
        if step < len(channels) - 1:
            layers += [nn.Conv2d(narrow, narrow, 3, padding=1), norm(narrow), nn.ReLU()]
    return [*layers, nn.Conv2d(channels[-1], 2, 3, padding=1), nn.Tanh()]


class Upsampler(nn.Module):
    """LayerNorm, a linear map to ``channels[0]``, then one doubling of the grid per further entry of ``channels``.

    Each doubling is a transposed convolution and a convolution; the last one gives ab through tanh. The paper says "a
    stack of transposed convolutions"; the layers follow the authors' code. When the doublings do not reach the image
    size, ab is brought to it by bilinear interpolation: chroma is smooth, and a quarter of the size saves most work.
    """

    def __init__(self, width: int, channels: tuple[int, ...], grid: int, image_size: int):
        super().__init__()
        self.grid, self.image_size = grid, image_size
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.projection = nn.Linear(width, channels[0])
        self.layers = nn.Sequential(*doublings(channels, nn.InstanceNorm2d))

    def forward(self, patches: Tensor) -> Tensor:
        """Z_img (B, N_I, C), rows of the grid first, to network ab (B, 2, S, S) in [-1, 1]."""
        features = self.projection(self.norm(patches)).transpose(1, 2).unflatten(2, (self.grid, self.grid))
        ab = self.layers(features.contiguous())
        return resize_ab(ab.float(), (self.image_size, self.image_size))
