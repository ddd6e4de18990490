"""The colors of plants, skies, waters, fur and denim."""

from math import atan2, degrees, hypot

import pytest

from lcoins.color.natural_colors import Ab, natural_ab
from lcoins.color.reading import read_sentence


def natural(sentence: str) -> Ab | None:
    reading = read_sentence(sentence)
    (phrase,), (thing,) = reading.colors, reading.things
    return natural_ab(phrase, thing)


@pytest.mark.parametrize(
    "sentence",
    [
        "green grass",
        "the trees are green",
        "tall green grass on the left",
        "a blue sky",
        "the sea is blue",
        "a golden retriever",
        "the big dog is yellow",
        "a brown horse",
        "an orange cat",
        "dry yellow grass",
        "blue jeans",
        "golden sand",
    ],
)
def test_nature_is_less_vivid_than_paint_and_of_a_hue_that_is_called_so(sentence: str) -> None:
    (phrase,) = read_sentence(sentence).colors
    ab, named = natural(sentence), phrase.lab[1:]
    assert ab is not None
    assert hypot(*ab) < hypot(*named)
    turn = degrees(atan2(ab[1], ab[0]) - atan2(named[1], named[0]))
    assert abs((turn + 180) % 360 - 180) < 50


@pytest.mark.parametrize(
    ("lesser", "greater"),
    [
        ("dark green trees", "green trees"),
        ("a pale blue sky", "a blue sky"),
        ("green grass", "bright green grass"),
        ("a light brown dog", "a brown dog"),
    ],
)
def test_a_shade_has_the_hue_of_its_color_and_another_chroma(lesser: str, greater: str) -> None:
    less, more = natural(lesser), natural(greater)
    assert less is not None and more is not None
    assert atan2(*less) == pytest.approx(atan2(*more))
    assert hypot(*less) < hypot(*more)


@pytest.mark.parametrize(
    "sentence",
    ["a green car", "a green tree house", "a green sky", "red grass", "a yellow elephant", "a blue dog", "a gold ring"],
)
def test_all_else_has_the_color_that_is_named(sentence: str) -> None:
    assert natural(sentence) is None
