"""Paints things of a photo with named colors: inside their soft-edged masks, at the photo's own lightness and shading.

Ours, not the paper's. Since a thing gets any color that its lightness allows, only the sentence says which.
"""

import random
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from lcoins.color.lab import fit_gamut, join_lab
from lcoins.color.names import BASIC_LAB, NAMED_LAB, SHADE_LAB, NamedColor, named
from lcoins.color.strength import shading
from lcoins.data.things import Thing

LIGHTNESS_APART = 40.0  # L* at most between a thing and the typical lightness of its new color
SHADE_APART = 24.0  # the same where the name speaks of lightness, and for brown, which is dark orange
STRENGTH = (0.7, 1.05)  # times the typical ab
STRONGEST = 85.0  # units of chroma: the survey's names are those of a screen's colors
OWN = 0.3  # share of the thing's own deviation from its mean ab that stays
EXTENDED = 1 / 3  # how often a color is drawn from the rarer names and the shades
ACHROMATIC_SHARE = 0.1

# How often a basic color is drawn: networks trained on photos guess warm colors, so that cool ones need more practice.
BASIC_WEIGHTS = {
    "red": 1.0,
    "orange": 0.8,
    "yellow": 0.9,
    "green": 1.7,
    "blue": 2.2,
    "purple": 1.8,
    "pink": 1.0,
    "brown": 0.6,
}
COOL = ("green", "blue", "purple")
COOL_ON_WARM = 0.35  # a warm thing gets a cool color that much more often
_EXTENDED = named(NAMED_LAB | SHADE_LAB)
_FREQUENT_SHADE = 0.5  # of the rarer names


def draw_color(thing: Thing, rng: random.Random, taken: Sequence[str] = ()) -> NamedColor | None:
    """A color that the thing's lightness allows and that none of ``taken`` is; None where there is none."""
    if rng.random() < ACHROMATIC_SHARE:
        word = "black" if thing.lightness < 28 else "white" if thing.lightness > 75 else "gray"
        return None if word in taken else NamedColor(word, BASIC_LAB[word])
    if rng.random() < EXTENDED:
        shades = rng.random() < _FREQUENT_SHADE
        wanted = [color for color in _EXTENDED if color.is_shade == shades and is_allowed(color, thing)]
        if wanted:
            return rng.choice(wanted)
    a, b = thing.ab
    warm = abs(complex(a, b)) > 10 and b > 0 and a > -5
    names = COOL if warm and rng.random() < COOL_ON_WARM else tuple(BASIC_WEIGHTS)
    colors = [NamedColor(name, BASIC_LAB[name]) for name in names if name not in taken]
    colors = [color for color in colors if is_allowed(color, thing)]
    return rng.choices(colors, [BASIC_WEIGHTS[color.name] for color in colors])[0] if colors else None


def is_allowed(color: NamedColor, thing: Thing) -> bool:
    """Whether the color is about as light as the thing, which keeps its lightness."""
    apart = SHADE_APART if color.is_shade or color.chroma < 25 or color.name == "brown" else LIGHTNESS_APART
    return abs(color.lab[0] - thing.lightness) <= apart


def paint(
    lightness: Tensor, ab: Tensor, painted: Sequence[tuple[Thing, NamedColor]], rng: random.Random
) -> tuple[Tensor, Tensor]:
    """L* (H, W) and ab (2, H, W) to sRGB (3, H, W) uint8 with the things in their new colors, and pixels' weights.

    The second is 0 where nothing was painted, from 1 up to 2.5 in things that are small.
    """
    ab, emphasis = ab.clone(), torch.zeros_like(lightness)
    for thing, color in painted:
        mask = torch.from_numpy(thing.mask)
        soft = avg_pool2d(mask[None, None].float(), 3, stride=1, padding=1, count_include_pad=False)[0, 0]
        strength = rng.uniform(*STRENGTH) * min(1.0, STRONGEST / max(color.chroma, 1e-6))
        typical = ab.new_tensor(color.lab[1:])[:, None, None]
        own = (ab - ab.new_tensor(thing.ab)[:, None, None]).clamp(-25, 25)
        own = own * (OWN if color.chroma > 12 else 0.1)
        ab = torch.lerp(ab, typical * strength * shading(lightness, thing.lightness) + own, soft)
        emphasis[mask] = float(np.clip((0.08 / max(thing.share, 1e-6)) ** 0.5, 1.0, 2.5))
    fitted = fit_gamut(lightness[None, None], ab[None])
    rgb = join_lab(lightness[None, None], fitted)[0]
    return (rgb * 255).round().to(torch.uint8), emphasis
