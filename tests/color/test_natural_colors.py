"""The colors that things take: plants, skies, waters, fur, hair and denim, off-whites, shades."""

from math import atan2, degrees, hypot

import pytest

from lcoins.color.natural_colors import Ab, ab_on, natural_ab
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
        "a woman with red hair",
        "a reddish brown dog",
        "green water",
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


def taken(sentence: str, lightness: float) -> Ab:
    reading = read_sentence(sentence)
    (phrase,), (thing,) = reading.colors, reading.things
    return ab_on(phrase, thing, lightness)


@pytest.mark.parametrize("color", ["beige", "cream", "ivory", "khaki", "tan", "off white"])
def test_off_whites_are_not_green(color: str) -> None:
    a, b = taken(f"a {color} coat", 60)
    assert a > 0 and b > 10


@pytest.mark.parametrize("color", ["green", "blue", "red", "purple", "yellow"])
def test_a_light_color_is_paler_and_a_dark_one_keeps_its_hue(color: str) -> None:
    named = hypot(*taken(f"a {color} shirt", 60))
    assert hypot(*taken(f"a light {color} shirt", 60)) < named
    assert hypot(*taken(f"a pale {color} shirt", 60)) < named
    dark, plain = taken(f"a dark {color} shirt", 60), taken(f"a {color} shirt", 60)
    turn = degrees(atan2(dark[1], dark[0]) - atan2(plain[1], plain[0]))
    assert abs((turn + 180) % 360 - 180) < 25


def test_nature_comes_before_the_name() -> None:
    assert taken("a blue sky", 90) == natural("a blue sky")
    assert taken("a blue car", 20) == (12.0, -54.0)
