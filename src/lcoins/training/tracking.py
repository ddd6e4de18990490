"""Logs of a run: CSV files always, and Weights & Biases, online or offline, if the tracker is on."""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger

from lcoins.code_version import code_version
from lcoins.evaluation.contact_sheet import SheetRow
from lcoins.evaluation.result import EvaluationReport
from lcoins.training.ranks import is_first

if TYPE_CHECKING:  # importing wandb makes temporary folders, so it waits for a tracker that is on
    import wandb

MODES = ("off", "offline", "online")
# wandb's environment variable -> subfolder: its cache, and what `wandb sync` needs later of an offline run's tables.
WANDB_FOLDERS = {"WANDB_CACHE_DIR": "cache", "WANDB_DATA_DIR": "data"}


@contextmanager
def wandb_files_in(folder: Path) -> Iterator[None]:
    """Makes wandb keep these files in ``folder`` instead of the user's home, unless the environment says where.

    wandb reads the two folders from environment variables alone; on leaving, the environment is as it was.
    """
    added = {name: str((folder / sub).resolve()) for name, sub in WANDB_FOLDERS.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


def build_loggers(config: Mapping[str, Any], folder: Path) -> list[Logger]:
    """CSV (one file per start of the run) and, unless the tracker is off, wandb; its id and group follow the folder.

    The same folder gives the same id, so that a resumed run continues its own curves. Runs that differ only in the seed
    form one group, which wandb can average. Offline, each start after the first has an id of its own, because
    `wandb sync` would replace what an earlier folder of the same id holds. ``WANDB_MODE=disabled`` turns wandb off.
    Of several processes the first alone logs to wandb.
    ``config`` is the plain config of the run.
    """
    starts = len(list((folder / "csv").glob("version_*")))
    loggers: list[Logger] = [CSVLogger(folder, name="csv", version=starts)]
    tracker, name = config["tracker"], config["name"]
    if tracker["mode"] not in MODES:
        raise ValueError(f"tracker.mode={tracker['mode']} is none of {', '.join(MODES)}; take tracker=MODE")
    if tracker["mode"] == "off" or not is_first() or os.environ.get("WANDB_MODE") == "disabled":
        return loggers
    offline = tracker["mode"] == "offline"
    identity = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    start = f"-{starts + 1}" if offline and starts else ""
    loggers.append(
        WandbLogger(
            project=tracker["project"],
            entity=tracker["entity"],
            save_dir=folder,
            id=f"{identity}{start}",
            resume="allow",
            name=f"{name}/{folder.parent.name}/{folder.name}{start and f' start {starts + 1}'}",
            group=f"{name}/{folder.parent.name}",
            job_type="train",
            tags=list(dict.fromkeys([*tracker["tags"], name])),
            offline=offline,
            config={**config, "variant": folder.parent.name, "code": code_version()},
            allow_val_change=True,  # a resumed run may run elsewhere, and with changed code
        )
    )
    return loggers


def log_test_results(
    loggers: Sequence[Logger], reports: Sequence[EvaluationReport], figures: Mapping[str, float], folder: Path
) -> None:
    """Logs figures, contact sheets and one table of examples per test set to wandb, if it is on, and ends its run."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            import wandb

            logger.experiment.summary.update(figures)
            for report in reports:
                sheet = folder / f"{report.title}_sheet.png"
                picture, table = wandb.Image(str(sheet)), examples_table(report)
                logger.experiment.log({f"test/{sheet.stem}": picture, f"test/{report.title}": table})
            logger.experiment.finish()


def examples_table(report: EvaluationReport) -> "wandb.Table":
    """The pairs of the contact sheet: caption, pictures with the groups over the prediction, and their figures."""
    import wandb

    names = dict.fromkeys(name for row, _ in report.examples for name in row if name != "photo")
    titles = list(dict.fromkeys(title for _, sheet in report.examples for title in sheet.panels if title != "groups"))
    columns: list[str | int] = [
        "name",
        "caption",
        *titles,
        *(name for name in names if name not in ("name", "caption")),
    ]
    table = wandb.Table(columns=columns)
    for row, sheet in report.examples:
        pictures = {title: _picture(sheet, title) for title in titles}
        content: dict[Any, Any] = {**row, **pictures}
        table.add_data(*(content.get(column) for column in columns))
    return table


def _picture(sheet: SheetRow, title: str) -> "wandb.Image | None":
    import wandb

    if title not in sheet.panels:
        return None
    masks = None
    if title == "prediction" and sheet.groups is not None:
        labels = {group: f"group {group}" for group in range(int(sheet.groups.max()) + 1)}
        masks = {"groups": {"mask_data": sheet.groups.astype("uint8"), "class_labels": labels}}
    return wandb.Image(sheet.panels[title], masks=masks)
