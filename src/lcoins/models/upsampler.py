"""Upsampler: from image tokens to ab (paper, 3.5, Eq. 10)."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isqrt

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu

from lcoins.color.lab import resize_ab


def upsampling_layers(channels: Sequence[int], norm: Callable[[int], nn.Module]) -> list[nn.Module]:
    """Layers from ``channels[0]`` features to ab through tanh; each further entry doubles the size of the grid."""
    layers: list[nn.Module] = []
    for step, (wide, narrow) in enumerate(pairwise(channels), start=1):
        layers += [nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1), nn.ReLU()]
        if step < len(channels) - 1:
            layers += [nn.Conv2d(narrow, narrow, 3, padding=1), norm(narrow), nn.ReLU()]
    return [*layers, nn.Conv2d(channels[-1], 2, 3, padding=1), nn.Tanh()]


class DetailFusion(nn.Module):
    """Lets a finer feature map of the image say where in the cells of a coarser one a color goes. Not in the paper.

    The map scales and shifts the features, and a residual block looks at the result. Scale, shift and block start as
    nothing, so that weights that were trained without them go on from what they are.
    """

    def __init__(self, channels: int, detail_channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, detail_channels)
        self.reduce = nn.Conv2d(detail_channels, channels, 1)
        self.scale_and_shift = nn.Conv2d(channels, 2 * channels, 3, padding=1)
        self.hidden = nn.Conv2d(channels, channels, 3, padding=1)
        self.residual = nn.Conv2d(channels, channels, 3, padding=1)

    def start_as_nothing(self) -> None:
        """Sets the last layers to zero."""
        for layer in (self.scale_and_shift, self.residual):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, features: Float[Tensor, "b c h w"], detail: Float[Tensor, "b d h w"]) -> Float[Tensor, "b c h w"]:
        """Features and a detail map of one size to features."""
        scale, shift = self.scale_and_shift(relu(self.reduce(self.norm(detail)))).chunk(2, dim=1)
        features = features * (1 + scale) + shift
        return features + self.residual(relu(self.hidden(relu(features))))


class Upsampler(nn.Module):
    """LayerNorm and a linear map of each token to ``channels[0]``, then the upsampling layers of ``channels``.

    The paper says "a stack of transposed convolutions"; the layers follow the authors' code. Where they do not reach
    ``image_size``, ab is brought to it by bilinear interpolation: chroma is smooth, and stopping at a quarter of the
    size saves most of the work.

    ``details`` are the channels of finer maps of the image encoder, from coarse to fine: the first is fused with what
    the first transposed convolution gives, and so on. The paper has none.
    """

    def __init__(self, width: int, channels: Sequence[int], image_size: int, details: Sequence[int] = ()):
        super().__init__()
        if len(details) >= len(channels):
            raise ValueError(
                f"upsampler.details: expected at most {len(channels) - 1} maps, one for each doubling of "
                f"channels={list(channels)}, got {list(details)}"
            )
        self.width, self.image_size, self.detail_channels = width, image_size, tuple(details)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.projection = nn.Linear(width, channels[0])
        self.layers = nn.Sequential(*upsampling_layers(channels, nn.InstanceNorm2d))
        self.fusions = nn.ModuleList(
            DetailFusion(own, detail) for own, detail in zip(channels[1:], details, strict=False)
        )

    def start_as_nothing(self) -> None:
        """Makes the fusions leave the features as they are, after the other weights are drawn."""
        for fusion in self.fusions:
            fusion.start_as_nothing()  # type: ignore[operator]

    def forward(self, patches: Float[Tensor, "b n_img c"], details: Sequence[Tensor] = ()) -> Float[Tensor, "b 2 s s"]:
        """Z_img of a square grid, row by row, to network ab in [-1, 1]; with ``details``, maps (B, C, H, W)."""
        side = isqrt(patches.shape[1])
        features = self.projection(self.norm(patches)).transpose(1, 2).unflatten(2, (side, side)).contiguous()
        left = list(zip(self.fusions, details, strict=True))
        for layer in self.layers:
            features = layer(features)
            if left and isinstance(layer, nn.ConvTranspose2d):
                fusion, detail = left.pop(0)
                features = fusion(features, detail)
        return resize_ab(features.float(), (self.image_size, self.image_size))
