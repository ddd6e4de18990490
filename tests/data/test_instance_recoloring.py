"""Instances in COCO's format, things painted with named colors, and samples of several views."""

import json
import random

import numpy as np
import pytest
import torch

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB, NamedColor, hue_distance
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.instance_recoloring import paint
from lcoins.data.instance_sentences import Mention, compose, recolored
from lcoins.data.things import Thing, find_things
from lcoins.data.types import Sample, collate
from lcoins.models.colorizer import Colorization
from lcoins.training.instance_losses import InstanceObjective, pairs_of_views


@pytest.fixture
def instances(tmp_path):
    """A photo of 40 x 20 pixels: a bus as polygon in its left half, the same as run lengths, a dog at the right."""
    left = [0, 0, 20, 0, 20, 20, 0, 20]
    right = [30, 5, 40, 5, 40, 10, 30, 10]
    runs = {"size": [20, 40], "counts": [0, 20 * 20, 20 * 20]}
    data = {
        "images": [{"id": 7, "file_name": "a.jpg", "width": 40, "height": 20}],
        "categories": [{"id": 6, "name": "bus"}, {"id": 18, "name": "dog"}],
        "annotations": [
            {"image_id": 7, "category_id": 6, "iscrowd": 0, "area": 400, "segmentation": [left]},
            {"image_id": 7, "category_id": 6, "iscrowd": 1, "area": 400, "segmentation": runs},
            {"image_id": 7, "category_id": 18, "iscrowd": 0, "area": 50, "segmentation": [right]},
        ],
    }
    path = tmp_path / "instances.json"
    path.write_text(json.dumps(data))
    return CocoInstances(path)


def test_polygons_and_run_lengths_give_the_same_mask_in_any_crop(instances):
    found = instances.crop("a.jpg", 32, (0.25, 0.0, 1.0, 1.0), flipped=True)
    assert found.names == ("bus", "bus", "dog") and found.crowd == (False, True, False)
    assert np.abs(found.masks[0] ^ found.masks[1]).mean() < 0.05
    assert found.masks[0][:, -10:].all() and not found.masks[0][:, :20].any()  # a third of the crop, flipped
    assert found.masks[2][:, :8].any() and instances.crop("b.jpg", 32).names == ()


@pytest.mark.parametrize("color", ["red", "green", "blue", "yellow", "purple"])
def test_paint_keeps_lightness_and_everything_else(color):
    generator = torch.Generator().manual_seed(0)
    rgb = (torch.rand(3, 32, 32, generator=generator) * 0.2 + 0.4).mul(255).to(torch.uint8)
    lightness, ab = (part[0] for part in split_lab(rgb[None].float() / 255))
    mask = np.zeros((32, 32), bool)
    mask[8:24, 8:24] = True
    thing = Thing("bus", mask, lightness=float(lightness[0][mask].mean()), ab=tuple(ab[:, mask].mean(1).tolist()))
    painted, emphasis = paint(lightness[0], ab, [(thing, NamedColor(color, BASIC_LAB[color]))], random.Random(0))
    after, colors = (part[0] for part in split_lab(painted[None].float() / 255))
    assert (after - lightness).abs().max() < 1.5
    assert torch.equal(painted[:, :6], rgb[:, :6]) and (emphasis > 0).sum() == mask.sum()
    mean = colors[:, mask].mean(1)
    assert hue_distance(tuple(mean.tolist()), BASIC_LAB[color][1:]) < 15 and mean.norm() > 25


def test_two_of_a_kind_are_told_apart_and_sentences_name_all():
    masks = np.zeros((2, 32, 32), bool)
    masks[0, 10:20, 2:10] = masks[1, 10:20, 20:28] = True
    found = type("Found", (), {"names": ("bus", "bus"), "masks": masks, "crowd": (False, False)})
    lab = torch.full((32, 32), 50.0), torch.zeros(2, 32, 32)
    places = {tuple(t.place for t in find_things(found, *lab, random.Random(seed))) for seed in range(20)}
    assert places == {("left", "right"), ("",)}
    mentions = [Mention(Thing("bus", masks[0]), "red"), Mention(Thing("dog", masks[1]), "blue")]
    for seed in range(50):
        said = compose(mentions, random.Random(seed)).lower()
        assert "red" in said and "blue" in said
    said = recolored("A yellow bus and an dog", mentions, random.Random(0))
    assert said == "A red bus and a blue dog"


def test_views_are_stacked_and_compared():
    def sample(index, *twins):
        rgb = torch.zeros(3, 8, 8, dtype=torch.uint8)
        return Sample(rgb, "a red bus", "a blue bus", index, "a", emphasis=torch.ones(8, 8), further_views=twins)

    batch = collate([sample(0), sample(1, sample(1), sample(1))])
    assert batch.crop.tolist() == [0, 1, 1, 1] and len(batch) == 4
    assert pairs_of_views(batch.crop).tolist() == [[1, 1, 2], [2, 3, 3]]
    batch.ab = torch.zeros(4, 2, 8, 8)
    losses = InstanceObjective(1.0)(Colorization(ab=torch.ones(4, 2, 8, 8)), batch)
    assert losses.terms["difference_inside"] == 0 and losses.terms["painted"] > 0
