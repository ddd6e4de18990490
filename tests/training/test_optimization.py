"""What is decayed, how fast each part learns, and how the learning rate runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shrunk import MODEL
from torch import nn

from lcoins.models.build import build_colorizer
from lcoins.training.optimization import parameter_groups, warmup_cosine, warmup_milestones


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
    return build_colorizer(MODEL)


def test_every_trained_parameter_is_in_one_group(model: nn.Module) -> None:
    decayed, not_decayed = parameter_groups(model, 0.05)
    identities = [id(p) for p in (*decayed["params"], *not_decayed["params"])]
    assert len(set(identities)) == len(identities)
    assert set(identities) == {id(p) for p in model.parameters()}
    assert (decayed["weight_decay"], not_decayed["weight_decay"]) == (0.05, 0.0)


def test_only_matrices_that_multiply_are_decayed(model: nn.Module) -> None:
    identities = {id(p) for p in parameter_groups(model, 0.05)[0]["params"]}
    multiplied = {
        id(module.weight)
        for module in model.modules()
        if isinstance(module, nn.Linear | nn.Conv2d | nn.ConvTranspose2d | nn.MultiheadAttention)
    }
    assert identities == multiplied
    names = {name: id(p) in identities for name, p in model.named_parameters()}
    for part in ("group_tokens", "type_embedding", "pos_embed", "word_embeddings", "position_embeddings"):
        assert {decayed for name, decayed in names.items() if part in name} == {False}, part


def test_frozen_parameters_are_left_out(model: nn.Module) -> None:
    frozen = nn.ModuleDict({"kept": nn.Linear(2, 2), "frozen": nn.Linear(2, 2).requires_grad_(False)})
    groups = parameter_groups(frozen, 0.1)
    assert [id(p) for group in groups for p in group["params"]] == [id(p) for p in frozen["kept"].parameters()]


def test_the_rate_drops_to_a_tenth_after_the_epochs_given() -> None:
    factors = [warmup_milestones(step, 2, 4.0, [1, 2]) for step in range(10)]
    assert factors == pytest.approx([0, 0.5, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01])


def test_parts_have_rates_of_their_own() -> None:
    net = nn.ModuleDict({"trunk": nn.Linear(2, 2), "head": nn.Linear(2, 2)})
    groups = parameter_groups(net, 0.1, {"trunk": 0.01})
    factors = {id(p): group.get("lr_factor", 1.0) for group in groups for p in group["params"]}
    assert factors == {id(p): (0.01 if part == "trunk" else 1.0) for part in net for p in net[part].parameters()}
