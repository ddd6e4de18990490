"""Luminance augmentation hides what lightness tells about color. All draws come from the :class:`Draws` passed in.

Here are the paper's (3.2, Eqs. 1-2), Xie2018's, and two experiments that go further, ColorFilter and Shading, which are
not the paper's and were as good as its own, not better (`experiment=augmentations`). OldPhoto makes photos soft, grainy
and scratched, as many are that people have to color.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import torch
from kornia.enhance import adjust_gamma, adjust_hue
from kornia.filters import gaussian_blur2d
from torch import Tensor
from torch.nn.functional import interpolate

from lcoins.color.lab import in_float32, split_lab

OLD_PHOTO_SIDE = 224  # at which the softness, the grain and the scratches of old photos are given
SCRATCH_WIDTH = 1.5  # pixels of that side; of the widest scratch
SCRATCH_LENGTH = 1.2  # of the photo's longer side; of the longest scratch
UPRIGHT, BRIGHT = 0.7, 0.7  # shares of scratches that run up and down, not across, and that are white, not black
SLANT = 0.3  # radians; of the most slanted scratch


class Draws:
    """Random numbers for the photos of a batch, each photo from its own seed, so that its company plays no part."""

    def __init__(self, seeds: Iterable[int]) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def uniform(self, *shape: int) -> Tensor:
        """(B, *shape), uniform in [0, 1)."""
        return torch.stack([torch.rand(shape, generator=generator) for generator in self.generators])

    def normal(self, *shape: int) -> Tensor:
        """(B, *shape), normal with mean 0 and standard deviation 1."""
        return torch.stack([torch.randn(shape, generator=generator) for generator in self.generators])


class Augmentation(Protocol):
    """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100 as a system sees it; one draw for each photo."""

    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor: ...


@dataclass(frozen=True)
class LuminanceAugmentation:
    """Rotates the hue by up to ``hue`` degrees, then raises L/100 to a power in 1..``gamma`` or to its reciprocal.

    Both are drawn per photo. The paper has 180 and 5; ``hue = 0`` and ``gamma = 1`` are its ablation "w/o LA". The
    authors' code draws one gamma per batch and applies it to L in 0..100, where a power of 5 gives 1e10; Eq. 2 is
    defined on [0, 1].
    """

    hue: float
    gamma: float

    def __post_init__(self) -> None:
        if not 0 <= self.hue <= 180:
            raise ValueError(f"hue must lie in 0..180 degrees, not {self.hue}")
        if self.gamma < 1:
            raise ValueError(f"gamma is the largest exponent and must be at least 1, not {self.gamma}")

    def draw(self, draws: Draws) -> tuple[Tensor, Tensor]:
        """Angles (B,) in radians, uniform in +-hue; exponents (B,), uniform in 1..gamma, half inverted."""
        turned, raised, inverted = draws.uniform(3).unbind(1)
        angle = (turned * 2 - 1) * math.radians(self.hue)
        exponent = 1 + raised * (self.gamma - 1)
        invert = inverted < 0.5
        return angle, torch.where(invert, 1 / exponent, exponent)

    @torch.no_grad()
    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor:
        """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100; draws on the CPU, works on rgb's device."""
        angle, exponent = (value.to(rgb.device) for value in self.draw(draws))
        with in_float32(rgb):
            if self.hue > 0:
                rgb = adjust_hue(rgb.float(), angle).clamp(0, 1)
            lightness = split_lab(rgb)[0].clamp(0, 100)
            if self.gamma > 1:
                lightness = 100 * adjust_gamma(lightness / 100, exponent)
        return lightness


@dataclass(frozen=True)
class ColorFilter(LuminanceAugmentation):
    """The paper's augmentation, followed by a random color filter before the lens. Not the paper's.

    Black-and-white film behind a red filter shows red bright and blue dark. Here lightness becomes L + u . (a, b), with
    u (2,) normal with standard deviation ``strength``, drawn per photo, so that lightness says something else about
    color each time. Gamma keeps the order of lightness and hue rotation keeps saturation; the filter keeps neither.
    """

    strength: float

    @torch.no_grad()
    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor:
        lightness = super().__call__(rgb, draws)
        direction = draws.normal(2, 1, 1).to(rgb.device) * self.strength
        return (lightness + (direction * split_lab(rgb)[1]).sum(dim=1, keepdim=True)).clamp(0, 100)


