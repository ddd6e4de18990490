"""TensorBoard: a run's curves, figures and contact sheets, in files of the run's own folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import TensorBoardLogger
from PIL import Image

from lcoins.evaluation.result import EvaluationReport, sheet_file


class TensorBoardTracker(TensorBoardLogger):
    """Lightning's logger, which also takes pictures and the results of a run.

    Args:
        folder: where its files go; every start of a run adds one, and TensorBoard shows them as one run.
        config: the plain config of the run, which stands beside its figures.
    """

    def __init__(self, folder: Path, config: Mapping[str, Any]):
        super().__init__(folder.parent, name=folder.name, version="", default_hp_metric=False)
        self.config = config

    def log_image(self, key: str, images: list[Any], step: int | None = None) -> None:
        """Shows picture files under a name, as those of one step of the training."""
        for number, path in enumerate(images):
            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("RGB"))
            tag = key if len(images) == 1 else f"{key}/{number}"
            self.experiment.add_image(tag, pixels, step, dataformats="HWC")

    def log_results(
        self, reports: Sequence[EvaluationReport], figures: Mapping[str, float], sheets: Path, model: Path | None
    ) -> None:
        """Figures beside the config, for TensorBoard's table of runs, and contact sheets; it has no place for models.

        The last figures of a name count, so a run that is evaluated again replaces them.
        """
        self.log_hyperparams(dict(self.config), metrics=dict(figures), step=0)
        for report in reports:
            self.log_image(f"test/{report.title}_sheet", [sheet_file(sheets, report.title)], 0)
        self.experiment.close()


def tensorboard_tracker(config: Mapping[str, Any], folder: Path, starts: int) -> TensorBoardTracker:
    """The tracker of a run, with its files in ``tensorboard/`` of the run's folder, whichever start it is."""
    return TensorBoardTracker(folder / "tensorboard", config)
