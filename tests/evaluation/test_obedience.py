"""Color words and the response to exchanged ones, on made-up cases whose answers are known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lcoins.color.words import BASIC_COLORS, COLOR_LAB
from lcoins.evaluation.obedience import (
    chance_level,
    distinct_colors,
    exchanged_word,
    mean_ab,
    name_colors,
    recoloring_response,
)

PALETTE = {"red": (48.0, 54.0, 33.0), "blue": (36.0, 10.0, -47.0), "gray": (60.0, 0.0, 0.0), "white": (95.0, 0.0, 0.0)}


def test_mean_ab_is_taken_inside_each_mask():
    ab = torch.arange(8.0).view(2, 2, 2)
    masks = torch.tensor([[[1, 1], [0, 0]], [[0, 0], [0, 1]]]).bool()
    assert mean_ab(ab, masks).tolist() == [[0.5, 4.5], [3.0, 7.0]]
    with pytest.raises(ValueError, match="empty"):
        mean_ab(ab, torch.zeros(1, 2, 2).bool())


def test_color_words_are_named_on_the_ab_plane():
    means = torch.tensor([[30.0, 20.0], [5.0, -30.0], [1.0, 2.0], [50.0, 30.0]])
    found = name_colors(means, ["red", "blue", "white", "blue"], PALETTE)
    assert found.correct == [True, True, True, False]
    assert found.confusion == {("red", "red"): 1, ("blue", "blue"): 1, ("gray", "gray"): 1, ("blue", "red"): 1}
    assert found.swapped == [False, False, False, True]


def test_chance_counts_colors_that_ab_can_tell_apart():
    assert chance_level(PALETTE) == pytest.approx(1 / 3)
    assert distinct_colors(PALETTE) == {"red": "red", "blue": "blue", "gray": "gray", "white": "gray"}


def test_a_color_outside_the_palette_is_refused():
    with pytest.raises(ValueError, match=r"\['teal'\] are not in the palette"):
        name_colors(torch.zeros(1, 2), ["teal"], PALETTE)


@pytest.mark.parametrize(
    ("caption", "recolored", "words"),
    [
        ("a red bus", "a blue bus", ("red", "blue")),
        ("a gray bus and a tree", "an orange bus and a tree", ("gray", "orange")),
        ("a black bus", "a white bus", None),  # nothing moves on the ab plane
        ("a red bus and a blue car", "a blue bus and a red car", None),
        ("a bus", "a bus", None),
        ("a red bus", "a teal bus", None),  # teal is none of the words that recoloring draws
    ],
)
def test_which_captions_measure_recoloring(caption, recolored, words):
    assert exchanged_word(caption, recolored) == words


def painted(word: str, share: float = 1.0) -> torch.Tensor:
    """ab (2, 20, 20): one tenth of the picture wears the word's color, the rest is gray."""
    ab = torch.zeros(2, 20, 20)
    ab[:, :2] = torch.tensor(COLOR_LAB[word][1:])[:, None, None] * share
    return ab


def test_recoloring_of_a_perfect_follower():
    answer = recoloring_response(painted("red"), painted("blue"), "red", "blue")
    distance = math.dist(COLOR_LAB["red"][1:], COLOR_LAB["blue"][1:])
    assert answer.towards == pytest.approx(distance)
    assert answer.shift == pytest.approx(distance / 10)
    assert answer.control < 0.7 * answer.towards
    assert answer.nearer and answer.hit
    assert answer.hit_chance == pytest.approx(1 / 10)


def test_recoloring_of_a_weak_follower_keeps_the_direction():
    answer = recoloring_response(painted("red", 0.1), painted("green", 0.1), "red", "green")
    assert answer.hit and answer.nearer
    assert answer.towards == pytest.approx(0.1 * math.dist(COLOR_LAB["red"][1:], COLOR_LAB["green"][1:]))


def test_recoloring_of_a_model_that_ignores_the_sentence():
    answer = recoloring_response(painted("red"), painted("red"), "red", "blue")
    assert (answer.shift, answer.towards, answer.control) == (0, 0, 0)
    assert not answer.nearer and not answer.hit
    assert answer.hit_chance == 0


def test_recoloring_against_the_word_is_negative():
    answer = recoloring_response(painted("gray"), painted("blue"), "gray", "yellow")
    assert answer.towards < 0 and not answer.nearer and not answer.hit


def averages(movement, old: str) -> tuple[float, float]:
    """Mean gain, and mean hit minus chance, over all new words that recoloring may draw for ``old``."""
    answers = []
    for new in BASIC_COLORS:
        if exchanged_word(f"a {old} bus", f"a {new} bus"):
            before = painted(old, 0.4)
            answers.append(recoloring_response(before, before + movement, old, new))
    gains = [answer.towards - answer.control for answer in answers]
    return float(np.mean(gains)), float(np.mean([answer.hit - answer.hit_chance for answer in answers]))


@settings(max_examples=25, deadline=None)
@given(
    old=st.sampled_from(BASIC_COLORS),
    seed=st.integers(0, 10_000),
    favorite=st.tuples(st.floats(-60, 60), st.floats(-60, 60)),
    noise=st.floats(0, 30),
)
def test_no_movement_that_ignores_the_new_word_gains(old, seed, favorite, noise):
    """Random movement, a favorite color, or both: over the words that may be drawn, gain and hits are at chance."""
    movement = torch.randn(2, 20, 20, generator=torch.Generator().manual_seed(seed)) * noise
    movement += torch.tensor(favorite)[:, None, None]
    gain, hits = averages(movement, old)
    assert gain == pytest.approx(0, abs=1e-4)
    assert hits == pytest.approx(0, abs=1e-9)


def test_towards_alone_would_reward_a_favorite_color():
    """Why the control exists: yellow for every exchanged "white" goes towards the new words on average."""
    answers = [
        recoloring_response(painted("white"), painted("white") + painted("pink"), "white", new)
        for new in BASIC_COLORS
        if new not in ("white", "black", "gray")
    ]
    assert np.mean([answer.towards for answer in answers]) > 5
    assert np.mean([answer.towards - answer.control for answer in answers]) == pytest.approx(0, abs=1e-9)


def test_a_substitute_that_says_nothing_is_refused():
    with pytest.raises(ValueError, match="expected a new color for 'white'"):
        recoloring_response(painted("red"), painted("blue"), "white", "black")
