"""The table of color names: in range, unambiguous, and its shades on the right side of their color."""

import math

import pytest

from lcoins.color.names import (
    BASIC_LAB,
    NAMED_LAB,
    PAINTED_LAB,
    SHADE_LAB,
    SHADES,
    NamedColor,
    named,
)
from lcoins.color.words import BASIC_COLORS, COLOR_LAB


def test_the_basic_terms_are_those_of_the_vocabulary() -> None:
    assert tuple(BASIC_LAB) == BASIC_COLORS
    assert all(BASIC_LAB[word] is COLOR_LAB[word] for word in BASIC_COLORS)


def test_every_name_stands_once_and_in_range() -> None:
    assert len(PAINTED_LAB) == len(BASIC_LAB) + len(NAMED_LAB) + len(SHADE_LAB)
    assert all(0 <= lightness <= 100 and math.hypot(a, b) < 135 for lightness, a, b in PAINTED_LAB.values())


@pytest.mark.parametrize("name", SHADE_LAB)
def test_a_shade_is_of_a_named_color_and_as_light_as_it_says(name: str) -> None:
    shade, word = name.split(" ")
    assert shade in SHADES and word in BASIC_LAB | NAMED_LAB
    other = SHADE_LAB.get(f"dark {word}", (0.0,)), SHADE_LAB.get(f"light {word}", (100.0,))
    if shade == "light":
        assert SHADE_LAB[name][0] > other[0][0]
    if shade == "dark":
        assert SHADE_LAB[name][0] < other[1][0]


def test_a_shade_is_told_from_other_names_of_two_words() -> None:
    shades = {color.name for color in named(PAINTED_LAB) if color.is_shade}
    assert shades == set(SHADE_LAB)
    assert not NamedColor("sky blue", NAMED_LAB["sky blue"]).is_shade
