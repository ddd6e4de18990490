"""Things of one crop put into another."""

import random
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.data.coco_instances import CroppedInstances
from lcoins.data.pasting import paste

SIDE = 64
BACKGROUND, FOREGROUND = 90, 250


def outlined(**boxes: tuple[int, int, int, int]) -> CroppedInstances:
    """Boxes of top, left, bottom and right."""
    masks: NDArray[np.bool_] = np.zeros((len(boxes), SIDE, SIDE), bool)
    for mask, (top, left, bottom, right) in zip(masks, boxes.values(), strict=True):
        mask[top:bottom, left:right] = True
    return CroppedInstances(tuple(boxes), masks, tuple(False for _ in boxes))


def pasted(
    found: CroppedInstances, others: CroppedInstances, seed: int
) -> tuple[Tensor, Mapping[str, NDArray[np.bool_]]]:
    """A gray crop with bright things of another, and the outlines of each name."""
    rgb = torch.full((3, SIDE, SIDE), BACKGROUND, dtype=torch.uint8)
    other = torch.zeros_like(rgb)
    other[:, others.masks.any(axis=0)] = FOREGROUND
    result, instances = paste(rgb, found, other, others, random.Random(seed))
    masks: dict[str, NDArray[np.bool_]] = {}
    for name, mask in zip(instances.names, instances.masks, strict=True):
        masks[name] = masks.get(name, mask) | mask
    return result, masks


@pytest.mark.parametrize("seed", range(8))
def test_a_pasted_thing_is_where_its_outline_is(seed: int) -> None:
    result, masks = pasted(outlined(), outlined(dog=(10, 20, 40, 44)), seed)
    assert masks["dog"].any()
    assert bool((result[:, torch.from_numpy(masks["dog"])] > (BACKGROUND + FOREGROUND) / 2).all())
    edge = torch.nn.functional.max_pool2d(torch.from_numpy(masks["dog"])[None].float(), 5, 1, 2)[0] > 0
    assert bool((result[:, ~edge] == BACKGROUND).all())


def test_what_is_hidden_for_the_most_part_has_no_outline() -> None:
    small, large = outlined(cup=(30, 30, 33, 33)), outlined(bus=(8, 8, 52, 52))
    seen = [pasted(small, large, seed)[1] for seed in range(40)]
    assert any("cup" not in masks for masks in seen), "the bus lies over the cup"
    assert any("cup" in masks for masks in seen), "or beside it"
    assert all(not (masks["cup"] & masks["bus"]).any() for masks in seen if {"cup", "bus"} <= masks.keys())


def test_clothes_come_with_persons_alone() -> None:
    worn = outlined(person=(4, 20, 60, 40), shirt=(16, 20, 36, 40), cup=(4, 50, 14, 60))
    for seed in range(20):
        _, masks = pasted(outlined(), worn, seed)
        assert masks and ("shirt" in masks) == ("person" in masks)
        if "shirt" in masks:
            assert not (masks["shirt"] & ~masks["person"]).any()
    assert pasted(outlined(), outlined(shirt=(16, 20, 36, 40)), 0)[1] == {}


def test_a_crop_without_anything_to_paste_stays() -> None:
    crowd = CroppedInstances(("cow",), outlined(cow=(10, 10, 40, 40)).masks, (True,))
    for others in (outlined(), outlined(dog=(1, 1, 3, 3)), outlined(dog=(0, 0, 64, 60)), crowd):
        result, masks = pasted(outlined(cup=(1, 1, 9, 9)), others, 0)
        assert bool((result == BACKGROUND).all())
        assert list(masks) == ["cup"]
