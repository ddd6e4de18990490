"""The training step: what is decayed, how fast, when it stops; and that it learns."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from shrunk import MODEL, NO_COUNTER_COLOR, shrunk, transformer
from torch import nn

from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, collate
from lcoins.models import build as colorizers
from lcoins.models.colorizer import CounterColorization
from lcoins.training import build as assembly
from lcoins.training import run as runs
from lcoins.training.module import ColorizationTraining, NonFiniteLoss, parameter_groups, warmup_cosine


@given(warmup=st.integers(0, 50), after=st.integers(1, 200), floor=st.floats(0, 1))
def test_the_rate_rises_from_nothing_to_one_and_falls_to_its_floor(warmup: int, after: int, floor: float) -> None:
    total = warmup + after
    factors = [warmup_cosine(step, warmup, total, floor) for step in range(total + 2)]
    assert factors[warmup] == pytest.approx(1)
    assert factors[0] == (0 if warmup else pytest.approx(1))
    assert factors[total] == factors[total + 1] == pytest.approx(floor)
    assert factors[: warmup + 1] == sorted(factors[: warmup + 1])
    assert factors[warmup:] == sorted(factors[warmup:], reverse=True)


@pytest.fixture(scope="module")
def model() -> nn.Module:
    return colorizers.build_colorizer(MODEL)


def test_every_trained_parameter_is_in_one_group(model: nn.Module) -> None:
    decayed, still = parameter_groups(model, 0.05)
    places = [id(p) for p in (*decayed["params"], *still["params"])]
    assert len(set(places)) == len(places)
    assert set(places) == {id(p) for p in model.parameters()}
    assert (decayed["weight_decay"], still["weight_decay"]) == (0.05, 0.0)


def test_only_matrices_that_multiply_are_decayed(model: nn.Module) -> None:
    places = {id(p) for p in parameter_groups(model, 0.05)[0]["params"]}
    multiplied = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.MultiheadAttention)
    }
    assert places == multiplied
    names = {name: id(p) in places for name, p in model.named_parameters()}
    for part in ("group_tokens", "type_embedding", "pos_embed", "word_embeddings", "position_embeddings"):
        assert {decayed for name, decayed in names.items() if part in name} == {False}, part


def test_frozen_parameters_are_left_out(model: nn.Module) -> None:
    frozen = nn.ModuleDict({"kept": nn.Linear(2, 2), "frozen": nn.Linear(2, 2).requires_grad_(False)})
    groups = parameter_groups(frozen, 0.1)
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in frozen["kept"].parameters()]


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
        runs.train(shrunk(), run_folder)
    assert all(name in str(stopped.value) for name in spoiled)
    last = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert last["global_step"] == 4
    assert all(value.isfinite().all() for value in last["state_dict"].values())


def test_a_few_scenes_are_learnt_by_heart(tmp_path: Path) -> None:
    """Eight scenes, no augmentation: in 120 steps the loss falls below half of what gray costs (it reaches a third)."""
    cfg = shrunk("ablation=no_la", **transformer(drop_path=0.0))
    module, data = assembly.build(runs.plain(cfg), tmp_path)
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
    module, data = assembly.build(runs.plain(shrunk("ablation=no_cl", **NO_COUNTER_COLOR)), tmp_path)
    batch = data.on_after_batch_transfer(collate([Scenes("train", 8, 32)[i] for i in range(2)]))
    output, losses = module.run_batch(batch)
    assert not isinstance(output, CounterColorization)
    assert set(losses.terms) == {"chromatic"}
