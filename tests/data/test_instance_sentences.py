"""Sentences about things: each color word belongs to its own thing, and places are said where they are needed."""

import random
import re

import numpy as np
import pytest

from lcoins.color.words import split_words
from lcoins.data.instance_sentences import Mention, compose, recolored
from lcoins.data.things import Thing

MASK = np.zeros((10, 10), bool)
MASK[2:5, 2:5] = True


def mention(kind: str, color: str | None, **more: object) -> Mention:
    return Mention(Thing(kind, MASK, **more), color)  # type: ignore[arg-type]


def colors_of(sentence: str, *kinds: str) -> dict[str, str]:
    """The color that stands nearest before each kind, or behind it after "is" or "are", as a person reads it."""
    found = {}
    for kind in kinds:
        before = re.search(rf"(red|blue|green|yellow) {kind}\b", sentence)
        behind = re.search(rf"\b{kind}( (on|to|in|at) the \w+( side)?)? (is|are) (red|blue|green|yellow)", sentence)
        match = before or behind
        assert match is not None, sentence
        found[kind] = before[1] if before else behind[5]  # type: ignore[index]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_each_thing_is_said_to_have_its_color(seed: int) -> None:
    things = {"bus": "red", "cow": "blue", "kite": "green"}
    said = compose([mention(kind, color) for kind, color in things.items()], random.Random(seed)).lower()
    assert colors_of(said, *things) == things
    assert sum(word in {"red", "blue", "green"} for word in split_words(said)) == 3


@pytest.mark.parametrize("seed", range(60))
def test_two_of_a_kind_are_told_apart_with_their_own_colors(seed: int) -> None:
    two = [mention("bear", "red", place="left", unique=False), mention("bear", "blue", place="right", unique=False)]
    said = compose(two, random.Random(seed)).lower()
    assert all(said.count(word) == 1 for word in ("red", "blue", "left", "right")), said
    assert (said.index("red") < said.index("blue")) == (said.index("left") < said.index("right")), said


@pytest.mark.parametrize("seed", range(20))
def test_what_has_no_color_gets_none(seed: int) -> None:
    said = compose([mention("bus", "red"), mention("dog", None)], random.Random(seed)).lower()
    words = split_words(said)
    assert "dog" in words or "puppy" in words
    assert colors_of(said, "bus") == {"bus": "red"} and words.count("red") == 1


@pytest.mark.parametrize("seed", range(20))
def test_articles_and_plurals_are_right(seed: int) -> None:
    said = compose([mention("umbrella", "orange"), mention("skis", "red", plural=True)], random.Random(seed)).lower()
    assert not re.search(r"\ba (orange|umbrella|skis|red skis)\b|\ban (red|skis)\b|skis is|umbrella are", said), said
    several = compose([mention("knife", "red", plural=True, unique=False)], random.Random(seed)).lower()
    assert "knives" in several


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("A yellow bus and a dog.", "A red bus and a blue dog"),
        ("an orange bus beside a dog", "a red bus beside a blue dog"),
        ("a puppy before the bus", "a blue puppy before the red bus"),
    ],
)
def test_a_caption_is_changed_in_place(caption: str, said: str) -> None:
    assert recolored(caption, [mention("bus", "red"), mention("dog", "blue")], random.Random(0)) == said


def test_a_caption_gets_a_clause_for_a_thing_that_it_does_not_name() -> None:
    said = recolored("A quiet street", [mention("bus", "red")], random.Random(0))
    assert said is not None and said.startswith("A quiet street") and colors_of(said, "bus") == {"bus": "red"}


@pytest.mark.parametrize("caption", ["a white and yellow bus", "a white fluffy bus", "a bus and a red bus"])
def test_a_caption_that_would_contradict_is_not_used(caption: str) -> None:
    said = recolored(caption, [mention("bus", "green")], random.Random(0))
    assert said is None
