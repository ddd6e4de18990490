"""What a training shows: a line an epoch without a terminal, epochs counted from 1, parts with their parameters."""

from types import SimpleNamespace
from typing import Any

import pytest

from lcoins.training import progress
from lcoins.training.progress import EpochBar, EpochLines, PartsSummary, epoch_of, validation_figures


def trainer_at(epoch: int, first: bool = True) -> Any:
    figures = {"val/psnr": 28.12, "val/color_word_accuracy": 0.7219, "train/loss": 1.0}
    return SimpleNamespace(current_epoch=epoch, max_epochs=18, callback_metrics=figures, is_global_zero=first)


def test_a_line_an_epoch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A run that goes on with its fifth epoch estimates by the epochs since then."""
    now = iter([0.0, 60.0, 120.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    lines = EpochLines("val/color_word_accuracy")
    lines.on_train_start(trainer_at(4), None)  # type: ignore[arg-type]
    for epoch in (4, 5, 17):
        lines.on_train_epoch_end(trainer_at(epoch), None)  # type: ignore[arg-type]
        lines.on_train_epoch_end(trainer_at(epoch, first=False), None)  # type: ignore[arg-type]
    assert capsys.readouterr().out.splitlines() == [
        "epoch 5 of 18: words right 0.72, PSNR 28.1 dB, about 13 min left",
        "epoch 6 of 18: words right 0.72, PSNR 28.1 dB, about 12 min left",
        "epoch 18 of 18: words right 0.72, PSNR 28.1 dB",
    ]


def test_a_terminal_has_a_bar_and_no_lines(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(progress, "in_terminal", lambda: True)
    EpochLines("val/psnr").on_train_epoch_end(trainer_at(3), None)  # type: ignore[arg-type]
    assert capsys.readouterr().out == ""


def test_the_monitored_value_comes_first_and_epochs_count_from_1() -> None:
    assert validation_figures({"val/psnr": 20, "val/colorfulness": 3}, "val/colorfulness") == [
        "val/colorfulness 3.000",
        "PSNR 20.0 dB",
    ]
    assert epoch_of(3, -1) == "epoch 3"
    bar = EpochBar()
    bar._trainer = trainer_at(5)
    assert bar._get_train_description(5).strip() == "epoch 6 of 18"


def test_the_summary_names_parts_with_parameters_and_no_operations(capsys: pytest.CaptureFixture[str]) -> None:
    columns = [
        ("Name", ["colorizer", "val_means"]),
        ("Type", ["LCoIns", "ModuleDict"]),
        ("Params", ["3.0 M", "0    "]),  # padded, as Lightning gives them
        ("FLOPs", ["0", "0"]),
    ]
    PartsSummary.summarize(columns, 3_000_000, 2_000_000, 12.0, {}, 0)
    said = capsys.readouterr().out
    assert "colorizer" in said and "2,000,000 parameters are trained, 1,000,000 others stay" in said
    assert "FLOPs" not in said and "val_means" not in said
