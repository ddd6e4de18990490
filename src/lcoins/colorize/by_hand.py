"""Hints as a person gives them: "120,80=red" for a place of the photo, "car.png=blue" for a picture of a region."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lcoins.color.hints import Hint, place, stroke
from lcoins.color.lab import split_lab
from lcoins.color.names import Lab
from lcoins.color.reading import read_sentence
from lcoins.color.spelling import meant_color
from lcoins.imaging.decode import load_photo

MOST = 100  # hints of one photo
ASPECT_APART = 0.02  # by which a mask's width over height may differ from the photo's
_PLACE = re.compile(r"\s*(?P<x>\d+(?:\.\d+)?)(?P<x_share>%?)\s*,\s*(?P<y>\d+(?:\.\d+)?)(?P<y_share>%?)\s*")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


@dataclass(frozen=True)
class PlaceHint:
    """A color at a place: x from the left, y from the top, each in pixels of the upright photo, or a share of it."""

    text: str
    x: float
    y: float
    color: Lab
    x_is_share: bool = False
    y_is_share: bool = False


@dataclass(frozen=True)
class MaskHint:
    """A color for what is white in a picture of the photo's shape."""

    mask: Path
    color: Lab


@dataclass(frozen=True)
class StrokeHint:
    """A color along a line that was brushed, or at its only point.

    ``points`` are (x, y) in shares, 0..1, of the upright photo's width and height; ``name`` is the color's name.
    """

    points: tuple[tuple[float, float], ...]
    name: str
    color: Lab


HandHint = PlaceHint | StrokeHint | MaskHint


def read_hints(places: Sequence[str], masks: Sequence[str]) -> tuple[HandHint, ...]:
    """The hints of "x,y=COLOR" and "FILE=COLOR"; ValueError says what is wrong with one.

    >>> read_hints(["50%,20=dark red"], [])[0].y
    20.0
    """
    if len(places) + len(masks) > MOST:
        raise ValueError(f"expected at most {MOST} hints, got {len(places) + len(masks)}")
    return (*map(_place_hint, places), *map(_mask_hint, masks))


def _place_hint(text: str) -> PlaceHint:
    place, _, color = text.partition("=")
    match = _PLACE.fullmatch(place)
    if match is None or not color:
        raise ValueError(f'expected a hint such as "120,80=red", or "25%,60%=red" in shares of the photo, got {text!r}')
    return PlaceHint(
        text, float(match["x"]), float(match["y"]), color_named(color), bool(match["x_share"]), bool(match["y_share"])
    )


def _mask_hint(text: str) -> MaskHint:
    file, _, color = text.rpartition("=")
    if not file or not color:
        raise ValueError(f'expected a mask such as "car.png=blue", got {text!r}')
    return MaskHint(Path(file), color_named(color))


def color_named(name: str) -> Lab:
    """CIELAB of a color's name, with its shade, or of #rrggbb; ValueError for any other text.

    >>> color_named("dark red"), color_named("#ff0000")
    ((26.5, 49.1, 39.3), (53.2, 80.1, 67.2))
    """
    name = " ".join(name.split())
    if _HEX.fullmatch(name):
        levels = torch.tensor([int(name[at : at + 2], 16) / 255 for at in (1, 3, 5)])
        lightness, ab = split_lab(levels.view(1, 3, 1, 1))
        a, b = ab.flatten().tolist()
        return round(float(lightness), 1), round(a, 1), round(b, 1)
    found = read_sentence(f"the car is {name.lower()}").colors
    if len(found) == 1 and found[0].word == name.lower():
        return found[0].lab
    meant = meant_color(name.lower(), ())
    advice = f"did you mean {meant}?" if meant else "take one such as red, light blue or olive, or #rrggbb"
    raise ValueError(f"{name!r} is not known as a color: {advice}")


def placed(hints: Sequence[HandHint], size: tuple[int, int], side: int) -> list[Hint]:
    """Hints for a photo of ``size`` (width, height), on the square of ``side`` pixels that the network sees.

    Raises ValueError for a place outside the photo and for a mask of another shape, FileNotFoundError without a mask.
    """
    return [_placed(hint, size, side) for hint in hints]


def _placed(hint: HandHint, size: tuple[int, int], side: int) -> Hint:
    width, height = size
    if isinstance(hint, MaskHint):
        return Hint(hint.color, _region(hint.mask, size, side), spreads=False)
    if isinstance(hint, StrokeHint):
        points = [(x * width, y * height) for x, y in hint.points]
        return Hint(hint.color, stroke(points, size, side), spreads=True)
    x = hint.x * width / 100 if hint.x_is_share else hint.x
    y = hint.y * height / 100 if hint.y_is_share else hint.y
    if x > width or y > height:
        raise ValueError(f"the hint {hint.text!r} lies outside the photo, which has {width} x {height} pixels")
    return Hint(hint.color, place(x, y, size, side), spreads=True)


def _region(path: Path, size: tuple[int, int], side: int) -> Tensor:
    mask = load_photo(path).convert("L")
    if abs(mask.width / mask.height / (size[0] / size[1]) - 1) > ASPECT_APART:
        raise ValueError(
            f"{path}: expected a mask of the photo's shape, {size[0]} x {size[1]} pixels, got {mask.width} x "
            f"{mask.height}"
        )
    region = torch.from_numpy(np.array(mask.resize((side, side)))).float() / 255
    if region.max() < 0.5:
        raise ValueError(f"{path}: nothing in the mask is white; paint white what is to take the color")
    return region
