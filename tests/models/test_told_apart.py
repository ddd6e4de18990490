"""Names that claim one place: cut by the sides that they say, or shared out where it has two parts."""

import pytest
import torch

from lcoins.models.grounding import said_colors
from lcoins.models.told_apart import by_lightness, told_apart


def columns(*spans: tuple[int, int, float]) -> torch.Tensor:
    """A place of 32 x 32 pixels with these columns and probabilities."""
    place = torch.zeros(32, 32)
    for start, end, value in spans:
        place[8:24, start:end] = value
    return place


BOTH = columns((2, 10, 0.8), (22, 30, 0.8))
JACKET_AND_COAT = "a boy in a red jacket and a boy in a green coat"


FLAT = torch.full((32, 32), 50.0)


def shared_out(caption: str, *places: torch.Tensor, lightness: torch.Tensor | None = None) -> torch.Tensor:
    flat = torch.full_like(places[0], 50.0)
    return told_apart(torch.stack(places), flat if lightness is None else lightness, said_colors([caption]))


@pytest.mark.parametrize("axis", [0, 1])
def test_two_names_that_claim_both_things_get_one_each_in_the_order_of_the_sentence(axis: int) -> None:
    places = [BOTH.clone() if axis else BOTH.T.clone() for _ in range(2)]
    first, second = shared_out(JACKET_AND_COAT, *places)
    if axis == 0:
        first, second = first.T, second.T
    assert first[:, 2:10].amax() > 0.7 > 0.2 > first[:, 22:30].amax()
    assert second[:, 22:30].amax() > 0.7 > 0.2 > second[:, 2:10].amax()


@pytest.mark.parametrize(
    ("caption", "right_is_lighter", "first_is_left"),
    [
        ("a black dog beside a yellow dog", True, True),
        ("a black dog beside a yellow dog", False, False),
        ("a yellow dog beside a black dog", True, False),
        ("a yellow jacket and a black coat", True, False),
        ("the left dog is yellow and the right dog is black", True, True),
        ("a red dog beside a red and pink dog", None, True),
    ],
)
def test_without_sides_the_darker_color_goes_to_the_darker_part(
    caption: str, right_is_lighter: bool | None, first_is_left: bool
) -> None:
    lightness = FLAT.clone()
    if right_is_lighter is not None:
        lightness[:, 16:] += 20 if right_is_lighter else -20
    first, *_, last = shared_out(caption, *[BOTH] * len(said_colors([caption])), lightness=lightness)
    left, right = (first, last) if first_is_left else (last, first)
    assert left[:, 2:10].amax() > 0.7 > 0.2 > left[:, 22:30].amax()
    assert right[:, 22:30].amax() > 0.7 > 0.2 > right[:, 2:10].amax()


def test_things_in_the_order_of_a_sentence_are_not_shared_out_with_another_kind() -> None:
    caption = "a black coat beside a black and red coat, and a green hat"
    *_, hat = shared_out(caption, *[BOTH] * len(said_colors([caption])))
    assert torch.equal(hat, BOTH)


def test_things_in_the_order_of_a_sentence_are_cut_where_they_lie_apart() -> None:
    lightness = FLAT.T.clone()
    lightness[:16] -= 20
    first, second = shared_out("a black dog and a white dog", BOTH.T, BOTH.T, lightness=lightness)
    assert first[2:10].amax() > 0.7 > 0.2 > first[22:30].amax()
    assert second[22:30].amax() > 0.7 > 0.2 > second[2:10].amax()


@pytest.mark.parametrize(
    ("caption", "first_is_lower"),
    [
        ("the black dog in front and the white dog in the back", True),
        ("the dog in the background is black, the dog in the foreground is white", False),
        ("a black dog, and a white dog in the back", True),
        ("a black dog and a white dog", None),
    ],
)
def test_what_is_in_front_reaches_farther_down(caption: str, first_is_lower: bool | None) -> None:
    """Whatever their lightness says."""
    place = columns((2, 10, 0.8), (22, 30, 0.8))
    place[20:, 2:10] = 0
    for right_is_lighter in (True, False):
        lightness = FLAT.clone()
        lightness[:, 16:] += 20 if right_is_lighter else -20
        first, _ = shared_out(caption, place, place, lightness=lightness)
        first_is_right = (not right_is_lighter) if first_is_lower is None else first_is_lower
        assert (first[:, 22:30].amax() > 0.7) == first_is_right


def test_a_name_that_has_next_to_nothing_of_its_part_is_given_none() -> None:
    plane, runway = columns((2, 10, 0.9), (22, 30, 0.8)), columns((2, 10, 0.15), (22, 30, 0.3))
    told = shared_out("a yellow airplane on a gray runway", plane, runway)
    assert torch.equal(told, torch.stack([plane, runway]))


def test_a_hat_and_a_shirt_are_not_shared_out() -> None:
    told = shared_out("a yellow hat and a blue shirt", BOTH, BOTH)
    assert torch.equal(told, torch.stack([BOTH, BOTH]))


