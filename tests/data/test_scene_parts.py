"""What can be said of a photo: background apart from things, several as one, and one told by its neighbor."""

import random

import numpy as np
import pytest
import torch

from lcoins.data.coco_instances import CroppedInstances
from lcoins.data.scene_parts import SceneParts, find_parts, near, spoken_kind, stands_on
from lcoins.data.things import Thing

SIDE = 60
LAB = {"red": (45, 62, 42), "blue": (42, 12, -54), "green": (52, -48, 42), "white": (95, 0, 0)}
Part = tuple[str, str, tuple[int, int, int, int]]  # kind, color, box


def parts_of(*parts: Part, seed: int = 0, crowd: bool = False) -> SceneParts:
    """The parts of a gray photo with boxes, those behind first."""
    lightness, ab = torch.full((SIDE, SIDE), 50.0), torch.zeros(2, SIDE, SIDE)
    masks = np.zeros((len(parts), SIDE, SIDE), bool)
    for mask, (_, color, (left, top, right, bottom)) in zip(masks, parts, strict=True):
        mask[top:bottom, left:right] = True
        level, *both = LAB[color]
        lightness[torch.from_numpy(mask)] = level
        ab[:, torch.from_numpy(mask)] = torch.tensor(both, dtype=torch.float32)[:, None]
    found = CroppedInstances(tuple(kind for kind, _, _ in parts), masks, (crowd,) * len(parts))
    return find_parts(found, lightness, ab, random.Random(seed))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bus", "bus"),
        ("sky-other", "sky"),
        ("wall-brick", "wall"),
        ("tree-merged", "tree"),
        ("Traffic light", "traffic light"),
        ("orange_(fruit)", None),
        ("clothes", None),
        ("window-blind", None),
        ("Human hair", None),
        ("t-shirt", "t-shirt"),
        ("", None),
    ],
)
def test_names_of_categories_are_said_as_sentences_have_them(name: str, kind: str | None) -> None:
    assert spoken_kind(name) == kind


def test_background_is_no_thing_and_what_is_in_front_of_it_does_not_count() -> None:
    parts = parts_of(
        ("sky-other", "blue", (0, 0, 60, 20)), ("wall-brick", "red", (0, 20, 60, 60)), ("bus", "white", (5, 25, 50, 55))
    )
    assert [(thing.kind, thing.color, thing.ones) for thing in parts.things] == [("bus", "white", (2,))]
    assert [(part.kind, part.color, part.ones) for part in parts.background] == [
        ("sky", "blue", (0,)),
        ("wall", "red", (1,)),
    ]
    assert not (parts.background[1].mask & parts.things[0].mask).any()


def test_instances_keep_their_places_beside_those_that_are_not_said() -> None:
    parts = parts_of(("clothes", "red", (0, 0, 10, 10)), ("bus", "red", (20, 20, 50, 50)))
    assert [thing.ones for thing in parts.things] == [(1,)]


def test_a_photo_without_instances_has_no_parts() -> None:
    assert parts_of() == SceneParts([], [])


LEFT, RIGHT = (2, 20, 20, 40), (40, 20, 58, 40)


def test_several_of_one_color_are_mostly_one_and_those_of_two_colors_are_told_apart() -> None:
    same = [parts_of(("bus", "red", LEFT), ("bus", "red", RIGHT), seed=seed).things for seed in range(40)]
    assert sum(len(things) == 1 for things in same) > 25
    assert all(thing.color == "red" and thing.complete for things in same for thing in things)
    both = [parts_of(("bus", "red", LEFT), ("bus", "blue", RIGHT), seed=seed).things for seed in range(40)]
    assert all([(one.place, one.color) for one in things] == [("left", "red"), ("right", "blue")] for things in both)


def test_people_are_never_told_by_place() -> None:
    for seed in range(20):
        (people,) = parts_of(("person", "red", LEFT), ("person", "blue", RIGHT), seed=seed).things
        assert people.plural and people.color is None and people.ones == (0, 1)


def test_one_of_several_is_told_by_the_neighbor_that_only_it_touches() -> None:
    four = [("dog", color, box) for color, box in zip(("red", "blue", "red", "white"), _corners(), strict=True)]
    (dog, chair) = parts_of(*four, ("chair", "green", (16, 2, 26, 14))).things
    assert (dog.kind, dog.color, dog.ones, dog.plural) == ("dog", "red", (0,), False)
    assert dog.beside is chair and chair.color == "green"
    (dogs, _) = parts_of(*four, ("chair", "green", (25, 25, 35, 35))).things
    assert dogs.plural and dogs.beside is None and len(dogs.ones) == 4  # it touches none
    (dogs, _) = parts_of(*four, ("mirror", "green", (16, 2, 26, 14))).things
    assert dogs.plural and dogs.beside is None  # what has no sure color is no landmark


def _corners() -> list[tuple[int, int, int, int]]:
    return [(4, 4, 16, 16), (44, 4, 56, 16), (4, 44, 16, 56), (44, 44, 56, 56)]


def box(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), bool)
    mask[top:bottom, left:right] = True
    return mask


def test_near_and_far() -> None:
    assert near(box(0, 0, 10, 10), box(12, 0, 20, 10), 3) and not near(box(0, 0, 10, 10), box(15, 0, 20, 10), 3)


def test_what_a_thing_stands_on_is_right_below_it() -> None:
    ground = Thing("grass", box(0, 40, 60, 60))
    assert stands_on(Thing("dog", box(20, 20, 40, 40)), ground)
    assert not stands_on(Thing("kite", box(20, 5, 40, 20)), ground)
    assert not stands_on(Thing("wall", box(0, 0, 60, 60)), ground)  # it reaches the edge of the photo
