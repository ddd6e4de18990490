"""The colors that things take: of nature, hair and denim, of off-whites, and of shades."""

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


@pytest.mark.parametrize("color", ["beige", "cream", "ivory", "khaki", "tan", "off white", "light khaki", "dark beige"])
def test_off_whites_are_not_green(color: str) -> None:
    a, b = taken(f"a {color} coat", 60)
    assert a > 0 and b > 5


@pytest.mark.parametrize("shade", ["light", "pale"])
@pytest.mark.parametrize("color", ["green", "blue", "red", "purple", "cream", "khaki", "crimson"])
def test_a_light_color_is_paler(shade: str, color: str) -> None:
    assert hypot(*taken(f"a {shade} {color} shirt", 60)) < 0.9 * hypot(*taken(f"a {color} shirt", 60))


@pytest.mark.parametrize("color", ["dark blue", "navy", "deep blue"])
def test_dark_blue_is_no_violet_on_something_lighter(color: str) -> None:
    a, b = taken(f"a {color} shirt", 50)
    assert degrees(atan2(b, a)) % 360 < 292  # 305 on something as dark as the name says


@pytest.mark.parametrize(
    ("sentence", "of_nature"),
    [
        ("brown water", True),
        ("a brown duck", True),
        ("golden hair", True),
        ("auburn hair", True),
        ("a brown moustache", True),
        ("a reddish brown dog", True),
        ("a red dog", False),
        ("brown trees", False),
        ("a gold watch", False),
    ],
)
def test_which_things_have_colors_of_their_own(sentence: str, of_nature: bool) -> None:
    assert (natural(sentence) is not None) == of_nature


def test_nature_comes_before_the_name() -> None:
    assert taken("a blue sky", 90) == natural("a blue sky")
    assert taken("a tan dog", 50) == natural("a golden retriever")
    assert taken("a blue car", 20) == (12.0, -54.0)
