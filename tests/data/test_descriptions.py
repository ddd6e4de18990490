"""Sentences about a photo as it is: what they say is so, and every color word is paired with its own thing."""

import random
import re

import numpy as np
import pytest

from lcoins.color.words import BASIC_COLORS, find_colors, split_words
from lcoins.data.descriptions import Description, describe_parts
from lcoins.data.scene_parts import BACKGROUND, SceneParts
from lcoins.data.things import Thing

SIDE = 40


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


BUS = Thing("bus", box(2, 10, 18, 25), color="red", lightness=45.0, ones=(0,))
PEOPLE = Thing("person", box(30, 5, 38, 25), plural=True, unique=False, ones=(1, 2))
BEARS = [
    Thing(
        "teddy bear",
        box(2 + 20 * side, 28, 12 + 20 * side, 38),
        place=place,
        unique=False,
        color=color,
        ones=(3 + side,),
    )
    for side, (place, color) in enumerate((("left", "white"), ("right", "brown")))
]
CARS = Thing("car", box(20, 5, 28, 20), plural=True, unique=False, color="white", lightness=95.0, ones=(5, 6, 7))
SKY = Thing("sky", box(0, 0, 40, 5), color="blue", lightness=40.0, ones=(8,))
GRASS = Thing("grass", box(0, 25, 40, 40), color="green", lightness=50.0, ones=(9,))


def sentences(*things: Thing, background: tuple[Thing, ...] = (), seeds: int = 80) -> list[Description]:
    parts = SceneParts(things, background)
    found = (
        describe_parts(parts, 1, lambda number, seed=seed: random.Random(f"{seed} {number}")) for seed in range(seeds)
    )
    return [one for said in found for one in said]


def bare(word: str) -> str:
    return word.strip(".,").lower()


EVERYTHING = sentences(BUS, PEOPLE, *BEARS, CARS, background=(SKY, GRASS), seeds=300)


def test_every_pair_is_a_name_and_its_color_and_no_color_word_is_left() -> None:
    nouns = {"bus": {"bus"}, "person": {"people"}, "teddy bear": {"bear"}, "car": {"cars"}, "sky": {"sky"}}
    assert len(EVERYTHING) == 300
    for said in EVERYTHING:
        words = said.caption.split()
        for one in said.references:
            assert bare(words[one.word - 1]) in nouns.get(one.thing.kind, {one.thing.kind}), said.caption
            if one.color_word is not None:
                assert bare(words[one.color_word - 1]) == one.color == one.thing.color, said.caption
        assert len(find_colors(said.caption)) == len(said.pairs), said.caption
        assert said.pairs == [[one.word, one.color_word] for one in said.references if one.color]


def test_each_sentence_names_a_color_and_one_to_five_things_beside_background() -> None:
    counts = {sum(one.thing.kind not in BACKGROUND for one in said.references) for said in EVERYTHING}
    assert counts == {1, 2, 3, 4, 5}
    assert all(said.pairs for said in EVERYTHING)
    assert len({said.caption for said in EVERYTHING}) > 250  # varied


def test_articles_and_verbs_are_right() -> None:
    text = "\n".join(said.caption.lower() for said in EVERYTHING)
    assert not re.search(r"\ba (orange|cars|people|white cars|red buses)\b|\ban (red|bus|white)\b", text)
    assert not re.search(r"cars is|people is|bus are|there is (two|three|people|white cars)|  | ,|\{\}", text)


def test_two_of_a_kind_are_told_apart_with_their_own_colors() -> None:
    for said in sentences(*BEARS):
        words = said.caption.lower()
        for one in said.references:
            assert one.thing.place in words, words
        if len(said.references) == 2:
            assert (words.index("white") < words.index("brown")) == (words.index("left") < words.index("right")), words


def test_several_as_one_are_counted_only_where_all_are_seen() -> None:
    complete = " ".join(said.caption for said in sentences(CARS))
    assert "hree white cars" in complete
    part = Thing("car", CARS.mask, plural=True, unique=False, color="white", ones=(5, 6, 7), complete=False)
    assert not re.search("two|three|four", " ".join(said.caption for said in sentences(part)), re.IGNORECASE)


def test_what_is_told_by_a_neighbor_names_it_once() -> None:
    dog = Thing("dog", box(18, 10, 26, 25), unique=False, color="black", ones=(1,), beside=BUS)
    all_said = sentences(dog, BUS)
    assert any(re.search(r"black dog (next to|beside|by) the red bus", said.caption) for said in all_said)
    for said in all_said:
        assert len(re.findall("bus", said.caption)) == 1 == len([one for one in said.references if one.thing is BUS])
        assert said.caption.startswith("dog") is False


def test_a_thing_stands_on_the_ground_below_it_and_under_the_sky() -> None:
    text = " ".join(said.caption for said in sentences(BUS, background=(SKY, GRASS)))
    assert "on green grass" in text and re.search("under a (dark )?blue sky", text)
    floating = Thing("bus", box(2, 6, 18, 15), color="red", ones=(0,))
    assert "on green grass" not in " ".join(said.caption for said in sentences(floating, background=(GRASS,)))


def test_background_alone_is_described_too() -> None:
    said = sentences(background=(SKY, GRASS))
    assert said and all("grass" in one.caption or "sky" in one.caption for one in said)


def test_nothing_is_said_where_no_color_is_sure() -> None:
    assert not sentences(PEOPLE) and not sentences()
    assert not sentences(Thing("bus", box(0, 0, 2, 2), color="red", ones=(0,)))  # too small to be worth a word
    assert not sentences(background=(Thing("grass", GRASS.mask, ones=(9,)),))


@pytest.mark.parametrize(("lightness", "shade"), [(10.0, "dark blue"), (80.0, "light blue"), (45.0, "blue")])
def test_a_shade_is_said_where_it_is_one(lightness: float, shade: str) -> None:
    bus = Thing("bus", BUS.mask, color="blue", lightness=lightness, ones=(0,))
    text = " ".join(said.caption for said in sentences(bus))
    assert shade in text and not re.search("|".join({"dark blue", "light blue"} - {shade}), text)


def test_several_sentences_of_a_photo_differ() -> None:
    said = describe_parts(SceneParts((BUS, PEOPLE), (SKY,)), 8, lambda number: random.Random(number))
    bare_texts = [" ".join(split_words(one.caption)) for one in said]
    assert 1 < len(said) <= 8 and len(set(bare_texts)) == len(said)


def test_the_colors_said_are_the_basic_ones() -> None:
    assert {one.color for said in EVERYTHING for one in said.references if one.color} <= set(BASIC_COLORS)
