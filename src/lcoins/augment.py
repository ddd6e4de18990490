"""Luminance augmentation (paper, 3.2, Eqs. 1-2): hides what lightness tells about colour. Pure, generator-driven."""

import math
from dataclasses import dataclass

import torch
from kornia.enhance import adjust_gamma, adjust_hue
from torch import Tensor

from lcoins.lab import split_lab


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
        with torch.autocast(rgb.device.type, enabled=False):
            if self.hue > 0:
                rgb = adjust_hue(rgb.float(), angle).clamp(0, 1)
            lightness = split_lab(rgb)[0].clamp(0, 100)
            if self.gamma > 1:
                lightness = 100 * adjust_gamma(lightness / 100, exponent)
        return lightness
