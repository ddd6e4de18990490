"""Misspelled colors are guessed, ordinary words are not, and other languages are told from English."""

import pytest

from lcoins.color.spelling import edits, meant_color, misspelled, seems_english
from lcoins.colorize.understood import remarks

ORDINARY = {"a", "car", "mellow", "tank", "great", "read", "gravel", "cream", "plow", "crown", "clack", "white"}


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("yelow", "yellow"),
        ("gren", "green"),
        ("balck", "black"),
        ("whtie", "white"),
        ("purpel", "purple"),
        ("orang", "orange"),
        ("brwon", "brown"),
        ("turquiose", "turquoise"),
        ("tourquoise", "turquoise"),
        ("lavendar", "lavender"),
        ("burgandy", "burgundy"),
        ("crimsom", "crimson"),
        ("bluee", "blue"),
        ("bluue", "blue"),
        ("bluuue", "blue"),
        ("reddd", "red"),
        ("redd", "red"),
        ("greeeen", "green"),
        ("yelllow", "yellow"),
        *((word, None) for word in ("bleed", "bras", "reds", "tanned")),
        *((word, None) for word in (*sorted(ORDINARY), "tanks", "gravels", "cars", "red", "yellow", "blu", "khakis")),
        *((word, None) for word in ("mitt", "slats", "corral", "xyzzy", "grün", "b2ue", "vermillion", "tangerines")),
    ],
)
def test_a_misspelled_color_is_guessed_and_other_words_are_not(word: str, meant: str | None) -> None:
    assert meant_color(word, ORDINARY) == meant


def test_words_of_the_text_encoder_are_no_colors_with_letters_too_many() -> None:
    assert not [line for word in ("reed", "bleed", "greed", "tanned") for line in remarks(f"a {word} car")]
    assert remarks("a reddd car") == ["'reddd' is not known as a color: did you mean red?"]


def test_names_are_no_misspelled_colors() -> None:
    assert misspelled("Bown meets Bown and a yelow, gren-colored car", ORDINARY) == {
        "bown": "brown",
        "yelow": "yellow",
        "gren": "green",
    }
    assert misspelled("a car of Bown", ORDINARY) == {}


def test_edits_count_an_exchange_once() -> None:
    assert [edits(*pair) for pair in (("", ""), ("", "ab"), ("ab", "ba"), ("red", "rad"), ("blue", "bue"))] == [
        *(0, 2, 1, 1, 1)
    ]


@pytest.mark.parametrize(
    ("sentence", "english"),
    [
        ("a red car", True),
        ("red car", True),
        ("red house, blue sky", True),
        ("dog park bench", True),
        ("a café with a blue door", True),
        ("a rose in Los Angeles", True),
        ("", True),
        ("123", True),
        ("ein rotes Auto vor einem blauen Haus", False),
        ("rotes Auto", False),
        ("une voiture rouge", False),
        ("voiture rouge", False),
        ("un coche rojo y una casa azul", False),
        ("a casa é azul", False),
        ("een rode auto", False),
        ("en röd bil", False),
        ("красная машина", False),
        ("赤い車", False),
    ],
)
def test_other_languages_are_told_from_english(sentence: str, english: bool) -> None:
    assert seems_english(sentence) == english