@dataclass(frozen=True)
class Shading(LuminanceAugmentation):
    """The paper's hue rotation, then an exponent that varies smoothly over the picture. Not the paper's.

    The logarithm of the exponent is normal with standard deviation ``strength`` at the crossings of a grid of ``cells``
    by ``cells``, and bicubic between them, so that things of one color are bright in one place and dark in another. The
    exponent replaces gamma, which must be 1.
    """

    strength: float
    cells: int = 4

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gamma != 1:
            raise ValueError(f"shading replaces gamma, which must be 1, not {self.gamma}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor:
        lightness = super().__call__(rgb, draws)
        crossings = draws.normal(1, self.cells, self.cells) * self.strength
        exponent = interpolate(crossings.to(rgb.device), rgb.shape[-2:], mode="bicubic").exp()
        return 100 * (lightness / 100).clamp(min=1e-4) ** exponent


@dataclass(frozen=True)
class RandomLighting:
    """Xie2018's: scales L* around the photo's mean by 1 +- ``contrast``, then adds up to +-``brightness``.

    Both are uniform and drawn per photo; the result is clamped to 0..100. Its release has about 0.1 and 10.
    """

    contrast: float
    brightness: float

    def __post_init__(self) -> None:
        if not 0 <= self.contrast < 1 or self.brightness < 0:
            raise ValueError(
                f"contrast must lie in 0..1 and brightness be at least 0, not {self.contrast} and {self.brightness}"
            )

    @torch.no_grad()
    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor:
        """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100."""
        contrast, brightness = (draws.uniform(2, 1, 1, 1) * 2 - 1).to(rgb.device).unbind(1)
        lightness = split_lab(rgb)[0]
        mean = lightness.mean(dim=(2, 3), keepdim=True)
        changed = mean + (lightness - mean) * (1 + self.contrast * contrast) + self.brightness * brightness
        return changed.clamp(0, 100)


@dataclass(frozen=True)
class OldPhoto:
    """Makes photos soft, as old lenses were, grainy, as film is, and scratched, as prints are. Not the paper's.

    Half of the photos are blurred, by a Gaussian whose standard deviation is uniform up to ``blur``; half, drawn apart,
    get grain: noise with a standard deviation uniform up to ``grain`` units of L*, itself blurred by up to
    ``coarsest``; and half, drawn apart again, get up to ``scratches`` straight scratches, most of them white and
    upright. Both blurs are in pixels of a photo whose longer side is OLD_PHOTO_SIDE, and work on L*, not on light.
    Old photos are faded and framed, too: what is faded is seen in full contrast (:mod:`lcoins.color.contrast`).
    """

    blur: float
    grain: float
    coarsest: float
    scratches: int = 0

    def __post_init__(self) -> None:
        if not all(0 < value < math.inf for value in (self.blur, self.grain, self.coarsest)):
            raise ValueError(
                f"blur, grain and coarsest must be above 0 and finite, not {self.blur}, {self.grain} and "
                f"{self.coarsest}; augmentation=none leaves photos as they are"
            )
        if self.scratches < 0:
            raise ValueError(f"scratches is the most of a photo, and at least 0, not {self.scratches}")

    @torch.no_grad()
    def __call__(self, rgb: Tensor, draws: Draws) -> Tensor:
        """sRGB (B, 3, H, W) in [0, 1] to lightness (B, 1, H, W) in 0..100."""
        is_soft, softness, is_grainy, amount, coarseness = draws.uniform(5).to(rgb.device).unbind(1)
        noise = draws.normal(1, *rgb.shape[-2:]).to(rgb.device)
        with in_float32(rgb):
            lightness = self._blurred(split_lab(rgb)[0], softness * self.blur * (is_soft < 0.5))
            noise = self._blurred(noise, coarseness * self.coarsest)
            noise = noise / noise.std(dim=(2, 3), correction=0, keepdim=True).clamp(min=1e-6)
        grain = amount * self.grain * (is_grainy < 0.5)
        return self._scratched((lightness + grain[:, None, None, None] * noise).clamp(0, 100), draws)

    def _blurred(self, pictures: Tensor, pixels: Tensor) -> Tensor:
        """Pictures (B, 1, H, W), each by its own Gaussian (B,), whose standard deviation is given at OLD_PHOTO_SIDE."""
        scale = max(pictures.shape[-2:]) / OLD_PHOTO_SIDE
        size = 2 * math.ceil(3 * max(self.blur, self.coarsest) * scale) + 1
        sigma = (pixels * scale).clamp(min=1e-3)[:, None].expand(-1, 2)
        return gaussian_blur2d(pictures, (size, size), sigma.contiguous(), border_type="replicate")

    def _scratched(self, lightness: Tensor, draws: Draws) -> Tensor:
        """Lightness (B, 1, H, W) with scratches on half of the photos, up to ``scratches`` on each."""
        height, width = lightness.shape[-2:]
        longer = max(height, width)
        is_scratched, share = draws.uniform(2).unbind(1)
        drawn = draws.uniform(self.scratches, 7, 1, 1, 1).to(lightness.device)  # alike whatever company a photo has
        number = torch.where(is_scratched < 0.5, (share * (self.scratches + 1)).floor(), 0)
        rows = torch.arange(height, device=lightness.device)[:, None] + 0.5
        columns = torch.arange(width, device=lightness.device)[None, :] + 0.5
        for index in range(int(number.max())):
            x, y, upright, slant, length, thickness, bright = drawn[:, index].unbind(1)
            angle = (slant * 2 - 1) * SLANT + torch.where(upright < UPRIGHT, math.pi / 2, 0.0)
            right, down = columns - x * width, rows - y * height
            along = (right * angle.cos() + down * angle.sin()).abs()
            across = (down * angle.cos() - right * angle.sin()).abs()
            thick = thickness * SCRATCH_WIDTH * longer / OLD_PHOTO_SIDE
            covered = (thick / 2 + 0.5 - across).clamp(0, 1) * thick.clamp(max=1)
            covered = covered * (length * SCRATCH_LENGTH * longer / 2 + 0.5 - along).clamp(0, 1)
            covered = covered * (number > index).to(lightness.device)[:, None, None, None]
            lightness = torch.lerp(lightness, torch.where(bright < BRIGHT, 100.0, 0.0), covered)
        return lightness
