"""Pictures during training: what the first step trains on, and the same few pairs after each validation."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from shrunk import MODEL, NO_GROUPS
from torch import nn

from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, Sample, collate
from lcoins.models.build import build_colorizer
from lcoins.training.picture_log import PictureLog, trained_rows


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    scenes = Scenes("val", 3, 32)
    return [scenes[i] for i in range(3)]


def module(**model: Any) -> nn.Module:
    part = nn.Module()
    part.colorizer = build_colorizer({**MODEL, **model})
    part.device = torch.device("cpu")
    return part


def trainer(**state: Any) -> Any:
    usual = {"sanity_checking": False, "is_global_zero": True, "current_epoch": 7, "global_step": 70, "loggers": []}
    return SimpleNamespace(**({"fast_dev_run": 0} | usual | state))


def served(samples: list[Sample]) -> Batch:
    """The samples as a training step gets them; each second one lost half of its lightness to an augmentation."""
    batch = collate(samples)
    lightness, ab = split_lab(batch.float_rgb())
    batch.original_lightness, batch.ab = to_network_lightness(lightness), to_network_ab(ab)
    darker = torch.where(torch.arange(len(batch))[:, None, None, None] % 2 == 1, lightness / 2, lightness)
    batch.lightness = to_network_lightness(darker)
    return batch


def test_the_first_step_of_a_run_has_a_sheet_of_what_it_trains_on(tmp_path: Path, samples: list[Sample]) -> None:
    log, batch = PictureLog(tmp_path, samples, 2), served(samples)
    log.on_train_batch_start(trainer(global_step=1), module(), batch, 1)
    log.on_train_batch_start(trainer(global_step=1), module(), batch, 0)  # a resumed run, or the second epoch
    assert list(tmp_path.iterdir()) == []
    log.on_train_batch_start(trainer(global_step=0), module(), batch, 0)
    assert [path.name for path in tmp_path.iterdir()] == ["training.png"]
    with Image.open(tmp_path / "training.png") as sheet:
        assert 2 * 224 < sheet.width < 3 * 224
        assert 2 * 224 < sheet.height < 3 * 224  # two of the three samples
    rows = trained_rows(batch, 3)
    for row, sample in zip(rows, samples, strict=True):
        photo = (sample.rgb.permute(1, 2, 0) * 255).numpy()
        assert row.caption == sample.caption
        assert np.abs(row.panels["to learn"] - photo).max() <= 1.01
        assert np.ptp(row.panels["input"].astype(int), axis=2).max() <= 1
    plain = PictureLog(tmp_path, samples, 2).rows(module())
    assert np.array_equal(rows[0].panels["input"], plain[0].panels["gray"])
    assert rows[1].panels["input"].mean() < 0.7 * plain[1].panels["gray"].mean()


def test_each_epoch_has_a_sheet_with_one_row_per_sample(tmp_path: Path, samples: list[Sample]) -> None:
    PictureLog(tmp_path, samples, 2).on_validation_epoch_end(trainer(), module())
    assert [path.name for path in tmp_path.iterdir()] == ["epoch_0007.png"]
    with Image.open(tmp_path / "epoch_0007.png") as sheet:
        width, height = sheet.size
    assert width > 4 * 224  # gray, prediction, truth, groups
    assert height > 3 * 224


def test_the_truth_is_the_photo_and_gray_has_no_color(tmp_path: Path, samples: list[Sample]) -> None:
    for row, sample in zip(PictureLog(tmp_path, samples, 2).rows(module()), samples, strict=True):
        assert row.caption == sample.caption
        assert list(row.panels) == ["gray", "prediction", "truth", "groups"]
        photo = (sample.rgb.permute(1, 2, 0) * 255).numpy()
        assert np.abs(row.panels["truth"] - photo).max() <= 1.01
        assert np.ptp(row.panels["gray"].astype(int), axis=2).max() <= 1


def test_a_model_without_groups_has_no_group_map(tmp_path: Path, samples: list[Sample]) -> None:
    rows = PictureLog(tmp_path, samples, 2).rows(module(**NO_GROUPS))
    assert {tuple(row.panels) for row in rows} == {("gray", "prediction", "truth")}


def test_the_model_trains_on_after_its_picture(tmp_path: Path, samples: list[Sample]) -> None:
    part = module()
    PictureLog(tmp_path, samples, 2).rows(part)
    assert all(child.training for child in part.colorizer.modules())


@pytest.mark.parametrize("state", [{"sanity_checking": True}, {"is_global_zero": False}])
def test_no_picture_from_a_sanity_check_or_another_rank(
    tmp_path: Path, samples: list[Sample], state: dict[str, bool]
) -> None:
    PictureLog(tmp_path, samples, 2).on_validation_epoch_end(trainer(**state), module())
    PictureLog(tmp_path, [], 0).on_validation_epoch_end(trainer(), module())
    PictureLog(tmp_path, samples, 2).on_train_batch_start(trainer(**state), module(), served(samples), 0)
    assert list(tmp_path.iterdir()) == []
