"""Further views of a drawn scene: its objects in other colors under other words, at the lightness that they have.

Ours, not the paper's. What :mod:`lcoins.data.instance_recoloring` does with the outlines of photos, for exact masks.
"""

import random
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.color.names import NamedColor
from lcoins.data.instance_recoloring import is_allowed, paint
from lcoins.data.scenes.layout import HELD_OUT, SCENE_COLORS, SceneObject
from lcoins.data.things import Thing

TRIES = 20  # draws of colors until one fits the objects


def repaint(
    objects: tuple[SceneObject, ...], rgb: Tensor, masks: NDArray[np.bool_], rng: random.Random
) -> tuple[tuple[SceneObject, ...], Tensor, Tensor] | None:
    """The objects in other colors, the scene that shows them, and the weights of its pixels (H, W).

    ``rgb`` and the scene that comes back are (3, H, W) sRGB in [0, 1]. Lightness stays; all objects differ in color,
    and no pair of color and kind is one that only tests have. None where the objects' lightness allows no such colors.
    """
    lightness, ab = split_lab(rgb[None])
    things = [_measured(thing, mask, lightness[0, 0], ab[0]) for thing, mask in zip(objects, masks, strict=True)]
    for _ in range(TRIES):
        colors = rng.sample(tuple(SCENE_COLORS), len(objects))
        named = [NamedColor(color, SCENE_COLORS[color]) for color in colors]
        if _fits(objects, things, named):
            pixels, emphasis = paint(lightness[0, 0], ab[0], list(zip(things, named, strict=True)), rng)
            return tuple(map(_recolored, objects, colors)), pixels / 255, emphasis
    return None


def _measured(scene_object: SceneObject, mask: NDArray[np.bool_], lightness: Tensor, ab: Tensor) -> Thing:
    inside = torch.from_numpy(mask)
    a, b = ab[:, inside].mean(dim=1).tolist()
    return Thing(scene_object.kind, mask, lightness=float(lightness[inside].mean()), ab=(a, b))


def _fits(objects: Sequence[SceneObject], things: Sequence[Thing], named: Sequence[NamedColor]) -> bool:
    return all(
        color.name != one.color and HELD_OUT[color.name] != one.kind and is_allowed(color, thing)
        for one, thing, color in zip(objects, things, named, strict=True)
    )


def _recolored(scene_object: SceneObject, color: str) -> SceneObject:
    return replace(scene_object, color=color)
