"""The green of plants, and the blue of skies and water."""

import pytest

from lcoins.color.names import KNOWN_LAB
from lcoins.color.natural_colors import natural_ab


@pytest.mark.parametrize("thing", ["grass", "trees", "tall grass on left", "sky", "sea"])
def test_nature_is_less_vivid_than_paint(thing: str) -> None:
    color = "blue" if thing in ("sky", "sea") else "green"
    ab = natural_ab(color, thing)
    assert ab is not None
    assert sum(value**2 for value in ab) < sum(value**2 for value in KNOWN_LAB[color][1:])


@pytest.mark.parametrize(
    ("color", "thing"), [("green", "car"), ("green", "tree house"), ("green", "sky"), ("red", "grass"), ("blue", "")]
)
def test_all_else_has_the_color_that_is_named(color: str, thing: str) -> None:
    assert natural_ab(color, thing) is None
