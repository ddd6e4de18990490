"""Logs of a run: CSV files always, and the tracker that the config chooses: wandb, TensorBoard or MLflow."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from lightning.pytorch.loggers import CSVLogger, Logger

from lcoins.evaluation.result import EvaluationReport
from lcoins.training.mlflow_tracker import mlflow_tracker
from lcoins.training.ranks import is_first
from lcoins.training.tensorboard_tracker import tensorboard_tracker
from lcoins.training.wandb_tracker import wandb_tracker

# The package that each tracker needs, which has the name of its extra, and what makes its logger.
TRACKERS: dict[str, tuple[str, Callable[[Mapping[str, Any], Path, int], Logger | None]]] = {
    "offline": ("wandb", wandb_tracker),
    "online": ("wandb", wandb_tracker),
    "tensorboard": ("tensorboard", tensorboard_tracker),
    "mlflow": ("mlflow", mlflow_tracker),
}
# wandb's environment variable -> subfolder: its cache, and what `wandb sync` needs later of an offline run's tables.
WANDB_FOLDERS = {"WANDB_CACHE_DIR": "cache", "WANDB_DATA_DIR": "data"}


@runtime_checkable
class Tracker(Protocol):
    """What a logger has that shows pictures and the results of a run."""

    def log_image(self, key: str, images: list[Any], step: int | None = None) -> None:
        """Shows picture files under a name, as those of one step of the training."""

    def log_results(
        self, reports: Sequence[EvaluationReport], figures: Mapping[str, float], sheets: Path, model: Path | None
    ) -> None:
        """Shows figures and the contact sheets in ``sheets``, keeps the checkpoint ``model`` if given; ends the run."""


@contextmanager
def trackers_confined(folder: Path) -> Iterator[None]:
    """Makes wandb keep its files in ``folder``, not in the user's home, and mlflow send nothing about its use.

    Both read this from environment variables alone. What the environment says already counts; on leaving, it is as it
    was.
    """
    wanted = {name: str((folder / sub).resolve()) for name, sub in WANDB_FOLDERS.items()}
    wanted["MLFLOW_DISABLE_TELEMETRY"] = "true"
    added = {name: value for name, value in wanted.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def build_loggers(config: Mapping[str, Any], folder: Path) -> list[Logger]:
    """CSV (one file per start of the run) and, unless it is off, the tracker of the plain config of a run.

    Of several processes the first alone has a tracker. Raises ValueError for a tracker that is unknown or not
    installed.
    """
    starts = len(list((folder / "csv").glob("version_*")))
    loggers: list[Logger] = [CSVLogger(folder, name="csv", version=starts)]
    mode = config["tracker"]["mode"]
    if mode == "off":
        return loggers
    if mode not in TRACKERS:
        raise ValueError(f"tracker.mode={mode} is none of off, {', '.join(TRACKERS)}; take tracker=MODE")
    package, make = TRACKERS[mode]
    if find_spec(package) is None:
        extra = "train" if package == "wandb" else package
        raise ValueError(
            f"tracker={mode} needs {package}, which is not installed; run: pip install 'lcoins[{extra}]', or take "
            f"tracker=off"
        )
    tracker = make(config, folder, starts) if is_first() else None
    return [*loggers, tracker] if tracker is not None else loggers


def log_test_results(
    loggers: Sequence[Logger],
    reports: Sequence[EvaluationReport],
    figures: Mapping[str, float],
    sheets: Path,
    model: Path | None,
) -> None:
    """Hands the results of a run to its tracker, if one is on, and ends the run there."""
    for logger in loggers:
        if isinstance(logger, Tracker):
            logger.log_results(reports, figures, sheets, model)
