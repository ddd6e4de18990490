"""Every image, set and position comes equally often, for each person and for all."""

from collections import Counter

import numpy as np
import pytest

from lcoins.study.design import balance, draw_design
from lcoins.study.power import design_effect, power_rows, votes_needed


def draw(*numbers: int) -> list:
    return draw_design(*numbers, np.random.default_rng(0))


def test_all_at_once_as_in_the_paper() -> None:
    """100 images, 7 pictures, 25 people: each sees each image once; a picture is in each place about 14 times."""
    slots = draw(100, 7, 7, 25, 100)
    assert all(sorted(image for image, _ in slot) == list(range(100)) for slot in slots)
    found = balance(slots, 100, 7)
    assert found.images == (25, 25) and found.sets == (2500, 2500)
    assert found.positions[0] >= 350 and found.positions[1] <= 365
    assert found.own_positions[0] >= 11 and found.own_positions[1] <= 17


def test_pairs_of_systems_are_even_within_each_image() -> None:
    slots = draw(20, 5, 2, 40, 10)
    found = balance(slots, 20, 5)
    assert found.images == (20, 20)
    assert found.sets[1] - found.sets[0] <= 1
    by_image = Counter((image, frozenset(order)) for slot in slots for image, order in slot)
    assert set(by_image.values()) == {2} and len(by_image) == 20 * 10
    assert found.positions[1] - found.positions[0] <= 4 and found.together[0] >= 3


def test_who_sees_an_image_twice_sees_another_pair() -> None:
    (slot,) = draw(3, 3, 2, 1, 9)
    assert len({(image, frozenset(order)) for image, order in slot}) == 9


@pytest.mark.parametrize(
    ("numbers", "text"), [((5, 1, 2, 2, 2), "systems to show"), ((5, 3, 3, 2, 6), "trials a person")]
)
def test_what_cannot_be_drawn_is_refused(numbers: tuple[int, ...], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        draw(*numbers)


def test_power_agrees_with_simulation() -> None:
    """194 votes show a preference of 60 % four times out of five, by a two-sided test at 5 %."""
    votes = votes_needed(0.6)
    shares = np.random.default_rng(0).binomial(votes, 0.6, 20_000) / votes
    shown = np.abs(shares - 0.5) / np.sqrt(0.25 / votes) > 1.959964
    assert shown.mean() == pytest.approx(0.8, abs=0.02)


def test_alike_votes_ask_for_more_people() -> None:
    row = power_rows(10, (0.6,))[0]
    assert row.people == (20, 22, 29, 37)
    assert design_effect(1, 0.5) == 1
    with pytest.raises(ValueError, match="a preference between"):
        votes_needed(0.5)
