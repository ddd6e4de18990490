"""The training step: when it stops, what it runs, and that it learns."""

import math
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from shrunk import NO_COUNTER_COLOR, shrunk, transformer
from torch import nn

from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, collate
from lcoins.models.colorizer import CounterColorization
from lcoins.training.build import build_training
from lcoins.training.losses import Losses
from lcoins.training.module import ColorizationTraining, NonFiniteLoss
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


@pytest.mark.parametrize(
    ("trainer", "automatic", "steps", "epochs"),
    [
        ({"max_epochs": 4}, True, 40, 4),
        ({"max_epochs": -1, "max_steps": 40}, True, 40, 4.0),
        ({"max_epochs": -1, "max_steps": 40}, False, 20, 2.0),  # LBIE's two optimizers are both counted
    ],
)
def test_a_schedule_knows_its_epochs_also_where_steps_end_the_training(
    trainer: dict[str, int], automatic: bool, steps: int, epochs: float
) -> None:
    given = {
        "max_steps": -1,
        "estimated_stepping_batches": 40,
        "accumulate_grad_batches": 1,
        "train_dataloader": [0] * 10,
    }
    fake = SimpleNamespace(trainer=SimpleNamespace(**given | trainer), automatic_optimization=automatic)
    assert ColorizationTraining._steps_and_epochs(fake) == (steps, epochs)  # type: ignore[arg-type]


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
