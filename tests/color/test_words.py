"""Color words: found whole, exchanged for another class with the article before them, and nothing else touched."""

import random
import re
from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lcoins.color import lab
from lcoins.color.words import (
    BASIC_COLORS,
    COLOR_CLASS,
    COLOR_LAB,
    find_colors,
    recolor,
    recolor_one,
    replaced,
    swap_sides,
    with_article,
)

SPELLINGS = (str.lower, str.capitalize, str.upper)
COLORS = st.builds(
    lambda before, word, spell: before + spell(word),
    st.sampled_from(["", "", "", "dark-", "off-", "sky-"]),
    st.sampled_from(sorted(COLOR_CLASS)),
    st.sampled_from(SPELLINGS),
)
PLAIN = st.sampled_from(
    ["a", "An", "The", "an", "A", "cat's", "car,", "colored", "tanned", "goldfish", "Redwood", "red-haired", "left"]
)
CAPTIONS = st.lists(st.one_of(PLAIN, COLORS), max_size=12).map(" ".join)
SEEDS = st.integers(0, 10_000)


ARTICLE_AT_END = re.compile(r"(?<![\w'\u2019-])(an?)(?=\s+\Z)", re.IGNORECASE)


def without_colors(caption: str) -> str:
    """The caption with "#" for each color and "@" for an article directly before one: what an exchange must keep."""
    for found in reversed(find_colors(caption)):
        caption = f"{ARTICLE_AT_END.sub('@', caption[: found.start])}#{caption[found.end :]}"
    return caption


def articles(caption: str) -> list[tuple[str, str]]:
    """Each article directly before a color, with that color."""
    before = [(ARTICLE_AT_END.search(caption[: word.start]), word.word) for word in find_colors(caption)]
    return [(match[1], word) for match, word in before if match is not None]


@given(CAPTIONS, SEEDS)
def test_recoloring_changes_every_color_and_nothing_else(caption: str, seed: int) -> None:
    recolored = recolor(caption, random.Random(seed))
    assert without_colors(recolored) == without_colors(caption)
    assert len(recolored.split()) == len(caption.split())
    before, after = find_colors(caption), find_colors(recolored)
    assert len(before) == len(after)
    for old, new in zip(before, after, strict=True):
        assert old.color != new.color
        assert new.word.lower() in BASIC_COLORS
        assert old.word[0].isupper() == new.word[0].isupper()


@given(CAPTIONS, SEEDS)
def test_articles_suit_the_new_colors(caption: str, seed: int) -> None:
    before, after = articles(caption), articles(recolor(caption, random.Random(seed)))
    assert len(before) == len(after)
    for (old, _), (new, color) in zip(before, after, strict=True):
        assert new.lower() == ("an" if color[0].lower() in "aeiou" else "a")
        assert new[0].isupper() == old[0].isupper()


@given(CAPTIONS, SEEDS)
def test_one_exchange_keeps_every_other_article(caption: str, seed: int) -> None:
    rng, found = random.Random(seed), find_colors(caption)
    if not found:
        return
    word, color = rng.choice(found), rng.choice(BASIC_COLORS)
    changed, before, after = replaced(caption, word, color), caption[: word.start], caption[word.end :]
    changed_before = changed.removesuffix(after)[: -len(color)]
    assert changed[len(changed_before) :].lower() == (color + after).lower()
    assert ARTICLE_AT_END.sub("@", changed_before) == ARTICLE_AT_END.sub("@", before)


@pytest.mark.parametrize(
    ("caption", "color", "changed"),
    [
        ("an orange cat", "red", "a red cat"),
        ("An Orange cat", "red", "A Red cat"),
        ("A red cat and a dog", "orange", "An orange cat and a dog"),
        ("a bright orange cat", "red", "a bright red cat"),
        ("an almost red cat", "orange", "an almost orange cat"),
        ("a dark-red cat", "orange", "a dark-orange cat"),
        ("an\n orange cat", "red", "a\n red cat"),
        ("plan red, vis-a red", "orange", "plan orange, vis-a red"),
        ("an egg, red", "orange", "an egg, orange"),
        ("a cat on an orange", "red", "a cat on a red"),
    ],
)
def test_an_exchange_mends_the_article_directly_before_the_color(caption: str, color: str, changed: str) -> None:
    assert replaced(caption, find_colors(caption)[0], color) == changed


@pytest.mark.parametrize("word", sorted(COLOR_CLASS))
def test_an_article_suits_the_word_after_it(word: str) -> None:
    assert with_article(word) == f"{'an' if word in ('orange', 'olive') else 'a'} {word}"


@given(CAPTIONS, SEEDS)
def test_recoloring_follows_its_generator(caption: str, seed: int) -> None:
    assert recolor(caption, random.Random(seed)) == recolor(caption, random.Random(seed))


def test_every_other_basic_color_may_come() -> None:
    generator = random.Random(0)
    drawn = {recolor("grey", generator) for _ in range(500)}
    assert drawn == set(BASIC_COLORS) - {"gray"}


