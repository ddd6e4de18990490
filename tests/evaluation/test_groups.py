"""Groups against objects on hand-made grids whose figures are known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lcoins.evaluation.groups import group_agreement, stability, token_groups, token_objects

SIDE = 4


def quadrants(size: int = 32) -> Tensor:
    """Two objects: the upper left and the upper right quarter; the lower half is background."""
    masks = torch.zeros(2, size, size, dtype=torch.bool)
    masks[0, : size // 2, : size // 2] = masks[1, : size // 2, size // 2 :] = True
    return masks


PERFECT = torch.tensor([1, 1, 2, 2, 1, 1, 2, 2] + [0] * 8)


def test_each_token_belongs_to_what_covers_most_of_it() -> None:
    assert token_objects(quadrants(), SIDE**2).tolist() == PERFECT.tolist()
    masks = torch.zeros(1, 8, 8, dtype=torch.bool)
    masks[0, :4, :3] = True  # 3 of 4 columns of the first token's four
    assert token_objects(masks, 4).tolist() == [1, 0, 0, 0]
    masks[0, :4, 2] = False  # half of it: the background wins the draw
    assert token_objects(masks, 4).tolist() == [0, 0, 0, 0]


def test_groups_that_are_the_objects() -> None:
    found = group_agreement(PERFECT, quadrants())
    assert (found.ari, found.purity, found.used) == (pytest.approx(1), 1, 3)


def test_numbers_of_the_groups_do_not_matter() -> None:
    assert group_agreement(7 - PERFECT, quadrants()) == group_agreement(PERFECT, quadrants())


def test_one_group_for_everything_tells_nothing() -> None:
    found = group_agreement(torch.full((16,), 3), quadrants())
    assert (found.ari, found.purity, found.used) == (pytest.approx(0, abs=1e-7), 0.5, 1)


def test_split_objects_keep_purity_but_lose_the_index() -> None:
    found = group_agreement(torch.arange(16), quadrants())
    assert found.purity == 1 and found.used == 16
    assert found.ari == pytest.approx(0, abs=1e-7)


def test_a_case_worked_out_by_hand() -> None:
    """Group 0: 4 of object 1, 2 of background. Group 1: 4 of object 2, 6 of background."""
    groups = torch.tensor([0, 0, 1, 1, 0, 0, 1, 1] + [0] * 2 + [1] * 6)
    found = group_agreement(groups, quadrants())
    assert found.purity == (4 + 6) / 16
    together = sum(math.comb(n, 2) for n in (4, 2, 4, 6))
    in_groups, in_objects = math.comb(6, 2) + math.comb(10, 2), 2 * math.comb(4, 2) + math.comb(8, 2)
    expected = in_groups * in_objects / math.comb(16, 2)
    assert found.ari == pytest.approx((together - expected) / ((in_groups + in_objects) / 2 - expected), abs=1e-6)


@given(st.lists(st.integers(0, 3), min_size=16, max_size=16), st.lists(st.integers(0, 3), min_size=16, max_size=16))
def test_stability_is_symmetric_and_full_with_itself(one: list[int], other: list[int]) -> None:
    a, b = torch.tensor([one]), torch.tensor([other])
    assert stability(a, b) == pytest.approx(stability(b, a), abs=1e-6)
    assert stability(a, a) == pytest.approx(1)
    assert -0.5 <= stability(a, b) <= 1 + 1e-6


def test_refusals() -> None:
    with pytest.raises(ValueError, match="square grid of image tokens, got 15"):
        group_agreement(torch.zeros(15, dtype=torch.long), quadrants())
    with pytest.raises(ValueError, match=r"\(1, 16\) and \(2, 16\)"):
        stability(PERFECT[None], PERFECT.expand(2, -1))


def test_groups_are_the_largest_entries() -> None:
    assert token_groups(torch.tensor([[0.9, 0.1, 0.0, 0.4], [0.1, 0.9, 1.0, 0.6]])).tolist() == [0, 1, 1, 1]
