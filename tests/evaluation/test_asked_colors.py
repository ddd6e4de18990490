"""What the obedience benchmark asks: of single things, of two of a kind by place, and of captions."""

import numpy as np
import pytest

from lcoins.evaluation.asked_colors import COLORS, Question, questions

SIDE = 50


def mask(left: int, right: int, top: int = 10, bottom: int = 40) -> np.ndarray:
    """A rectangle of a photo of 50 x 50 pixels."""
    drawn = np.zeros((SIDE, SIDE), bool)
    drawn[top:bottom, left:right] = True
    return drawn


def asked(kinds: list[str], masks: list[np.ndarray], lightness: float = 20.0, **more: object) -> list[Question]:
    level = np.full((SIDE, SIDE), lightness, np.float32)
    return list(questions("a.jpg", kinds, np.stack(masks), level, **more))  # type: ignore[arg-type]


def test_a_single_thing_is_asked_for_in_three_colors_and_in_one_that_contradicts_it() -> None:
    found = asked(["bus"], [mask(5, 20)])
    named = [one for one in found if one.task == "named"]
    assert len({one.asked[0][1] for one in named}) == len(named) == 3
    assert all(one.caption.endswith(" bus") and one.reference == "a gray bus" for one in found)
    (counter,) = [one for one in found if one.task == "counter"]
    assert counter.asked[0][1] in ("yellow", "orange", "pink", "green")  # bright colors, of a dark bus


def test_articles_fit_the_color() -> None:
    captions = {one.caption for seed in range(30) for one in asked(["bus"], [mask(5, 20)], seed=seed)}
    assert "an orange bus" in captions
    assert not any(text.startswith(("a orange", "an red")) for text in captions)


def test_the_same_seed_asks_the_same() -> None:
    assert asked(["bus"], [mask(5, 20)], seed=3) == asked(["bus"], [mask(5, 20)], seed=3)


@pytest.mark.parametrize("kinds", [["person"], ["hair"]])
def test_persons_are_not_asked_for(kinds: list[str]) -> None:
    assert asked(kinds, [mask(5, 20)]) == []


def test_small_things_are_not_asked_for() -> None:
    assert asked(["cup"], [mask(5, 8, 10, 13)]) == []


def test_two_of_a_kind_are_told_apart_by_place() -> None:
    (found,) = asked(["cup", "cup"], [mask(30, 45), mask(2, 17)])
    (left, first), (right, second) = found.asked
    assert (left, right) == (1, 0)
    assert first != second and {first, second} <= set(COLORS)
    assert found.caption == f"the left cup is {first} and the right cup is {second}"
    assert found.reference == "the left cup is gray and the right cup is gray"


def test_two_of_a_kind_at_one_place_are_not_asked_for() -> None:
    assert asked(["cup", "cup"], [mask(10, 25), mask(12, 27)]) == []


def test_two_things_of_two_kinds_take_two_colors_and_then_these_exchanged() -> None:
    found = asked(["bus", "apple", "person"], [mask(30, 45), mask(2, 17), mask(20, 28)])
    one, other = [question for question in found if question.task == "kinds"]
    colors = [color for _, color in one.asked]
    assert [color for _, color in other.asked] == colors[::-1] and len(set(colors)) == 2
    assert [index for index, _ in one.asked] == [index for index, _ in other.asked]
    assert {index for index, _ in one.asked} == {0, 1}
    assert one.reference in ("a gray bus and a gray apple", "a gray apple and a gray bus")
    first, second = ("bus", "apple") if one.asked[0][0] == 0 else ("apple", "bus")
    assert one.caption.replace("an ", "a ") == f"a {colors[0]} {first} and a {colors[1]} {second}"


@pytest.mark.parametrize("kinds", [["bus", "bus"], ["bus", "person"], ["bus"]])
def test_one_kind_alone_is_no_question_about_two_kinds(kinds: list[str]) -> None:
    masks = [mask(30, 45), mask(2, 17)][: len(kinds)]
    assert not [one for one in asked(kinds, masks) if one.task == "kinds"]


def test_the_color_of_a_caption_is_exchanged() -> None:
    found = asked(["bus"], [mask(5, 20)], captions=["A man waits for a red bus, alone"] * 2)  # a list may repeat itself
    (one,) = [one for one in found if one.task == "recolor"]
    new = one.asked[0][1]
    assert new != "red"
    assert one.caption in (f"A man waits for a {new} bus, alone", f"A man waits for an {new} bus, alone")
    assert one.reference == "A man waits for a gray bus, alone"


@pytest.mark.parametrize("caption", ["red buses", "a red bus and a bus", "a red double decker bus", "a silver bus"])
def test_captions_that_leave_a_doubt_are_left_out(caption: str) -> None:
    assert not [one for one in asked(["bus"], [mask(5, 20)], captions=[caption]) if one.task == "recolor"]
