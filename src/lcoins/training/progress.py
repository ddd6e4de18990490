"""What a training shows while it runs: its parts, a bar in a terminal, and a line an epoch where there is none."""

import time
from collections.abc import Mapping
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback, RichModelSummary, RichProgressBar
from rich import get_console
from rich.table import Table

from lcoins.progress import in_terminal, say_line, time_left

# Of the values that validation measures, what a line says.
SAID = {"val/color_word_accuracy": "words right {:.2f}", "val/psnr": "PSNR {:.1f} dB"}


class EpochBar(RichProgressBar):
    """Lightning's bar, which counts epochs from 1 and leaves out the number of the logger's version."""

    def _get_train_description(self, current_epoch: int) -> str:
        text = epoch_of(current_epoch + 1, self.trainer.max_epochs)
        return f"{text:{len(self.validation_description)}}"  # as wide as that of validation, which takes its place

    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}


class EpochLines(Callback):
    """Prints a line after each epoch, in the first process, where no bar can be drawn.

    The time left follows from the epochs since this start of the run.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self._begun, self._epochs_before = 0.0, 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begun, self._epochs_before = time.monotonic(), trainer.current_epoch

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.is_global_zero or in_terminal():
            return
        epoch, epochs = trainer.current_epoch + 1, trainer.max_epochs
        parts = validation_figures(trainer.callback_metrics, self.monitor)
        if epochs is not None and epochs > epoch:
            done, seconds = epoch - self._epochs_before, time.monotonic() - self._begun
            parts.append(time_left(done, epochs - self._epochs_before, seconds))
        say_line(": ".join([epoch_of(epoch, epochs), *([", ".join(parts)] if parts else [])]))


def epoch_of(epoch: int, epochs: int | None) -> str:
    """The number of an epoch, counted from 1, and of all; None or -1 where steps end the training."""
    return f"epoch {epoch} of {epochs}" if epochs is not None and epochs > 0 else f"epoch {epoch}"


def validation_figures(metrics: Mapping[str, Any], monitor: str) -> list[str]:
    """The monitored value first, then the others that a line says, as far as they were measured."""
    names = dict.fromkeys([monitor, *SAID])
    return [SAID.get(name, f"{name} {{:.3f}}").format(float(metrics[name])) for name in names if name in metrics]


class PartsSummary(RichModelSummary):
    """The parts of what is trained with their parameters; Lightning's table has operations as well, which it lacks."""

    @staticmethod
    def summarize(
        summary_data: list[tuple[str, list[str]]],
        total_parameters: int,
        trainable_parameters: int,
        *_: Any,
        **__: Any,
    ) -> None:
        columns = dict(summary_data)
        table = Table()
        for heading in ("part", "class"):
            table.add_column(heading)
        table.add_column("parameters", justify="right")
        for row in zip(columns["Name"], columns["Type"], columns["Params"], strict=True):
            if row[2].strip() != "0":  # means of validation have none
                table.add_row(*row)
        get_console().print(table)
        fixed = total_parameters - trainable_parameters
        rest = f", {fixed:,} others stay as they are" if fixed else ""
        get_console().print(f"{trainable_parameters:,} parameters are trained{rest}", highlight=False)
