"""Sky, grass and the like, found by their colors in drawn photos; and all that is worn as one."""

import random
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from lcoins.data.surroundings import clothes, renamed, surroundings
from lcoins.data.things import Thing

SIDE = 64
BLUE, GREEN, GRAY = (-5, -30), (-30, 30), (0, 0)
LOWER = np.arange(SIDE)[:, None].repeat(SIDE, 1) >= SIDE // 2


Color = tuple[int, int]
Mask = NDArray[np.bool_]
Levels = NDArray[np.float32]


def drawn(upper: Color, lower: Color, below: float) -> tuple[Levels, Levels]:
    """L*, rough below, and ab of a photo of two halves."""
    rough = np.random.default_rng(0).normal(0, 8, (SIDE, SIDE))
    lightness = np.where(LOWER, below + rough, 70).astype(np.float32)
    ab = np.where(LOWER, np.reshape(lower, (2, 1, 1)), np.reshape(upper, (2, 1, 1))).astype(np.float32)
    return lightness, ab


def found(
    upper: Color,
    lower: Color,
    kinds: Sequence[str] = (),
    captions: Sequence[str] = (),
    taken: Mask | None = None,
    below: float = 45,
) -> tuple[dict[str, Mask], list[str]]:
    nothing = np.zeros((SIDE, SIDE), bool)
    things, absent = surroundings(*drawn(upper, lower, below), nothing if taken is None else taken, kinds, captions)
    return {thing.kind: thing.mask for thing in things}, absent


def test_a_blue_smooth_upper_half_is_sky_and_a_green_lower_one_grass() -> None:
    masks, absent = found(BLUE, GREEN)
    assert set(masks) == {"sky", "grass"}
    assert (masks["sky"] == ~LOWER).mean() > 0.85 and (masks["grass"] == LOWER).mean() > 0.85  # edges are left out
    assert "sand" in absent and "grass" not in absent


@pytest.mark.parametrize("furniture", ["couch", "dining table"])
def test_a_photo_of_furniture_has_no_sky(furniture: str) -> None:
    assert found(BLUE, GREEN, kinds=(furniture,)) == ({}, [])


def test_what_things_cover_belongs_to_them() -> None:
    taken = np.zeros((SIDE, SIDE), bool)
    taken[:, :20] = True
    masks, _ = found(BLUE, GREEN, kinds=("person",), taken=taken)
    assert not any((mask & taken).any() for mask in masks.values())


def test_a_gray_photo_shows_neither_grass_nor_water() -> None:
    masks, absent = found(GRAY, GRAY)
    assert not masks and {"grass", "water", "sand"} <= set(absent)


def test_snow_needs_a_caption_that_tells_of_it() -> None:
    assert "snow" not in found(BLUE, GRAY, below=90)[0]
    assert "snow" in found(BLUE, GRAY, captions=["A skier in deep snow."], below=90)[0]


def test_clothes_are_all_that_is_worn() -> None:
    shirt, jeans, bag = (np.zeros((SIDE, SIDE), bool) for _ in range(3))
    shirt[10:30, 10:30], jeans[30:50, 10:30], bag[30:40, 40:50] = True, True, True
    things = [Thing("shirt", shirt), Thing("jeans", jeans), Thing("bag", bag)]
    worn = clothes(things)
    assert worn is not None and (worn.mask == shirt | jeans).all()
    assert clothes(things[1:]) is None
    assert renamed(worn, random.Random(0)).kind in ("clothes", "clothing", "outfit")
