"""The training step: when it stops, what it runs, and that it learns."""

import csv
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from shrunk import NO_COUNTER_COLOR, NO_GROUPS, shrunk, small, transformer
from torch import nn

from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, collate
from lcoins.models.colorizer import CounterColorization
from lcoins.training import run
from lcoins.training.build import build_training
from lcoins.training.losses import Losses
from lcoins.training.module import AdversarialTraining, ColorizationTraining, NonFiniteLoss
from lcoins.training.optimization import parameter_groups
from lcoins.training.run import plain_config, train_run


def test_a_loss_that_is_no_number_stops_the_run(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = ColorizationTraining.training_step
    spoiled: list[str] = []

    def spoil(self: ColorizationTraining, batch: Batch, batch_idx: int) -> torch.Tensor:
        if self.global_step == 5:
            spoiled.extend(batch.names)
            batch.ab[3, 0, 0, 0] = math.nan
        return step(self, batch, batch_idx)

    monkeypatch.setattr(ColorizationTraining, "training_step", spoil)
    with pytest.raises(NonFiniteLoss, match="loss term chromatic is not finite at step 5") as stopped:
        train_run(shrunk(), run_folder)
    assert all(name in str(stopped.value) for name in spoiled)
    last = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 4
    assert all(value.isfinite().all() for value in last["state_dict"].values())


def test_a_judgment_that_is_no_number_spoils_no_discriminator(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It steps first, and would have the weights of no number before the generator's loss is looked at."""
    step = AdversarialTraining.training_step
    trained: list[AdversarialTraining] = []

    def spoil(self: AdversarialTraining, batch: Batch, batch_idx: int) -> None:
        trained.append(self)
        batch.ab[3, 0, 0, 0] = math.nan
        step(self, batch, batch_idx)

    monkeypatch.setattr(AdversarialTraining, "training_step", spoil)
    with pytest.raises(NonFiniteLoss, match="loss term discriminator_real is not finite at step 0"):
        train_run(small("lbie"), run_folder)
    assert all(parameter.isfinite().all() for parameter in trained[0].objective.discriminator.parameters())


def test_processes_exchange_the_same_terms_whatever_their_batches_have() -> None:
    """One may have no repainted photo in its share of the step; tensors of two lengths would end all processes."""
    exchanged, logged = [], {}

    def reduce(values: torch.Tensor, reduce_op: str) -> torch.Tensor:
        exchanged.append(len(values))
        return values

    fake = SimpleNamespace(
        trainer=SimpleNamespace(strategy=SimpleNamespace(reduce=reduce)),
        objective=SimpleNamespace(varying_terms=("painted",)),
        _stop_if_not_finite=lambda *_: None,
        log=lambda *_, **__: None,
        log_dict=lambda values, **_: logged.update(values),
    )
    one = torch.ones(())
    for terms in ({"chromatic": one, "painted": 2 * one}, {"chromatic": 3 * one}):
        logged.clear()
        ColorizationTraining._log_losses(fake, None, Losses(one, terms), [0])  # type: ignore[arg-type]
        assert logged == {f"train/{name}": value for name, value in terms.items()}
    assert exchanged[0] == exchanged[1]


@pytest.mark.parametrize("epochs", ["trainer.max_epochs=null", "recipe.epochs=18"])
@pytest.mark.parametrize(("system", "each"), [("lcoins", 1), ("lbie", 2)])  # LBIE's two optimizers are both counted
def test_a_schedule_knows_its_epochs_also_where_steps_end_the_training(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, epochs: str, system: str, each: int
) -> None:
    """Six steps are an epoch of four and a half: the rate rises during the first, and then falls until the last."""
    monkeypatch.setattr(run, "evaluate_run", lambda *_: {})
    six = [epochs, f"trainer.max_steps={6 * each}", "recipe.warmup_epochs=1", "recipe.min_lr=0"]
    train_run(shrunk(*six, **NO_GROUPS) if system == "lcoins" else small(system, *six), run_folder)
    content = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert (content["global_step"], content["batches"]["steps_per_epoch"]) == (6 * each, 4)
    rows = list(csv.DictReader((run_folder / "csv" / "version_0" / "metrics.csv").read_text().splitlines()))
    (name,) = {"lr-AdamW/pg1", "lr-Adam/pg1"} & rows[0].keys()
    rates = [float(row[name]) for row in rows if row[name]]
    assert [rate / max(rates) for rate in rates] == pytest.approx([0, 0.25, 0.5, 0.75, 1, 0.5])


@pytest.mark.parametrize("limit", ["+trainer.limit_train_batches=3", "+trainer.limit_train_batches=0.8"])
def test_an_epoch_that_would_end_within_a_step_is_refused(run_folder: Path, limit: str) -> None:
    """The gradients of its last step would be those of fewer photos, yet weigh as many."""
    with pytest.raises(ValueError, match=r"3 batches would end in the middle of a step, which takes 2; let trainer"):
        train_run(shrunk(limit, "trainer.accumulate_grad_batches=2", **NO_GROUPS), run_folder)


def test_figures_of_validation_are_means_over_photos_however_they_are_batched(tmp_path: Path) -> None:
    """A last batch of fewer photos does not count for more."""
    module, data = build_training(plain_config(shrunk("data.val.length=5", **NO_GROUPS)), tmp_path)
    assert data.val_set is not None
    photos = [data.val_set[index] for index in range(5)]
    module.eval()
    module.log = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    found = []
    for size in (1, 4):
        for mean in module.val_means.values():
            mean.reset()
        for start in range(0, 5, size):
            with torch.no_grad():
                module.validation_step(data.on_after_batch_transfer(collate(photos[start : start + size])), 0)
        found.append({name: float(mean.compute()) for name, mean in module.val_means.items()})
    assert found[0].keys() == {"chromatic", "psnr", "colorfulness", "color_word_accuracy"}
    assert found[1] == pytest.approx(found[0], rel=1e-4)


def test_each_batch_of_a_step_has_its_own_noise() -> None:
    """Accumulated, and on each process; what a step draws depends on nothing else."""

    def seed_of(batch_idx: int, step: int = 7, rank: int = 0, accumulated: int = 2) -> int:
        trainer: Any = SimpleNamespace(accumulate_grad_batches=accumulated)
        fake: Any = SimpleNamespace(trainer=trainer, seed=0, global_step=step, global_rank=rank)
        with torch.random.fork_rng():
            ColorizationTraining.on_train_batch_start(fake, None, batch_idx)  # type: ignore[arg-type]
            return torch.initial_seed()

    seeds = [seed_of(14), seed_of(15), seed_of(14, rank=1), seed_of(15, rank=1), seed_of(16, step=8)]
    assert len(set(seeds)) == len(seeds)
    assert seed_of(14) == seeds[0]
    assert seed_of(14, accumulated=1) == seed_of(3, accumulated=1)


def test_a_few_scenes_are_learnt_by_heart(tmp_path: Path) -> None:
    """Eight scenes, no augmentation: in 120 steps the loss falls below half of what gray costs (it reaches a third)."""
    cfg = shrunk("ablation=no_la", **transformer(drop_path=0.0))
    module, data = build_training(plain_config(cfg), tmp_path)
    scenes = Scenes("train", 8, 32)
    batch = data.on_after_batch_transfer(collate([scenes[i] for i in range(8)]))
    for part in module.modules():
        if isinstance(part, nn.Dropout):
            part.p = 0.0
    optimizer = torch.optim.AdamW(parameter_groups(module.colorizer, 0.0), lr=3e-3)
    losses = []
    for _ in range(120):
        _, loss = module.run_batch(batch)
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(float(loss.terms["chromatic"]))
    gray = float(module.objective.alpha * nn.functional.smooth_l1_loss(torch.zeros_like(batch.ab), batch.ab))
    assert losses[-1] < 0.5 * gray, (losses[::30], gray)


def test_the_recolored_captions_are_run_only_where_their_loss_counts(tmp_path: Path) -> None:
    module, data = build_training(plain_config(shrunk("ablation=no_cl", **NO_COUNTER_COLOR)), tmp_path)
    batch = data.on_after_batch_transfer(collate([Scenes("train", 8, 32)[i] for i in range(2)]))
    output, losses = module.run_batch(batch)
    assert not isinstance(output, CounterColorization)
    assert set(losses.terms) == {"chromatic"}


def test_a_perfect_picture_does_not_hide_the_others_in_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A black photo that stays gray is perfect; an infinite mean would be the same after every epoch."""
    module, data = build_training(plain_config(shrunk()), tmp_path)
    monkeypatch.setattr(module, "log", lambda *_, **__: None)
    samples = [Scenes("val", 8, 32)[index] for index in range(4)]
    samples[0].rgb = samples[0].rgb * 0
    batch = data.on_after_batch_transfer(collate(samples))
    found = []
    for error in (0.1, 0.02):
        assert batch.ab is not None
        ab = torch.cat([batch.ab[:1], batch.ab[1:] + error])
        monkeypatch.setattr(module.colorizer, "forward", lambda *_, ab=ab: SimpleNamespace(ab=ab))
        module.val_means["psnr"].reset()
        module.validation_step(batch, 0)
        found.append(float(module.val_means["psnr"].compute()))
    assert 30 < found[0] < found[1] < 60
