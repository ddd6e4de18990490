"""Pictures during training: gray, prediction, truth and groups of the same few validation pairs, every epoch."""

from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer

from lcoins.color.lab import from_network_ab, split_lab, to_network_lightness
from lcoins.data.types import Sample, collate
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet, group_overlay, pictures
from lcoins.training.tracking import Tracker


class PictureLog(Callback):
    """Draws a contact sheet of ``samples`` after each validation epoch, into ``folder`` and to the run's tracker."""

    def __init__(self, folder: Path, samples: list[Sample]):
        self.folder, self.samples = folder, samples

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        tried_only = trainer.sanity_checking or trainer.fast_dev_run  # type: ignore[attr-defined]
        if tried_only or not self.samples or not trainer.is_global_zero:
            return
        path = self.folder / f"epoch_{trainer.current_epoch:04d}.png"
        contact_sheet(self.rows(pl_module), path)
        for logger in trainer.loggers:
            if isinstance(logger, Tracker):
                logger.log_image("val/pictures", [str(path)], step=trainer.global_step)

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
