"""The five compared systems in training: each learns by heart, steps, resumes and colors a photo."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from shrunk import SYSTEMS, composed, small
from torch import nn

from lcoins.colorize.photo import colorize_photo
from lcoins.data.datamodule import ColorizationData
from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, collate
from lcoins.models.backbones.pretrained import MissingWeightsError
from lcoins.models.build import build_colorizer
from lcoins.models.checkpoint import load_checkpoint
from lcoins.training.build import build_training
from lcoins.training.compared_losses import AdversarialObjective
from lcoins.training.module import AdversarialTraining, ColorizationTraining
from lcoins.training.optimization import parameter_groups
from lcoins.training.run import fit_or_resume, plain_config, train_run
from lcoins.training.trainer import build_trainer


def built(system: str, folder: Path, *overrides: str) -> tuple[ColorizationTraining, ColorizationData]:
    return build_training(plain_config(small(system, *overrides)), folder)


def scenes(data: ColorizationData, count: int) -> Batch:
    split = Scenes("train", count, 32)
    return data.on_after_batch_transfer(collate([split[i] for i in range(count)]))


def trained_parts(module: ColorizationTraining) -> list[nn.Module]:
    judges = [module.objective.discriminator] if isinstance(module.objective, AdversarialObjective) else []
    return [module.colorizer, *judges]


# Steps, and what may be left of the error inside the things, where gray has 1; LBIE has deep convolutions and is slow.
LEARNT = {"lbie": (150, 0.85), "ml2018": (50, 0.6), "xie2018": (50, 0.7), "lcode": (120, 0.75), "lcoder": (50, 0.6)}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_few_scenes_are_learnt_by_heart(system: str, tmp_path: Path) -> None:
    """Four scenes, colored in evaluation mode."""
    module, data = built(system, tmp_path, *(["model.steps=2"] if system == "lbie" else []))
    batch = scenes(data, 4)
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
        elif isinstance(part, nn.BatchNorm2d):
            part.momentum = 0.3
    optimizer = torch.optim.Adam(parameter_groups(module.colorizer, 0.0), lr=3e-3)
    steps, left = LEARNT[system]
    for _ in range(steps):
        _, losses = module.run_batch(batch)
        optimizer.zero_grad()
        losses.total.backward()
        optimizer.step()
    inside = torch.stack([found.masks.any(dim=0) for found in batch.instances if found is not None])[:, None]
    ab = module.colorizer.colorize(batch.lightness, batch.captions).ab
    error = ((ab - batch.target_ab).abs() * inside).sum() / (batch.target_ab.abs() * inside).sum()
    assert error < left, float(error)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_step_moves_every_parameter(system: str, tmp_path: Path) -> None:
    module, data = built(system, tmp_path)
    batch = scenes(data, 4)
    before = {name: p.detach().clone() for name, p in module.colorizer.named_parameters() if p.requires_grad}
    optimizer = torch.optim.AdamW(parameter_groups(module.colorizer, 0.01), lr=1e-3)
    for _ in range(2):  # what follows a map that starts at zero gets its gradient in the second step
        _, losses = module.run_batch(batch)
        losses.total.backward()
        optimizer.step()
        optimizer.zero_grad()
    assert torch.isfinite(losses.total)
    still = [name for name, p in module.colorizer.named_parameters() if name in before and torch.equal(p, before[name])]
    assert still == []


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_run_trains_reports_and_is_loaded_again(system: str, run_folder: Path) -> None:
    """From the config to a picture of a photo, through the same code as L-CoIns."""
    cfg = small(system, "recipe.epochs=1", "data.train.length=16", "data.batch_size=8", "evaluation.recolor=true")
    figures = train_run(cfg, run_folder)
    assert {"clear/psnr", "counter/color_word_accuracy", "recolor/recolored_word_accuracy"} <= figures.keys()
    colorizer, config = load_checkpoint(run_folder / "checkpoints" / "best.ckpt")
    if "vocabulary" in config["model"]["text_encoder"]:
        assert "purple" in config["model"]["text_encoder"]["vocabulary"]
    photo = Image.effect_noise((50, 40), 60).convert("RGB")
    picture = colorize_photo(colorizer, photo, "a purple star")
    assert picture.size == photo.size


def test_a_fast_run_keeps_no_counts_of_colors(run_folder: Path) -> None:
    """A later run in this folder, on other photos, would take them for its own."""
    cfg = small("xie2018", "data.train.length=16", "data.batch_size=8", "trainer.fast_dev_run=true")
    train_run(cfg, run_folder)
    assert not run_folder.exists()


def weights(folder: Path) -> dict[str, torch.Tensor]:
    content = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    return {name: value for name, value in content["state_dict"].items() if value.is_floating_point()}


@pytest.mark.parametrize("system", ["lbie", "xie2018"])
def test_an_interrupted_run_ends_as_one_that_never_was(
    system: str, run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = ("recipe.epochs=2", "data.train.length=32")
    train_run(small(system, *short), run_folder / "whole")
    kind = AdversarialTraining if system == "lbie" else ColorizationTraining
    step = kind.training_step

    def stop(self: Any, batch: Batch, batch_idx: int) -> Any:
        if self.trainer.current_epoch == 1:
            raise RuntimeError("stopped")
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(kind, "training_step", stop)
        with pytest.raises(RuntimeError, match="stopped"):
            train_run(small(system, *short), run_folder / "cut")
    train_run(small(system, *short), run_folder / "cut")
    whole, cut = weights(run_folder / "whole"), weights(run_folder / "cut")
    assert whole.keys() == cut.keys()
    assert [name for name in whole if not torch.equal(whole[name], cut[name])] == []


def test_discriminator_and_generator_step_in_turn(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The discriminator steps first; each step moves only the parameters of its part."""
    moved: list[str] = []
    step = AdversarialTraining._step

    def watch(self: AdversarialTraining, optimizer: Any, loss: torch.Tensor) -> None:
        parts = {"discriminator": self.objective.discriminator, "generator": self.colorizer}
        before = {name: [p.detach().clone() for p in part.parameters()] for name, part in parts.items()}
        step(self, optimizer, loss)
        changed = [
            name
            for name, part in parts.items()
            if any(not torch.equal(old, new) for old, new in zip(before[name], part.parameters(), strict=True))
        ]
        moved.append("+".join(changed))

    monkeypatch.setattr(AdversarialTraining, "_step", watch)
    train_run(small("lbie", "recipe.epochs=1", "data.train.length=32"), run_folder)
    assert moved == ["discriminator", "generator"] * 2


