"""Pictures during training: what the first step trains on, and after every epoch the same few validation pairs."""

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from lcoins.color.lab import from_network_ab, from_network_lightness, split_lab, to_network_lightness
from lcoins.data.types import Batch, Sample, collate
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet, group_overlay, pictures
from lcoins.training.tracking import Tracker


class PictureLog(Callback):
    """Draws contact sheets into ``folder``, and to the run's tracker.

    ``training.png`` shows the first ``trained`` samples of a new run as they reach the network: augmented lightness and
    the colors to learn, repainted things included. ``epoch_0000.png`` and so on show ``samples`` after each validation.
    """

    def __init__(self, folder: Path, samples: list[Sample], trained: int):
        self.folder, self.samples, self.trained = folder, samples, trained

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        if trainer.global_step == 0 and batch_idx == 0 and self.trained and _draws(trainer):
            self._write(trained_rows(batch, self.trained), "training.png", "train/pictures", trainer)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.samples and _draws(trainer):
            self._write(self.rows(pl_module), f"epoch_{trainer.current_epoch:04d}.png", "val/pictures", trainer)

    def _write(self, rows: list[SheetRow], name: str, key: str, trainer: Trainer) -> None:
        contact_sheet(rows, self.folder / name)
        for logger in trainer.loggers:
            if isinstance(logger, Tracker):
                logger.log_image(key, [str(self.folder / name)], step=trainer.global_step)

    def rows(self, pl_module: LightningModule) -> list[SheetRow]:
        """One row per sample: gray, prediction, truth and, if the model has groups, their map."""
        batch = collate(self.samples)
        lightness, truth = split_lab(batch.float_rgb(pl_module.device))
        colorizer: Any = pl_module.colorizer
        output = colorizer.colorize(to_network_lightness(lightness), batch.captions)
        gray, predicted, true = (
            pictures(lightness, ab) for ab in (torch.zeros_like(truth), from_network_ab(output.ab.float()), truth)
        )
        rows = []
        for index, caption in enumerate(batch.captions):
            panels = {"gray": gray[index], "prediction": predicted[index], "truth": true[index]}
            if output.assignment is not None:
                panels["groups"] = group_overlay(output.assignment[index].cpu(), gray[index])
            rows.append(SheetRow(caption, panels))
        return rows


def trained_rows(batch: Batch, most: int) -> list[SheetRow]:
    """One row for each of the first samples of a training batch: the lightness that is seen and the colors to learn."""
    assert batch.lightness is not None and batch.original_lightness is not None, "the data module fills them"
    lightness, original = (from_network_lightness(part[:most]) for part in (batch.lightness, batch.original_lightness))
    ab = from_network_ab(batch.target_ab[:most])
    seen, true = pictures(lightness, torch.zeros_like(ab)), pictures(original, ab)
    panels = [{"input": one, "to learn": other} for one, other in zip(seen, true, strict=True)]
    return [SheetRow(caption, panel) for caption, panel in zip(batch.captions[:most], panels, strict=True)]


def _draws(trainer: Trainer) -> bool:
    """Whether this process draws now: one does, and nothing is drawn where the run is only tried."""
    tried_only = trainer.sanity_checking or trainer.fast_dev_run  # type: ignore[attr-defined]
    return bool(trainer.is_global_zero and not tried_only)
