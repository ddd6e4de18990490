"""MLflow: a run's curves, figures and contact sheets, in a database beside the runs or on a server."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger
from PIL import Image

from lcoins.code_version import code_version
from lcoins.evaluation.result import EvaluationReport, sheet_file
from lcoins.training.wandb_tracker import identity

FOLDER_TAG = "lcoins.run"  # the tag by which a resumed run is found again
DATABASE, FILES = "mlflow.db", "mlflow"  # beside the runs, where no tracking server is named


class MlflowTracker(MLFlowLogger):
    """Lightning's logger, which also takes pictures and the results of a run."""

    def log_image(self, key: str, images: list[Any], step: int | None = None) -> None:
        """Shows picture files under a name, as those of one step of the training."""
        for path in images:
            with Image.open(path) as picture:
                self.experiment.log_image(self.run_id, picture.convert("RGB"), key=key, step=step or 0)

    def log_results(
        self, reports: Sequence[EvaluationReport], figures: Mapping[str, float], sheets: Path, model: Path | None
    ) -> None:
        """Figures, and the contact sheets under ``test``; ``model`` goes under ``checkpoints``."""
        self.log_metrics(figures)
        for report in reports:
            self.experiment.log_artifact(self.run_id, str(sheet_file(sheets, report.title)), "test")
        if model is not None:
            self.experiment.log_artifact(self.run_id, str(model), "checkpoints")
        self.finalize("success")


def mlflow_tracker(config: Mapping[str, Any], folder: Path, starts: int) -> MlflowTracker:
    """The tracker of a run, which goes on with the MLflow run that the same folder has begun.

    Without ``tracker.uri`` and ``MLFLOW_TRACKING_URI`` all runs of the folder ``runs`` share one SQLite database there.
    A new run gets the config as a file and its single values as parameters, which MLflow lets nobody change later.
    """
    from mlflow.tracking import MlflowClient  # of the extra `mlflow`

    tracker, name, runs = config["tracker"], config["name"], Path(config["runs"]).resolve()
    uri = tracker["uri"] or os.environ.get("MLFLOW_TRACKING_URI")
    local = {"artifact_location": (runs / FILES).as_uri()} if uri is None else {}
    if uri is None:
        runs.mkdir(parents=True, exist_ok=True)
        uri = f"sqlite:///{runs / DATABASE}"
    place = {"experiment_name": tracker["project"], "tracking_uri": uri, **local}
    mine, client = identity(folder), MlflowClient(uri)
    experiment = client.get_experiment_by_name(tracker["project"])
    begun = client.search_runs([experiment.experiment_id], f"tags.`{FOLDER_TAG}` = '{mine}'") if experiment else []
    if begun:
        run = begun[0].info.run_id
        client.update_run(run, status="RUNNING")
        return MlflowTracker(**place, run_id=run)
    logger = MlflowTracker(
        **place,
        run_name=f"{name}/{folder.parent.name}/{folder.name}",
        tags={FOLDER_TAG: mine, "group": f"{name}/{folder.parent.name}", **dict.fromkeys(tracker["tags"], "true")},
    )
    logger.log_hyperparams({**config, "variant": folder.parent.name, "code": code_version()})
    logger.experiment.log_dict(logger.run_id, dict(config), "config.yaml")
    return logger