def test_both_optimizers_of_the_adversarial_training_follow_the_recipe(run_folder: Path) -> None:
    cfg = small("lbie", "recipe.epochs=2", "data.train.length=32", "+recipe.lr_milestones=[1]")
    train_run(cfg, run_folder)
    content = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    rates = [state["param_groups"][0]["lr"] for state in content["optimizer_states"]]
    assert rates == pytest.approx([0.1 * cfg.recipe.optimizer.lr] * 2)


@pytest.mark.parametrize("system", ["lcode", "ml2018"])
def test_a_frozen_trunk_keeps_its_batch_statistics(system: str, run_folder: Path) -> None:
    cfg = small(system, "recipe.epochs=1", "data.train.length=16", "data.batch_size=8")
    cfg.model.trunk.freeze = True
    module, data = build_training(plain_config(cfg), run_folder)
    before = {name: value.clone() for name, value in module.colorizer.trunk.state_dict().items()}
    trainer = build_trainer(plain_config(cfg), run_folder, data, module)
    fit_or_resume(trainer, module, data, None)
    after = module.colorizer.trunk.state_dict()
    assert [name for name in before if not torch.equal(before[name], after[name])] == []


@pytest.mark.parametrize("ablation", ["no_ge", "no_ga", "no_cl"])
def test_ablations_of_l_coins_are_refused_to_other_systems(ablation: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"LCoDe has no .*choose ablation=full, or another model"):
        built("lcode", tmp_path, f"ablation={ablation}")


@pytest.mark.parametrize(
    ("system", "missing"),
    [
        ("lbie", "text_encoder"),
        ("ml2018", "trunk"),
        ("xie2018", "trunk"),
        ("lcode", "trunk"),
        ("lcoder", "image_encoder"),
    ],
)
def test_the_papers_sizes_ask_for_their_weights(
    system: str, missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # a cache without any
    config = plain_config(composed("train", f"system={system}", "name=test"))["model"]
    with pytest.raises(MissingWeightsError, match=rf"model\.{missing}\.init=FILE.*none"):
        build_colorizer(config)


def test_the_training_set_gives_vocabulary_and_class_counts(tmp_path: Path) -> None:
    module, data = built("xie2018", tmp_path)
    assert len(module.colorizer.text_encoder.tokenize.ids) == len(set(Scenes.texts))
    weights = module.objective.weights
    assert weights["ab"].shape == (313,)
    gray = module.colorizer.grid.nearest(torch.zeros(1, 2, 1, 1)).item()
    assert 0 < weights["ab"][gray] < weights["ab"].max()  # most of a scene is gray, so gray counts least
    written = (tmp_path / "prior.json").stat().st_mtime_ns
    built("xie2018", tmp_path)
    assert (tmp_path / "prior.json").stat().st_mtime_ns == written  # a resumed run does not count again
    other, _ = built("xie2018", tmp_path / "other", f"objective.prior={tmp_path / 'prior.json'}")
    assert torch.equal(other.objective.weights["ab"], weights["ab"])
    assert data.train_set is not None


@pytest.mark.parametrize("option", ["trainer.gradient_clip_val=1.0", "trainer.accumulate_grad_batches=2"])
def test_what_the_two_optimizers_of_lbie_cannot_do_is_refused(option: str, run_folder: Path) -> None:
    with pytest.raises(ValueError, match=r"LBIE steps its two optimizers itself"):
        train_run(small("lbie", option), run_folder)
