"""Drawn scenes as training, validation and test sets."""

from typing import Any

import torch

from lcoins.data.augment import LuminanceAugmentation
from lcoins.data.datamodule import ColorizationData
from lcoins.data.from_scenes import scene_data
from lcoins.data.scenes.dataset import Scenes


def made(train: Any, val: Any, tests: dict[str, Any], seed: int = 0) -> ColorizationData:
    sizes = {"image_size": 32, "eval_size": 48}
    loader = {"batch_size": 2, "eval_batch_size": 3, "workers": 0}
    return scene_data(train, val, tests, **sizes, augmentation=LuminanceAugmentation(0.0, 1.0), seed=seed, **loader)


def test_each_split_has_its_length_and_size() -> None:
    data = made({"length": 5}, {"length": 4}, {"clear": {"length": 3}, "counter": {"length": 2}})
    sets: list[Any] = [data.train_set, data.val_set, *data.test_sets.values()]
    assert [len(scenes) for scenes in sets] == [5, 4, 3, 2]
    assert [scenes[0].rgb.shape[-1] for scenes in sets] == [32, 32, 48, 48]
    assert [scenes[0].name for scenes in sets] == ["train/00000", "val/00000", "clear/00000", "counter/00000"]
    assert [len(batch) for batch in data.test_loaders()["clear"]] == [3]
    assert data.palette == Scenes.palette


def test_another_seed_draws_other_training_scenes_and_the_same_held_out_ones() -> None:
    one, other = (made({"length": 2}, {"length": 1}, {"clear": {"length": 1}}, seed) for seed in (0, 1))
    for first, second, same in (
        (one.train_set, other.train_set, False),
        (one.val_set, other.val_set, True),
        (one.test_sets["clear"], other.test_sets["clear"], True),
    ):
        assert first is not None and second is not None
        assert torch.equal(first[0].rgb, second[0].rgb) == same


def test_evaluation_needs_no_training_scenes() -> None:
    data = made(None, None, {"instances": {"length": 1}})
    assert data.train_set is None and data.val_set is None
