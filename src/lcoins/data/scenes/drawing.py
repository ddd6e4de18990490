"""The pixels of a drawn scene, composed in Lab: a textured gray background, and objects with exact masks.

Patterns, shading and texture live in lightness alone; within its mask an object has one hue. Plain numpy on small
windows, because a training draws hundreds of scenes per second.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lcoins.color.lab import fit_gamut, lab_array_to_rgb
from lcoins.data.scenes.layout import SceneObject

Field = NDArray[np.floating[Any]]

_HUES = 180
_HALO_WIDTH = 0.07


@cache
def largest_chroma() -> Field:
    """The largest chroma inside sRGB at every hue (180 bins of 2 degrees) and lightness 0..100: (180, 101)."""
    hue = torch.arange(_HUES).view(1, 1, _HUES, 1) * (2 * torch.pi / _HUES)
    lightness = torch.arange(101.0).view(1, 1, 1, 101).expand(1, 1, _HUES, 101)
    ab = 140 * torch.cat([hue.cos(), hue.sin()], dim=1).expand(1, 2, _HUES, 101)
    return fit_gamut(lightness, ab).square().sum(dim=1).sqrt()[0].numpy()


def draw_scene(
    objects: tuple[SceneObject, ...], image_size: int, rng: random.Random, noise: np.random.Generator
) -> tuple[Field, NDArray[np.bool_]]:
    """sRGB (3, S, S) in [0, 1] and one mask (S, S) per object.

    The masks are disjoint, and the mean L* within each is the planned one. Each object's soft edge lies outside its
    mask.
    """
    lab = _draw_background(image_size, objects, rng, noise)
    masks = np.zeros((len(objects), image_size, image_size), dtype=bool)
    light = rng.uniform(-math.pi, 0)
    windows = [_window_around(thing, image_size) for thing in objects]
    for thing, window in zip(objects, windows, strict=True):
        _draw_halo(lab[0], thing, window)
    for mask, thing, window in zip(masks, objects, windows, strict=True):
        _paint_object(lab, mask, thing, window, light, rng)
    return lab_array_to_rgb(lab), masks


@cache
def _upsampling(image_size: int, knots: int) -> Field:
    """Smooth weights (S, knots) that spread a small random grid over the picture."""
    position = (np.arange(image_size) + 0.5) / image_size * (knots - 1)
    weights = np.exp(-2 * (position[:, None] - np.arange(knots)) ** 2)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@cache
def _coordinates(image_size: int) -> Field:
    """The centers of a row of pixels, as fractions of the picture's side."""
    return ((np.arange(image_size) + 0.5) / image_size).astype(np.float32)


def _draw_background(
    image_size: int, objects: tuple[SceneObject, ...], rng: random.Random, noise: np.random.Generator
) -> Field:
    """Lab (3, S, S): clouds at two scales, a gradient, one of several textures, and a tint of chroma below 6.

    Three lightnesses are drawn, and the one farthest from every object's is kept, so that most objects show in gray.
    """
    lab = np.empty((3, image_size, image_size), dtype=np.float32)
    axis = _coordinates(image_size)
    slope, direction = rng.uniform(4, 12), rng.uniform(0, 2 * math.pi)
    across, down = slope * math.cos(direction) * (axis - 0.5), slope * math.sin(direction) * (axis - 0.5)
    candidates = [rng.uniform(18, 90) for _ in range(3)]
    mean = max(candidates, key=lambda value: min(abs(value - thing.lab[0]) for thing in objects))
    lightness = mean + across + down[:, None]
    for knots, strength in ((5, rng.uniform(2, 7)), (14, rng.uniform(0.5, 4))):
        spread = _upsampling(image_size, knots)
        lightness += strength * (spread @ noise.standard_normal((knots, knots), dtype=np.float32) @ spread.T)
    lightness += _texture(image_size, rng, noise)
    lab[0] = np.clip(lightness, 10, 94)
    chroma, hue = rng.uniform(0, 5), rng.uniform(0, 2 * math.pi)
    lab[1], lab[2] = chroma * math.cos(hue), chroma * math.sin(hue)
    return lab


def _texture(image_size: int, rng: random.Random, noise: np.random.Generator) -> Field:
    """Grain, cloth or wood, a few units of L* strong: weaker than any object's pattern."""
    style = rng.choice(("grain", "cloth", "wood", "fine grain"))
    axis = _coordinates(image_size)
    if style == "cloth":
        threads = np.cos(2 * math.pi * rng.randint(12, 18) * axis + rng.uniform(0, 6))
        return rng.uniform(1, 2.5) * (threads + threads[:, None])
    if style == "wood":
        spread = _upsampling(image_size, 5)
        bend = spread @ noise.standard_normal((5, 5), dtype=np.float32) @ spread.T
        return rng.uniform(1.5, 3.5) * np.sin(2 * math.pi * (rng.uniform(3, 7) * axis[:, None] + 0.6 * bend))
    strength = rng.uniform(2, 4) if style == "grain" else rng.uniform(0.5, 1.5)
    return strength * noise.standard_normal((image_size, image_size), dtype=np.float32)


@dataclass(frozen=True)
class _Window:
    """The part of the picture around an object, in fractions of the picture's side.

    ``x`` and ``y`` are the pixels' coordinates from the object's center, ``distance`` (h, w) how far they lie outside
    its edge, negative inside.
    """

    rows: slice
    columns: slice
    x: Field
    y: Field
    distance: Field