def test_two_colors_of_a_sentence_are_drawn_apart() -> None:
    generator = random.Random(0)
    pairs = {tuple(recolor("a red car, a red wall", generator).split()[1::3]) for _ in range(200)}
    assert len({first == second for first, second in pairs}) == 2


@given(st.lists(PLAIN, max_size=8).map(" ".join), SEEDS)
def test_without_a_color_word_nothing_changes(caption: str, seed: int) -> None:
    assert find_colors(caption) == []
    assert recolor(caption, random.Random(seed)) == caption


def test_one_class_of_choices_is_refused() -> None:
    with pytest.raises(ValueError, match="at least two color classes"):
        recolor("a grey cat", random.Random(0), choices=["gray"])


@given(CAPTIONS)
def test_spans_point_at_the_words(caption: str) -> None:
    for found in find_colors(caption):
        assert caption[found.start : found.end] == found.word
        assert COLOR_CLASS[found.word.lower()] == found.color


@given(st.sampled_from(sorted(COLOR_CLASS)), st.sampled_from(SPELLINGS))
def test_whole_words_only(word: str, spell: Callable[[str], str]) -> None:
    spelled = spell(word)
    for text in (spelled, f"a {spelled} car", f"({spelled})", f"{spelled}, it is", f'"{spelled}"', f"{spelled}/x"):
        assert [found.word for found in find_colors(text)] == [spelled]
    for text in (f"x{spelled}", f"{spelled}x", f"{spelled}-haired", f"_{spelled}", f"{spelled}2"):
        assert find_colors(text) == []
    for text in (
        f"light-{spelled}",
        f"{spelled}-colored",
        f"off\u2011{spelled}",
        f"x -{spelled}- x",
        f"x--{spelled}--x",
    ):
        assert [found.word for found in find_colors(text)] == [spelled]


@pytest.mark.parametrize(
    ("caption", "colors"),
    [
        ("a woman in a dark-blue dress", ["blue"]),
        ("a light-blue, sky-blue or navy-blue car", ["blue", "blue", "navy", "blue"]),
        ("an off-white wall", ["white"]),
        ("a Blue-Green car", ["blue", "green"]),
        ("a black-and-white photo", ["black", "white"]),
        ("a cream-coloured sofa, a red-painted door", ["cream", "red"]),
        ("a multi-colored kite", []),
        ("a red-haired, blue-eyed woman", []),
        ("a blue-collar worker at an orange-juice stand", []),
        ("an ice-cream", []),
        ("a red_car", []),
    ],
)
def test_a_hyphen_is_a_blank_where_a_compound_ends_in_a_color(caption: str, colors: list[str]) -> None:
    assert [found.color for found in find_colors(caption)] == colors


@given(st.text(max_size=30))
def test_any_text_is_searched_without_fail(text: str) -> None:
    assert without_colors(recolor(text, random.Random(0))) == without_colors(text)


@pytest.mark.parametrize("caption", ["a red car and a blue bus", "Red sky", "grey cat, green grass and a red ball"])
def test_one_word_is_recolored_to_a_class_not_named(caption: str) -> None:
    before = [word.color for word in find_colors(caption)]
    exchanged = set()
    for seed in range(40):
        new = recolor_one(caption, random.Random(seed))
        after = [word.color for word in find_colors(new)]
        (index,) = (i for i, (old, other) in enumerate(zip(before, after, strict=True)) if old != other)
        assert after[index] not in before
        assert without_colors(new) == without_colors(caption)
        assert new[0].isupper() == caption[0].isupper()
        exchanged.add(index)
    assert exchanged == set(range(len(before)))


def test_nothing_to_recolor_stays() -> None:
    assert recolor_one("a car", random.Random(0)) == "a car"
    assert recolor_one("a red and blue car", random.Random(0), choices=["red", "blue"]) == "a red and blue car"


SIDES = st.sampled_from(["left", "Right", "LEFT", "right", "bright", "leftover", "a", "red", "left-hand"])


@given(st.lists(SIDES, max_size=10).map(" ".join))
def test_swapping_sides_twice_gives_the_sides_back(caption: str) -> None:
    swapped = swap_sides(caption)
    assert swap_sides(swapped).lower() == caption.lower()
    sides = [re.findall(r"\b(left|right)\b", text.lower()) for text in (caption, swapped)]
    assert sides[1] == [{"left": "right", "right": "left"}[side] for side in sides[0]]
    assert [text.count("bright") + text.count("leftover") for text in (caption, swapped)] == [
        caption.count("bright") + caption.count("leftover")
    ] * 2


def test_every_class_has_a_typical_color() -> None:
    assert set(COLOR_LAB) == set(COLOR_CLASS.values())
    assert set(BASIC_COLORS) <= set(COLOR_LAB)


@pytest.mark.parametrize("color", sorted(COLOR_LAB))
def test_typical_colors_can_be_shown(color: str) -> None:
    values = torch.tensor(COLOR_LAB[color]).view(1, 3, 1, 1)
    lightness, ab = values[:, :1], values[:, 1:]
    kept = lab.fit_gamut(lightness, ab).norm() / ab.norm().clamp(min=1e-6)
    assert 0 < lightness < 100
    assert not ab.any() or kept >= 1 - 1e-6
