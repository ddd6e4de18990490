"""The things of a crop: told apart where that is beyond doubt, measured, and named by a color where that is sure."""

import random

import numpy as np
import pytest
import torch

from lcoins.data.coco_instances import CroppedInstances, disjoint
from lcoins.data.things import NEVER_PAINTED, SEEN_THROUGH, Thing, find_things

GRAY = torch.full((32, 32), 50.0), torch.zeros(2, 32, 32)


def masks(*boxes: tuple[int, int, int, int]) -> np.ndarray:
    """Masks of 32 x 32 pixels from boxes (left, upper, right, lower)."""
    result = np.zeros((len(boxes), 32, 32), bool)
    for mask, (left, upper, right, lower) in zip(result, boxes, strict=True):
        mask[upper:lower, left:right] = True
    return result


def places(*boxes: tuple[int, int, int, int], kind: str = "bus") -> set[tuple[str, ...]]:
    """How things of one kind are told apart, over twenty draws."""
    found = CroppedInstances((kind,) * len(boxes), masks(*boxes), (False,) * len(boxes))
    return {tuple(t.place for t in find_things(found, *GRAY, random.Random(seed))) for seed in range(20)}


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        ([(2, 10, 10, 20), (20, 10, 28, 20)], ("left", "right")),
        ([(20, 10, 28, 20), (2, 10, 10, 20)], ("right", "left")),
        ([(10, 18, 20, 28), (10, 2, 20, 10)], ("bottom", "top")),
        ([(12, 10, 20, 22), (10, 12, 13, 15)], ("larger", "smaller")),
        ([(12, 5, 18, 12), (24, 5, 30, 12), (0, 5, 6, 12)], ("middle", "right", "left")),
    ],
)
def test_things_of_a_kind_are_told_apart(boxes: list[tuple[int, int, int, int]], words: tuple[str, ...]) -> None:
    assert places(*boxes) == {words, ("",)}  # or named as one


def test_things_of_a_kind_that_nothing_tells_apart_are_one() -> None:
    close = [(10, 10, 14, 20), (15, 10, 19, 20)]
    assert places(*close) == {("",)}
    assert places((2, 2, 6, 6), (20, 2, 24, 6), (2, 20, 6, 24), (20, 20, 24, 24)) == {("",)}
    found = CroppedInstances(("bus", "bus"), masks(*close), (False, False))
    (thing,) = find_things(found, *GRAY, random.Random(0))
    assert thing.plural and not thing.unique and thing.mask.sum() == 80


def test_the_smaller_of_two_things_is_in_front_and_the_hidden_one_is_not_named() -> None:
    behind, front = disjoint(masks((4, 4, 24, 24), (10, 10, 14, 14)))
    assert front.sum() == 16 and behind.sum() == 400 - 16 and not (front & behind).any()
    covered = CroppedInstances(("bus", "dog"), masks((4, 4, 24, 24), (3, 4, 22, 24)), (False, False))
    assert [thing.kind for thing in find_things(covered, *GRAY, random.Random(0))] == ["dog"]


def test_a_crowd_is_named_as_several() -> None:
    found = CroppedInstances(("bus",), masks((4, 4, 24, 24)), (True,))
    assert [(thing.plural, thing.unique) for thing in find_things(found, *GRAY, random.Random(0))] == [(True, False)]


def test_a_thing_is_measured_inside_its_mask() -> None:
    lightness, ab = GRAY[0].clone(), GRAY[1].clone()
    lightness[10:20, 10:20], ab[0, 10:20, 10:20] = 40.0, 60.0
    ab[1, 10:20, 10:20] = 40.0
    found = CroppedInstances(("bus",), masks((10, 10, 20, 20)), (False,))
    (thing,) = find_things(found, lightness, ab, random.Random(0))
    assert (thing.lightness, thing.ab, thing.color) == (40.0, (60.0, 40.0), "red")
    assert thing.spread == pytest.approx(0)


def in_colors(*colors: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Gray with boxes of 8 x 8 pixels side by side that are red or blue, as :func:`row` has them."""
    lightness, ab = GRAY[0].clone(), GRAY[1].clone()
    for place, color in enumerate(colors):
        columns = slice(10 * place, 10 * place + 8)
        lightness[10:18, columns] = 45.0
        ab[:, 10:18, columns] = torch.tensor({"red": (62.0, 42.0), "blue": (12.0, -54.0)}[color])[:, None, None]
    return lightness, ab


def row(kind: str, count: int) -> CroppedInstances:
    boxes = [(10 * place, 10, 10 * place + 8, 18) for place in range(count)]
    return CroppedInstances((kind,) * count, masks(*boxes), (False,) * count)


@pytest.mark.parametrize(("colors", "word"), [(("red", "red"), "red"), (("red", "blue"), None)])
def test_several_as_one_have_a_color_only_if_they_share_it(colors: tuple[str, ...], word: str | None) -> None:
    found = [find_things(row("bus", 2), *in_colors(*colors), random.Random(seed)) for seed in range(20)]
    as_one = [things[0] for things in found if len(things) == 1]
    assert as_one and {thing.color for thing in as_one} == {word} and {thing.ones for thing in as_one} == {(0, 1)}
    assert {tuple(thing.color for thing in things) for things in found if len(things) == 2} == {colors}


@pytest.mark.parametrize("kind", sorted(NEVER_PAINTED | SEEN_THROUGH))
def test_what_an_outline_shows_of_something_else_has_no_color(kind: str) -> None:
    (thing,) = find_things(row(kind, 1), *in_colors("red"), random.Random(0))
    assert thing.color is None and thing.ab == pytest.approx((62.0, 42.0))


def test_a_thing_knows_whether_the_crop_shows_others_of_its_kind() -> None:
    two = masks((4, 4, 20, 20), (28, 28, 29, 29))  # the second is too small to be named
    found = CroppedInstances(("bus", "bus"), two, (False, False))
    (thing,) = find_things(found, *GRAY, random.Random(0))
    assert thing.ones == (0,) and not thing.complete
    outside = CroppedInstances(("bus", "bus"), two * np.array([True, False])[:, None, None], (False, False))
    assert find_things(outside, *GRAY, random.Random(0))[0].complete


@pytest.mark.parametrize("kind", sorted(NEVER_PAINTED))
def test_what_is_a_persons_own_is_never_painted(kind: str) -> None:
    mask = masks((4, 4, 20, 20))[0]
    assert not Thing(kind, mask).paintable and Thing("bus", mask).paintable
    assert not Thing("bus", masks((0, 0, 2, 2))[0]).paintable  # too small