def _window_around(thing: SceneObject, image_size: int) -> _Window:
    axis, radius = _coordinates(image_size), thing.diameter / 2
    columns, rows = (_pixels_near(middle, radius + _HALO_WIDTH, image_size) for middle in thing.center)
    x, y = axis[columns] - thing.center[0], (axis[rows] - thing.center[1])[:, None]
    cos, sin = math.cos(thing.angle) / radius, math.sin(thing.angle) / radius
    distance = SHAPES[thing.kind](cos * x + sin * y, cos * y - sin * x) * radius
    return _Window(rows, columns, x, y, distance)


def _pixels_near(middle: float, reach: float, size: int) -> slice:
    return slice(max(int((middle - reach) * size) - 1, 0), min(int((middle + reach) * size) + 2, size))


def _draw_halo(lightness: Field, thing: SceneObject, window: _Window) -> None:
    """Darkens or lightens a background that is about as light as the object, so that gray still shows its shape."""
    background = lightness[window.rows, window.columns]
    level, behind = thing.lab[0], float(background.mean())
    contrast = 18 if thing.pattern == "plain" else 25
    if abs(behind - level) >= contrast:
        return
    darker = level - contrast >= 6 and (behind <= level or level + contrast > 95)
    halo = level - contrast if darker else level + contrast
    fade = np.clip(1 - window.distance / _HALO_WIDTH, 0, 1)
    background += fade * (2 - fade) * (halo - background)


def _paint_object(
    lab: Field, mask: NDArray[np.bool_], thing: SceneObject, window: _Window, light: float, rng: random.Random
) -> None:
    """Paints one object into ``lab`` and fills its ``mask``; a rim of one pixel outside the mask blends its edge."""
    inside = window.distance <= 0
    mask[window.rows, window.columns] = inside
    detail = _shade(window, light, thing.diameter) + _paint_pattern(thing.pattern, window.x, window.y, rng)
    detail -= detail[inside].mean()
    lightness, a, b = thing.lab
    shaded = np.clip(lightness + detail, 8, 93)
    chroma, hue = math.hypot(a, b), round(math.atan2(b, a) / (2 * math.pi) * _HUES) % _HUES
    keep = np.minimum(largest_chroma()[hue].take(shaded.astype(np.intp)) / max(chroma, 1e-3), 1)
    alpha = np.clip(1 - window.distance * lab.shape[-1], 0, 1)
    for channel, value in zip(lab[:, window.rows, window.columns], (shaded, a * keep, b * keep), strict=True):
        channel += alpha * (value - channel)


def _shade(window: _Window, light: float, diameter: float) -> Field:
    """Soft shading across the object; ``light`` is the angle from which the whole scene is lit."""
    return 8 / diameter * (math.cos(light) * window.x + math.sin(light) * window.y)


def _paint_pattern(pattern: str, x: Field, y: Field, rng: random.Random) -> Field:
    """Stripes, dots or checks of 8 to 12 units of L* around zero; fixed in size, so that a big object has more."""
    amplitude, phase = rng.uniform(8, 12), rng.uniform(0, 2 * math.pi)
    if pattern == "striped":
        tilt = rng.choice((0.0, math.pi / 4, math.pi / 2))
        wave = np.sin(70 * math.cos(tilt) * x + 70 * math.sin(tilt) * y + phase)
        return amplitude * np.clip(2 * wave, -1, 1)
    if pattern == "dotted":
        return amplitude * np.clip(3 * (np.cos(62 * x) + np.cos(62 * y)) - 2, -1, 1)
    if pattern == "checked":
        return amplitude * np.clip(4 * np.sin(42 * x) * np.sin(42 * y), -1, 1)
    return np.zeros_like(x + y)


def _circle(u: Field, v: Field) -> Field:
    return np.hypot(u, v) - 1


def _square(u: Field, v: Field) -> Field:
    return np.maximum(abs(u), abs(v)) - 0.84


def _triangle(u: Field, v: Field) -> Field:
    return np.maximum(0.894 * abs(u) - 0.447 * v - 0.42, v - 0.84)


def _star(u: Field, v: Field) -> Field:
    """Five points: every direction is folded into one half of a point, whose edge is a straight line."""
    sector = 2 * math.pi / 5
    turn = np.arctan2(u, -v)
    turn = abs(turn - sector * np.round(turn / sector))
    r = np.hypot(u, v)
    return 0.49 * (r * np.cos(turn) - 1) + 0.87 * r * np.sin(turn)


def _ring(u: Field, v: Field) -> Field:
    return abs(np.hypot(u, v) - 0.7) - 0.3


def _cross(u: Field, v: Field) -> Field:
    u, v = abs(u), abs(v)
    return np.minimum(np.maximum(u - 0.34, v - 0.95), np.maximum(u - 0.95, v - 0.34))


def _heart(u: Field, v: Field) -> Field:
    u = abs(u)
    lobes = np.hypot(u - 0.46, v + 0.34) - 0.52
    point = np.maximum(0.69 * u + 0.72 * v - 0.66, -v - 0.3)
    return np.minimum(lobes, np.maximum(point, u - 1))


def _moon(u: Field, v: Field) -> Field:
    return np.maximum(np.hypot(u, v) - 1, 0.74 - np.hypot(u - 0.5, v + 0.1))


# Kind -> signed distance (roughly; negative inside) at (u, v), where the object spans [-1, 1] and v points down.
SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "circle": _circle,
    "square": _square,
    "triangle": _triangle,
    "star": _star,
    "ring": _ring,
    "cross": _cross,
    "heart": _heart,
    "moon": _moon,
}