def test_three_of_a_kind_are_sorted_by_lightness() -> None:
    place = torch.zeros(96, 96)
    for start in (0, 38, 76):
        place[:, start : start + 20] = 0.8
    lightness = torch.linspace(90, 10, 96).expand(96, 96)
    black, yellow, red = shared_out("a black cup, a yellow cup and a red cup", *[place] * 3, lightness=lightness)
    assert [int(part[0].argmax()) // 32 for part in (yellow, red, black)] == [0, 1, 2]


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
    left, right = told_apart(torch.stack([both, 0.5 * both]), FLAT[:16, :16], said)
    assert left[:, 0].min() > right[:, 0].max()
    assert right[:, 8].min() > left[:, 8].max()


@pytest.mark.parametrize("side", [0, 1])
def test_one_side_alone_is_cut_like_both(side: int) -> None:
    said = said_colors(["the left cup is red and the right cup is blue"])
    both = torch.zeros(16, 16)
    both[:, 1:4], both[:, 10:14] = 0.8, 0.8
    pair = told_apart(both.expand(2, 16, 16), FLAT[:16, :16], said)
    (alone,) = told_apart(both[None], FLAT[:16, :16], [said[side]])
    assert torch.equal(alone, pair[side])


@pytest.mark.parametrize(("side", "columns", "whole"), [("left", 8, True), ("right", 8, False), ("left", 16, False)])
def test_a_thing_on_its_side_of_the_photo_is_not_cut(side: str, columns: int, whole: bool) -> None:
    place = torch.zeros(16, 16)
    place[:, 1:columns] = 0.8
    (found,) = told_apart(place[None], FLAT[:16, :16], said_colors([f"the {side} cup is red"]))
    assert torch.equal(found, place) == whole


def large(place: torch.Tensor) -> torch.Tensor:
    """A place four times as large, so that cuts are sharp beside things."""
    return place.repeat_interleave(4, dim=0).repeat_interleave(4, dim=1)


THREE = large(columns((1, 5, 0.8), (8, 12, 0.6), (24, 31, 0.8)))


@pytest.mark.parametrize("axis", [0, 1])
def test_three_of_a_kind_get_one_part_each(axis: int) -> None:
    caption = "a red kite above a blue kite and a green kite" if axis == 0 else "a red cup, a blue cup and a green cup"
    parts = shared_out(caption, *[THREE if axis else THREE.T] * 3)
    for part, (start, end) in zip(parts if axis else parts.mT, ((4, 20), (32, 48), (96, 124)), strict=True):
        assert part[:, start:end].amax() > 0.5 and part.sum() < 1.1 * part[:, start:end].sum()


@pytest.mark.parametrize(
    ("place", "start", "end"),
    [
        pytest.param(THREE, 32, 48, id="between two others"),
        pytest.param(large(columns((4, 28, 0.8))), 16, 112, id="one large thing"),
        pytest.param(large(BOTH), 8, 120, id="two things"),
    ],
)
def test_what_lies_in_the_middle_is_cut_from_two_others_only(place: torch.Tensor, start: int, end: int) -> None:
    (found,) = shared_out("the cup in the middle is red", place)
    assert found[:, start:end].sum() > 0.9 * max(float(found.sum()), float(place[:, start:end].sum()))


def test_an_empty_place_is_cut_into_three_without_error() -> None:
    assert not shared_out("a red cup, a blue cup and a green cup", *[torch.zeros(32, 32)] * 3).any()


STRIPES = torch.tensor([20.0, 55.0, 90.0]).repeat_interleave(8).repeat(24, 1)
LOW, MIDDLE, HIGH = 4, 12, 20  # a column of each stripe


def by_stripes(caption: str) -> list[torch.Tensor]:
    """The shares of the colors of a caption in the columns LOW, MIDDLE and HIGH."""
    said = said_colors([caption])
    shares = torch.full((len(said), 24, 24), 1 / len(said))
    return list(by_lightness(shares, STRIPES, said)[:, 0, [LOW, MIDDLE, HIGH]])


def test_white_gets_the_light_part_black_the_dark_one_and_another_color_the_rest() -> None:
    red, white = by_stripes("a red and white shirt")
    assert red[0] > 0.99 and white[2] > 0.99 and torch.allclose(red + white, torch.ones(3))
    red, black = by_stripes("a red and black shirt")
    assert red[2] > 0.99 and black[0] > 0.99
    for share, at in zip(by_stripes("a white, red and black flag"), (2, 1, 0), strict=True):
        assert share[at] > 0.99 and share.sum() < 1.01


def test_two_colors_share_what_is_not_white() -> None:
    red, white, blue = by_stripes("red, white and blue flags")
    assert white[2] > 0.99 and torch.equal(red, blue) and 0.49 < float(red[0]) < 0.51


@pytest.mark.parametrize("caption", ["a red and blue shirt", "a white shirt and red shorts", "a red shirt"])
def test_other_colors_stay_as_they_are(caption: str) -> None:
    shares = by_stripes(caption)
    assert all(torch.equal(share, torch.full((3,), 1 / len(shares))) for share in shares)


def test_a_thing_of_even_lightness_keeps_its_colors_mixed() -> None:
    said, shares = said_colors(["a red and white shirt"]), torch.full((2, 16, 16), 0.5)
    gray = torch.linspace(48, 58, 16).repeat(16, 1)
    assert torch.equal(by_lightness(shares, gray, said), shares)
