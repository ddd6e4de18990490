"""Names that claim one place: cut by the sides that they say, or shared out where it has two parts."""

import pytest
import torch

from lcoins.models.grounding import said_colors
from lcoins.models.told_apart import told_apart


def columns(*spans: tuple[int, int, float]) -> torch.Tensor:
    """A place of 32 x 32 pixels with these columns and probabilities."""
    place = torch.zeros(32, 32)
    for start, end, value in spans:
        place[8:24, start:end] = value
    return place


BOTH = columns((2, 10, 0.8), (22, 30, 0.8))
JACKET_AND_COAT = "a boy in a red jacket and a boy in a green coat"


def shared_out(caption: str, *places: torch.Tensor) -> torch.Tensor:
    return told_apart(torch.stack(places), said_colors([caption]))


@pytest.mark.parametrize("axis", [0, 1])
def test_two_names_that_claim_both_things_get_one_each_in_the_order_of_the_sentence(axis: int) -> None:
    places = [BOTH.clone() if axis else BOTH.T.clone() for _ in range(2)]
    first, second = shared_out(JACKET_AND_COAT, *places)
    if axis == 0:
        first, second = first.T, second.T
    assert first[:, 2:10].amax() > 0.7 > 0.2 > first[:, 22:30].amax()
    assert second[:, 22:30].amax() > 0.7 > 0.2 > second[:, 2:10].amax()


def test_a_name_that_is_surer_of_the_other_thing_gets_that_one() -> None:
    first, second = shared_out(JACKET_AND_COAT, columns((2, 10, 0.5), (22, 30, 0.8)), BOTH)
    assert first[:, 2:10].amax() < 0.2 and second[:, 22:30].amax() < 0.2


@pytest.mark.parametrize(
    ("caption", "places"),
    [
        pytest.param(JACKET_AND_COAT, (columns((4, 28, 0.8)),) * 2, id="one thing without a gap"),
        pytest.param(JACKET_AND_COAT, (BOTH, columns((2, 6, 0.8))), id="little in common"),
        pytest.param("people in red shirts and blue hats", (BOTH, BOTH), id="plurals"),
        pytest.param("a red jacket", (BOTH,), id="one name"),
        pytest.param(JACKET_AND_COAT, (torch.zeros(32, 32),) * 2, id="nothing"),
    ],
)
def test_others_keep_their_places(caption: str, places: tuple[torch.Tensor, ...]) -> None:
    assert torch.equal(shared_out(caption, *places), torch.stack(places))


def test_two_of_a_kind_are_told_apart_by_the_sides_that_a_sentence_names() -> None:
    """Their common place is cut between them, and not in the middle of the photo."""
    said = said_colors(["the left cup is red and the right cup is blue"])
    both = torch.zeros(16, 16)
    both[:, 0:3], both[:, 5:9] = 0.8, 0.8
    left, right = told_apart(torch.stack([both, 0.5 * both]), said)
    assert left[:, 0].min() > right[:, 0].max()
    assert right[:, 8].min() > left[:, 8].max()


@pytest.mark.parametrize("side", [0, 1])
def test_one_side_alone_is_cut_like_both(side: int) -> None:
    said = said_colors(["the left cup is red and the right cup is blue"])
    both = torch.zeros(16, 16)
    both[:, 1:4], both[:, 10:14] = 0.8, 0.8
    pair = told_apart(both.expand(2, 16, 16), said)
    (alone,) = told_apart(both[None], [said[side]])
    assert torch.equal(alone, pair[side])


@pytest.mark.parametrize(("side", "columns", "whole"), [("left", 8, True), ("right", 8, False), ("left", 16, False)])
def test_a_thing_on_its_side_of_the_photo_is_not_cut(side: str, columns: int, whole: bool) -> None:
    place = torch.zeros(16, 16)
    place[:, 1:columns] = 0.8
    (found,) = told_apart(place[None], said_colors([f"the {side} cup is red"]))
    assert torch.equal(found, place) == whole
