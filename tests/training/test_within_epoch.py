"""A run that was stopped within an epoch goes on there with other batches: no photo twice, none left out."""

import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from shrunk import NO_GROUPS, shrunk

from lcoins.data.datamodule import ColorizationData
from lcoins.data.types import Batch
from lcoins.training import run
from lcoins.training.batches import Batches
from lcoins.training.module import ColorizationTraining
from lcoins.training.run import train_run
from lcoins.training.stopping import StoppedBySignal
from lcoins.training.within_epoch import batches_done, count_as_done

ONE_EPOCH = ("recipe.epochs=1", "recipe.global_batch=16")  # four steps


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[set[str]]:
    """The names of the photos of each step; the second step of the first start gets a signal."""
    steps: list[set[str]] = []
    train_step = ColorizationTraining.training_step

    def noted(self: ColorizationTraining, batch: Batch, batch_idx: int) -> torch.Tensor:
        if self.global_step == len(steps):
            steps.append(set())
        steps[-1] |= set(batch.names)
        if self.global_step == 1 and self._batches_done == 0:
            signal.raise_signal(signal.SIGTERM)
        return train_step(self, batch, batch_idx)

    monkeypatch.setattr(ColorizationTraining, "training_step", noted)
    return steps


@pytest.mark.parametrize(("before", "after"), [(8, 16), (16, 8)])
def test_an_epoch_goes_on_in_batches_of_another_size(
    run_folder: Path, seen: list[set[str]], capsys: pytest.CaptureFixture[str], before: int, after: int
) -> None:
    with pytest.raises(StoppedBySignal):
        train_run(shrunk(*ONE_EPOCH, f"data.batch_size={before}", **NO_GROUPS), run_folder)
    train_run(shrunk(*ONE_EPOCH, f"data.batch_size={after}", **NO_GROUPS), run_folder)
    assert "after epoch 0 and 32 photos of the next" in capsys.readouterr().out
    assert [len(step) for step in seen] == [16] * 4
    assert len(set().union(*seen)) == 64
    for name in ("last", "best"):  # the epoch ends with a validation
        content = torch.load(run_folder / "checkpoints" / f"{name}.ckpt", weights_only=True)
        assert (content["global_step"], content[ColorizationData.__qualname__]) == (4, {"epoch": 1, "samples": 0})


def stopped_after(samples: int, ready: int) -> dict[str, Any]:
    """What counts of a checkpoint that was saved in a callback, after so many samples and batches of an epoch."""
    counts = {"ready": ready, "started": ready, "processed": ready, "completed": ready - 1}
    return {
        ColorizationData.__qualname__: {"epoch": 1, "samples": samples},
        "batches": {"described": str(Batches(1, 8))},
        "loops": {"fit_loop": {"epoch_loop.batch_progress": {"current": counts}}},
    }


def test_batches_are_counted_in_those_of_now() -> None:
    checkpoint = stopped_after(48, 6)
    assert batches_done(checkpoint, Batches(devices=2, per_device=4, accumulate=3)) == 6
    assert batches_done(checkpoint, Batches(devices=2, per_device=8)) == 3
    count_as_done(checkpoint, 3)
    counts = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    assert counts == {"ready": 3, "started": 3, "processed": 3, "completed": 2}


def test_steps_that_do_not_fit_are_refused() -> None:
    expected = r"24 photos of epoch 2, .*steps of 16 \(2 devices x 8 photos\); .* 8 \(1 device x 8 photos\), as before"
    with pytest.raises(ValueError, match=expected):
        batches_done(stopped_after(24, 3), Batches(devices=2, per_device=8))


def test_an_epoch_of_which_nothing_is_left_now_is_refused(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 40 photos, 32 are four of five steps of 8, and both steps of 16."""
    forty = ("recipe.epochs=1", "data.train.length=40")
    train_step = ColorizationTraining.training_step

    def told(self: ColorizationTraining, batch: Batch, batch_idx: int) -> torch.Tensor:
        if batch_idx == 3:
            signal.raise_signal(signal.SIGTERM)
        return train_step(self, batch, batch_idx)

    monkeypatch.setattr(run, "open_run_folder", lambda *_: None)  # which refuses another batch_size by itself
    monkeypatch.setattr(ColorizationTraining, "training_step", told)
    with pytest.raises(StoppedBySignal):
        train_run(shrunk(*forty, "data.batch_size=8", **NO_GROUPS), run_folder)
    with pytest.raises(ValueError, match=r"has 2 batches now \(16 \(1 device x 16 photos\)\), .*trainer\.devices="):
        train_run(shrunk(*forty, "data.batch_size=16", **NO_GROUPS), run_folder)
