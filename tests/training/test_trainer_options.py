"""Options of the trainer that a user may give, and debug=..., each with a run on drawn scenes."""

import csv
import json
from pathlib import Path

import pytest
import torch
from shrunk import NO_GROUPS, shrunk

from lcoins.training.run import train_run

FEW = ("data.train.length=64", "data.batch_size=8", "data.eval_batch_size=4")


def losses(folder: Path) -> list[float]:
    (file,) = folder.glob("csv/version_0/metrics.csv")
    rows = csv.DictReader(file.read_text().splitlines())
    return [float(row["train/loss"]) for row in rows if row["train/loss"]]


@pytest.mark.parametrize(
    ("overrides", "steps"),
    [
        (["debug=limit", "recipe.epochs=2"], 8),
        (["debug=profile", "trainer.limit_train_batches=3", "recipe.epochs=1"], 3),
        (["recipe.epochs=1", "trainer.accumulate_grad_batches=4", "trainer.gradient_clip_val=0.5"], 2),
        (["recipe.epochs=1", "recipe.global_batch=32", "trainer.gradient_clip_val=0.5"], 2),
        (["trainer.max_steps=3"], 3),  # of eight in an epoch
        (["trainer.max_steps=2", "trainer.accumulate_grad_batches=3"], 2),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
def test_an_option_makes_so_many_steps_and_a_whole_run(run_folder: Path, overrides: list[str], steps: int) -> None:
    cfg = shrunk(*FEW, *overrides, **NO_GROUPS)
    assert cfg.recipe.optimizer.fused
    train_run(cfg, run_folder)
    content = torch.load(run_folder / "checkpoints" / "last.ckpt", weights_only=True)
    assert content["global_step"] == steps
    rows = list(csv.DictReader((run_folder / "test" / "clear_pairs.csv").read_text().splitlines()))
    assert len(rows) == (4 if "debug" in overrides[0] else 8)
    assert json.loads((run_folder / "metrics.json").read_text())


def test_one_batch_is_learned_by_heart(run_folder: Path) -> None:
    """The same photos in every step, so that the loss falls from step to step, as new scenes would not let it."""
    train_run(shrunk(*FEW, "debug=overfit", "trainer.overfit_batches=1", "recipe.epochs=12"), run_folder)
    noted = losses(run_folder)
    assert len(noted) == 12
    assert noted[-1] < 0.9 * noted[0]


def test_fast_dev_run_keeps_nothing(run_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train_run(shrunk(*FEW, "trainer.fast_dev_run=true"), run_folder)
    assert "nothing is kept" in capsys.readouterr().out
    assert not run_folder.exists() or not list(run_folder.iterdir())
