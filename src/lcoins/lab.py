"""sRGB to CIELAB and back, network scaling, and recomposition: the only place that converts colours.

Units used in the whole package: ``rgb`` is sRGB in [0, 1]; ``lightness`` is L* in 0..100; ``ab`` is CIELAB a*b*,
roughly -86..98 and -108..95 inside sRGB. The network sees ``lightness / 50 - 1`` and ``ab / 110``, both in [-1, 1].
The constants are those of D65, 2 degrees, as in kornia and in the authors' release.
"""

import torch
from kornia.color import lab_to_rgb, rgb_to_lab
from torch import Tensor
from torch.nn.functional import interpolate

AB_SCALE = 110.0


def split_lab(rgb: Tensor) -> tuple[Tensor, Tensor]:
    """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100 and ab (B, 2, H, W), always in float32."""
    with torch.autocast(rgb.device.type, enabled=False):
        lab = rgb_to_lab(rgb.float())
    return lab[:, :1], lab[:, 1:]


def join_lab(lightness: Tensor, ab: Tensor, *, clip: bool = True) -> Tensor:
    """Lightness (B, 1, H, W) and ab (B, 2, H, W) to sRGB (B, 3, H, W); ``clip`` clamps to [0, 1].

    Colours outside sRGB are clipped channel by channel, as in the paper's evaluation; see :func:`fit_gamut` for the
    way that keeps hue and lightness.
    """
    with torch.autocast(lightness.device.type, enabled=False):
        return lab_to_rgb(torch.cat([lightness, ab], dim=1).float(), clip=clip)


def to_network_lightness(lightness: Tensor) -> Tensor:
    """L* in 0..100 to the network's [-1, 1].

    >>> to_network_lightness(torch.tensor([0.0, 50.0, 100.0]))
    tensor([-1.,  0.,  1.])
    """
    return lightness / 50.0 - 1.0


def from_network_lightness(lightness: Tensor) -> Tensor:
    """The network's [-1, 1] to L* in 0..100."""
    return (lightness + 1.0) * 50.0


def to_network_ab(ab: Tensor) -> Tensor:
    """CIELAB ab to the network's scale, ab / 110."""
    return ab / AB_SCALE


def from_network_ab(ab: Tensor) -> Tensor:
    """The network's scale to CIELAB ab."""
    return ab * AB_SCALE


def fit_gamut(lightness: Tensor, ab: Tensor, steps: int = 12) -> Tensor:
    """Scales ab (B, 2, H, W) towards grey, pixel by pixel, until (lightness, ab) lies inside sRGB.

    Hue and lightness stay; only chroma shrinks. Clipping RGB instead would change the photo's own lightness. Found by
    bisection, so the result is within 2**-steps of the largest chroma that fits.
    """
    low = torch.zeros_like(lightness)
    high = torch.ones_like(lightness)
    tolerance = 1e-4

    def inside(scale: Tensor) -> Tensor:
        rgb = join_lab(lightness, ab * scale, clip=False)
        return ((rgb >= -tolerance) & (rgb <= 1 + tolerance)).all(dim=1, keepdim=True)

    fits = inside(high)
    for _ in range(steps):
        middle = (low + high) / 2
        ok = inside(middle)
        low = torch.where(ok, middle, low)
        high = torch.where(ok, high, middle)
    return ab * torch.where(fits, torch.ones_like(low), low)


def resize_ab(ab: Tensor, size: tuple[int, int]) -> Tensor:
    """Resizes ab (B, 2, h, w) to ``size`` = (H, W), bilinear, antialiased when it shrinks."""
    if tuple(ab.shape[-2:]) == tuple(size):
        return ab
    return interpolate(ab, size=size, mode="bilinear", align_corners=False, antialias=True)
