"""How a step is shared out over devices: by one key for the global batch, or by what each device takes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shrunk import composed

from lcoins.training.batches import Batches, plan_batches


def config(batch_size: int, global_batch: int | None = None, accumulate: int | None = None) -> dict[str, Any]:
    trainer = {"accumulate_grad_batches": accumulate}
    return {"data": {"batch_size": batch_size}, "recipe": {"global_batch": global_batch}, "trainer": trainer}


def test_without_a_global_batch_each_device_has_its_own() -> None:
    assert plan_batches(config(16), 4) == Batches(4, 16, 1)
    assert plan_batches(config(16, accumulate=3), 2).total == 96
    assert str(Batches(1, 16)) == "16 (1 device x 16 photos)"
    assert str(Batches(2, 8, 4)) == "64 (2 devices x 8 photos x 4 steps accumulated)"


@given(devices=st.integers(1, 8), most=st.integers(1, 100), each=st.integers(1, 64))
def test_a_global_batch_is_kept_on_any_hardware(devices: int, most: int, each: int) -> None:
    found = plan_batches(config(most, devices * each), devices)
    assert found.total == devices * each
    assert found.per_device <= most
    fewer = [parts for parts in range(1, found.accumulate) if each % parts == 0]
    assert all(each // parts > most for parts in fewer)


def test_what_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(ValueError, match="64 cannot be shared out among 3 devices"):
        plan_batches(config(16, 64), 3)
    with pytest.raises(ValueError, match=r"leave trainer\.accumulate_grad_batches out"):
        plan_batches(config(16, 64, 2), 2)


def test_the_batches_are_put_into_the_config() -> None:
    applied = Batches(2, 8, 4).applied_to(config(32))
    assert (applied["data"]["batch_size"], applied["trainer"]["accumulate_grad_batches"]) == (8, 4)


def test_the_papers_batch_is_one_key() -> None:
    cfg = composed("train", "experiment=paper")
    assert (cfg.recipe.global_batch, cfg.data.batch_size) == (64, 64)
