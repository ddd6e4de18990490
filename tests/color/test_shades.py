"""Shades and forms of colors: on the right side of their base, in gamut, and read as what training paints."""

import math

import pytest
import torch

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB, ISH, KNOWN_LAB, PAINTED_LAB, SHADES
from lcoins.color.rarer_names import RARER_LAB
from lcoins.color.shades import ISH_WORDS, SHADE_WORDS, lab_of, painted_name


@pytest.mark.parametrize("name", ["crimson", "gold", "mauve", "azure", "olive"])
def test_a_computed_shade_is_as_light_and_as_strong_as_it_says(name: str) -> None:
    lightness, *ab = KNOWN_LAB[name]
    labs = {shade: lab_of(f"{shade} {name}") for shade in SHADES}
    assert labs["dark"][0] < labs["deep"][0] < lightness < labs["bright"][0] < labs["pale"][0] < labs["light"][0] < 100
    chroma = {shade: math.hypot(*lab[1:]) / math.hypot(*ab) for shade, lab in labs.items()}
    assert chroma["pale"] < chroma["light"] < 1 < chroma["bright"]
    assert lab_of(f"light dark {name}") != lab_of(f"dark {name}")


@pytest.mark.parametrize("word", ISH_WORDS)
def test_a_form_in_ish_is_its_color_paler(word: str) -> None:
    base, lab = KNOWN_LAB[ISH_WORDS[word]], lab_of(word)
    assert math.hypot(*lab[1:]) <= math.hypot(*base[1:])
    assert lab[0] == base[0]


def test_bluish_green_lies_between() -> None:
    green, mixed, blue = KNOWN_LAB["green"], lab_of("bluish green"), KNOWN_LAB["blue"]
    assert math.dist(green, mixed) < math.dist(mixed, blue) < math.dist(green, blue)


@pytest.mark.parametrize(
    ("name", "painted"),
    [
        ("red", "red"),
        ("pale crimson", "pale crimson"),
        ("reddish", "reddish"),
        ("whitish", "white"),
        ("hunter green", "forest green"),
        ("midnight blue", "navy blue"),
        ("powder blue", "baby blue"),
        ("vermilion", "bright red"),
        ("aubergine", "eggplant"),
        ("fire engine red", "bright red"),
        ("cobalt blue", "cobalt blue"),
    ],
)
def test_what_is_painted_stays_and_the_rest_goes_to_the_nearest(name: str, painted: str) -> None:
    assert painted_name(name) == painted


def test_an_unknown_name_has_no_value() -> None:
    with pytest.raises(KeyError):
        lab_of("dark nothing")


def test_rarer_names_stand_once_and_in_range_and_shades_are_shades() -> None:
    assert not RARER_LAB.keys() & PAINTED_LAB.keys()
    assert all(0 <= lightness <= 100 and math.hypot(a, b) < 135 for lightness, a, b in RARER_LAB.values())
    assert {*SHADE_WORDS.values()} - {""} == {*SHADES}
    assert set(ISH) == set(BASIC_LAB) - {"black", "white", "gray"}


@pytest.mark.parametrize(
    ("name", "rgb"),
    [("vermilion", "f4320c"), ("celadon", "befdb7"), ("steel blue", "5a7d9a"), ("alice blue", "f0f8ff")],
)
def test_some_values_are_those_of_the_survey_and_of_css(name: str, rgb: str) -> None:
    levels = torch.tensor([int(rgb[start : start + 2], 16) for start in (0, 2, 4)]).view(1, 3, 1, 1) / 255
    lab = torch.cat(split_lab(levels), dim=1).flatten()
    torch.testing.assert_close(lab, torch.tensor(KNOWN_LAB[name]), atol=0.06, rtol=0)
