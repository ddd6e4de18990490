"""Names of colors: a typical one has its own, two at once have none, and light and shade change nothing."""

import numpy as np
import pytest

from lcoins.color.names import BASIC_LAB
from lcoins.data.color_naming import color_word, grown, inner, terms_of_pixels

Lab = tuple[float, float, float]


def pixels(*colors: Lab, count: int = 300, noise: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """L* (N,) and ab (2, N) of equally many noisy pixels of each color."""
    drawn = np.concatenate([np.random.default_rng(0).normal(color, noise, (count, 3)) for color in colors])
    return drawn[:, 0].clip(0, 100).astype(np.float32), drawn[:, 1:].T.astype(np.float32)


@pytest.mark.parametrize("word", BASIC_LAB)
def test_a_typical_color_has_its_own_word(word: str) -> None:
    assert color_word(*pixels(BASIC_LAB[word], noise=0.2)) == word
    assert color_word(*pixels(BASIC_LAB[word], noise=4.0)) in (word, None)


@pytest.mark.parametrize(
    ("colors", "word"),
    [
        ([BASIC_LAB["red"], BASIC_LAB["white"]], None),
        ([BASIC_LAB["black"], BASIC_LAB["white"]], None),
        ([BASIC_LAB["blue"], BASIC_LAB["green"]], None),
        ([BASIC_LAB["white"], (50.0, 0.0, 0.0), BASIC_LAB["white"]], "white"),  # with gray shade
        ([(50.0, 1.0, 1.0), BASIC_LAB["black"], BASIC_LAB["black"]], "black"),  # with shine
        ([(36.0, 12.0, 20.0), (36.0, 12.0, 20.0), (12.0, 0.0, 0.0)], "brown"),  # with shadow
        ([(75.0, -3.0, -12.0)], "white"),  # in the shade under a blue sky
        ([(25.0, 25.0, -50.0)], "blue"),  # dark blue bends toward purple in CIELAB
        ([(45.0, 0.0, 0.0)] * 2 + [(75.0, 0.0, 0.0)], None),  # more gray than white
    ],
)
def test_shading_changes_no_name_and_two_colors_have_none(colors: list[Lab], word: str | None) -> None:
    assert color_word(*pixels(*colors, noise=1.0)) == word


def test_nothing_has_no_name() -> None:
    assert color_word(np.zeros(0, np.float32), np.zeros((2, 0), np.float32)) is None


def test_every_color_has_a_term_at_any_hue() -> None:
    hues = np.radians(np.arange(0, 360, 0.5))
    terms = terms_of_pixels(np.full(hues.size, 50.0), 50 * np.stack([np.cos(hues), np.sin(hues)]))
    assert terms.min() >= 0 and len(set(terms.tolist())) >= 7
    assert np.count_nonzero(np.diff(terms)) <= 9  # each is one stretch of hues


def test_the_edge_of_a_thing_does_not_count_unless_it_is_thin() -> None:
    mask = np.zeros((20, 20), bool)
    mask[3:17, 3:17] = True
    assert inner(mask).sum() == 100 and not (inner(mask) & ~mask).any()
    thin = np.zeros((20, 20), bool)
    thin[10:12] = True
    assert (inner(thin) == thin).all()
    whole = np.ones((6, 6), bool)
    assert inner(whole).all()  # where the photo ends the thing goes on


def test_a_grown_mask_has_all_pixels_within_so_many_steps() -> None:
    mask = np.zeros((9, 9), bool)
    mask[4, 4] = True
    steps = np.abs(np.arange(9) - 4)
    assert (grown(mask, 2) == (steps[:, None] + steps[None] <= 2)).all()
