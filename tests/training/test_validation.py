"""When a run is validated: after its last step, wherever that is, and by what an epoch has measured itself."""

import csv
from pathlib import Path

import pytest
import torch
from shrunk import NO_GROUPS, shrunk

from lcoins.training import run
from lcoins.training.run import train_run

STEPS = 4  # of an epoch: 64 scenes in batches of 16


@pytest.fixture(autouse=True)
def no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "evaluate_run", lambda *_: {})


@pytest.mark.parametrize(
    ("option", "validated"),
    [
        ("trainer.max_steps=6", [3, 5]),
        ("trainer.max_steps=8", [3, 7]),  # where an epoch ends, too
        ("trainer.max_steps=2", [1]),
        ("+trainer.check_val_every_n_epoch=2", [7, 11]),
        ("+trainer.check_val_every_n_epoch=5", [11]),
        ("+trainer.val_check_interval=3", [2, 6, 10, 11]),
    ],
)
def test_the_last_weights_are_validated_once_and_may_be_the_best(
    run_folder: Path, capsys: pytest.CaptureFixture[str], option: str, validated: list[int]
) -> None:
    train_run(shrunk(option, **NO_GROUPS), run_folder)
    rows = list(csv.DictReader((run_folder / "csv" / "version_0" / "metrics.csv").read_text().splitlines()))
    scores = {int(row["step"]): float(row["val/psnr"]) for row in rows if row["val/psnr"]}
    assert list(scores) == validated
    last, best = (
        torch.load(run_folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["global_step"]
        for name in ("last", "best")
    )
    assert last == validated[-1] + 1
    assert best == last and max(scores, key=lambda step: scores[step]) == validated[-1]  # it learns until its end
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("epoch ")]
    measured = {step // STEPS for step in validated}
    assert ["PSNR" in line for line in lines] == [epoch in measured for epoch in range(len(lines))]


@pytest.mark.parametrize("option", ["limit_val_batches", "max_steps", "max_epochs", "limit_train_batches"])
def test_a_training_that_leaves_no_best_checkpoint_is_refused(run_folder: Path, option: str) -> None:
    with pytest.raises(ValueError, match=rf"trainer\.{option}=0 leaves no .*set at least trainer\.{option}=1"):
        train_run(shrunk(f"++trainer.{option}=0", **NO_GROUPS), run_folder)
