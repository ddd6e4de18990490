"""Luminance augmentation: hides what lightness tells about color. Pure, generator-driven.

The paper's (3.2, Eqs. 1-2); two of our own that go further, which are never reported as the paper's; and Xie2018's.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import torch
from kornia.enhance import adjust_gamma, adjust_hue
from torch import Tensor
from torch.nn.functional import interpolate

from lcoins.color.lab import in_float32, split_lab


class Augmentation(Protocol):
    """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100 as training sees it."""

    def __call__(self, rgb: Tensor, generator: torch.Generator) -> Tensor: ...


@dataclass(frozen=True)
class LuminanceAugmentation:
    """Random hue rotation by up to ``hue`` degrees, then gamma in 1..``gamma`` or its reciprocal on L/100.

    Both are drawn per photo. ``hue = 0`` and ``gamma = 1`` are the ablation "w/o LA". The paper: 180 and 5. The
    authors' code draws one gamma per batch and applies it to L in 0..100, where a power of 5 gives 1e10; Eq. 2 is for
    [0, 1].
    """

    hue: float
    gamma: float

    def __post_init__(self) -> None:
        if not 0 <= self.hue <= 180:
            raise ValueError(f"hue must lie in 0..180 degrees, not {self.hue}")
        if self.gamma < 1:
            raise ValueError(f"gamma is the largest exponent and must be at least 1, not {self.gamma}")

    def draw(self, count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Angles (count,) in radians, uniform in +-hue, and exponents (count,): gamma or 1/gamma, half each."""
        angle = (torch.rand(count, generator=generator) * 2 - 1) * math.radians(self.hue)
        exponent = 1 + torch.rand(count, generator=generator) * (self.gamma - 1)
        invert = torch.rand(count, generator=generator) < 0.5
        return angle, torch.where(invert, 1 / exponent, exponent)

    @torch.no_grad()
    def __call__(self, rgb: Tensor, generator: torch.Generator) -> Tensor:
        """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100; draws on the CPU, works on rgb's device."""
        angle, exponent = (value.to(rgb.device) for value in self.draw(len(rgb), generator))
        with in_float32(rgb):
            if self.hue > 0:
                rgb = adjust_hue(rgb.float(), angle).clamp(0, 1)
            lightness = split_lab(rgb)[0].clamp(0, 100)
            if self.gamma > 1:
                lightness = 100 * adjust_gamma(lightness / 100, exponent)
        return lightness


@dataclass(frozen=True)
class ColorFilter(LuminanceAugmentation):
    """The paper's augmentation, then a random color filter before the lens. Our own.

    Black-and-white film behind a red filter shows red bright and blue dark. Here lightness becomes L + u . (a, b), with
    u (2,) normal with deviation ``strength``, drawn per photo, so that what lightness tells about color has a random
    sign. Gamma keeps the order of lightness and hue rotation keeps saturation; this keeps neither.
    """

    strength: float

    @torch.no_grad()
    def __call__(self, rgb: Tensor, generator: torch.Generator) -> Tensor:
        lightness = super().__call__(rgb, generator)
        direction = torch.randn(len(rgb), 2, 1, 1, generator=generator).to(rgb.device) * self.strength
        return (lightness + (direction * split_lab(rgb)[1]).sum(dim=1, keepdim=True)).clamp(0, 100)


@dataclass(frozen=True)
class Shading(LuminanceAugmentation):
    """The paper's hue rotation, and an exponent that changes smoothly over the picture in place of its one gamma. Ours.

    The logarithm of the exponent is normal with deviation ``strength`` at the crossings of a grid of ``cells`` by
    ``cells`` and bicubic between them: things of one color come out bright here and dark there. ``gamma`` must be 1.
    """

    strength: float
    cells: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma != 1:
            raise ValueError(f"shading takes the place of gamma, which must be 1, not {self.gamma}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, generator: torch.Generator) -> Tensor:
        lightness = super().__call__(rgb, generator)
        crossings = torch.randn(len(rgb), 1, self.cells, self.cells, generator=generator) * self.strength
        exponent = interpolate(crossings.to(rgb.device), rgb.shape[-2:], mode="bicubic").exp()
        return 100 * (lightness / 100).clamp(min=1e-4) ** exponent


@dataclass(frozen=True)
class RandomLighting:
    """Xie2018's: contrast by a factor of 1 +- ``contrast`` around the photo's mean, then up to ``brightness`` on L*.

    Both are uniform and drawn per photo; lightness in L* units, cut to 0..100. The release: about 0.1 and 10.
    """

    contrast: float
    brightness: float

    def __post_init__(self) -> None:
        if not 0 <= self.contrast < 1 or self.brightness < 0:
            raise ValueError(
                f"contrast must lie in 0..1 and brightness be at least 0, not {self.contrast} and {self.brightness}"
            )

    @torch.no_grad()
    def __call__(self, rgb: Tensor, generator: torch.Generator) -> Tensor:
        """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100."""
        draws = (torch.rand(2, len(rgb), 1, 1, 1, generator=generator) * 2 - 1).to(rgb.device)
        lightness = split_lab(rgb)[0]
        mean = lightness.mean(dim=(2, 3), keepdim=True)
        changed = mean + (lightness - mean) * (1 + self.contrast * draws[0]) + self.brightness * draws[1]
        return changed.clamp(0, 100)
