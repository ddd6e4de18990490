"""Painting a thing: in the new color, inside its mask, at the photo's own lightness, inside sRGB."""

import random

import numpy as np
import pytest
import torch
from hues import hue_distance
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB, PAINTED_LAB, NamedColor
from lcoins.data.instance_recoloring import draw_color, is_allowed, paint
from lcoins.data.things import Thing


def drawn() -> tuple[Tensor, Tensor, Tensor, Thing]:
    """A grayish photo as pixels (3, 32, 32), L* and ab, and a thing in its middle."""
    generator = torch.Generator().manual_seed(0)
    rgb = (torch.rand(3, 32, 32, generator=generator) * 0.2 + 0.4).mul(255).to(torch.uint8)
    lightness, ab = (part[0] for part in split_lab(rgb[None].float() / 255))
    mask = np.zeros((32, 32), bool)
    mask[8:24, 8:24] = True
    a, b = ab[:, torch.from_numpy(mask)].mean(dim=1).tolist()
    return rgb, lightness[0], ab, Thing("bus", mask, lightness=float(lightness[0][mask].mean()), ab=(a, b))


@pytest.mark.parametrize("color", ["red", "orange", "green", "blue", "yellow", "purple", "pink"])
def test_a_painted_thing_has_its_color_and_keeps_its_lightness(color: str) -> None:
    rgb, lightness, ab, thing = drawn()
    painted, emphasis = paint(lightness, ab, [(thing, NamedColor(color, BASIC_LAB[color]))], random.Random(0))
    after, colors = (part[0] for part in split_lab(painted[None].float() / 255))
    assert (after[0] - lightness).abs().max() < 1.5  # clipped to sRGB it would be another
    assert torch.equal(painted[:, :7], rgb[:, :7]) and torch.equal(painted[:, :, 25:], rgb[:, :, 25:])
    assert torch.equal(emphasis > 0, torch.from_numpy(thing.mask))
    a, b = colors[:, torch.from_numpy(thing.mask)].mean(dim=1).tolist()
    assert hue_distance((a, b), BASIC_LAB[color][1:]) < 15
    assert abs(complex(a, b)) > 25


def test_gray_takes_the_color_away() -> None:
    _, lightness, ab, thing = drawn()
    painted, _ = paint(lightness, ab, [(thing, NamedColor("gray", BASIC_LAB["gray"]))], random.Random(0))
    assert split_lab(painted[None].float() / 255)[1][0][:, 10:22, 10:22].norm(dim=0).mean() < 4


def test_two_things_are_painted_at_once_and_small_ones_count_more() -> None:
    _, lightness, ab, thing = drawn()
    mask = np.zeros((32, 32), bool)
    mask[1:5, 1:6] = True
    small = Thing("dog", mask, lightness=50.0)
    colors = [(thing, NamedColor("red", BASIC_LAB["red"])), (small, NamedColor("blue", BASIC_LAB["blue"]))]
    painted, emphasis = paint(lightness, ab, colors, random.Random(0))
    new = split_lab(painted[None].float() / 255)[1][0]
    assert new[0, 10:22, 10:22].mean() > 20 and new[1, 2:4, 2:5].mean() < -20
    assert 1 <= float(emphasis[15, 15]) < float(emphasis[3, 3]) <= 2.5


@pytest.mark.parametrize("level", [10.0, 35.0, 50.0, 70.0, 92.0])
def test_only_colors_of_about_its_lightness_are_drawn_and_none_that_is_taken(level: float) -> None:
    thing = Thing("bus", np.ones((4, 4), bool), lightness=level, ab=(20.0, 20.0))
    found = [draw_color(thing, random.Random(seed), ["red", "gray"]) for seed in range(300)]
    colors = [color for color in found if color is not None]
    assert len({color.name for color in colors}) > 5
    assert all(abs(color.lab[0] - level) <= 40 for color in colors if color.chroma > 0)
    assert not {"red", "gray"} & {color.name for color in colors}
    assert all(color.lab == PAINTED_LAB[color.name] for color in colors)


def test_a_shade_must_be_closer_in_lightness() -> None:
    thing = Thing("bus", np.ones((4, 4), bool), lightness=45.0)
    assert is_allowed(NamedColor("blue", (75.0, 12.0, -54.0)), thing)
    assert not is_allowed(NamedColor("light blue", (75.0, 12.0, -54.0)), thing)
    assert is_allowed(NamedColor("light blue", (65.0, 12.0, -54.0)), thing)


def test_cool_colors_are_drawn_more_often_on_warm_things() -> None:
    cool = {"green", "blue", "purple"}
    shares = []
    for ab in ((30.0, 30.0), (0.0, 0.0)):
        thing = Thing("bus", np.ones((4, 4), bool), lightness=50.0, ab=ab)
        found = [draw_color(thing, random.Random(seed)) for seed in range(800)]
        shares.append(sum(color is not None and color.name in cool for color in found) / 800)
    assert shares[0] > shares[1] + 0.03
