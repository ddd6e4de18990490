"""What follows a run: CSV files always, and Weights & Biases as the tracker says, offline as well."""

import hashlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import wandb
from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger
from omegaconf import DictConfig

import lcoins
from lcoins.evaluation.contact_sheet import SheetRow
from lcoins.evaluation.result import Report

# Where wandb puts its logs, and what a later `wandb sync` needs of an offline run's tables: with the run, and not into
# the home folder, unless the user has said where.
PLACES = {"WANDB_CACHE_DIR": "cache", "WANDB_DATA_DIR": "data"}
CHOSEN = PLACES.keys() & os.environ.keys()


def build_loggers(cfg: DictConfig, folder: Path, config: dict[str, Any]) -> list[Logger]:
    """CSV (one file per start of the run) and, unless the tracker is off, wandb; its id and group follow the folder.

    The same folder gives the same id, so that a resumed run goes on with its own curves. Runs that differ in nothing
    but the seed are one group, which wandb can average.
    """
    part = len(list((folder / "csv").glob("version_*")))
    loggers: list[Logger] = [CSVLogger(folder, name="csv", version=part)]
    if cfg.tracker.mode == "off":
        return loggers
    for name, place in PLACES.items():
        if name not in CHOSEN:
            os.environ[name] = str((folder / "wandb" / place).resolve())
    identity = hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()
    loggers.append(
        WandbLogger(
            project=cfg.tracker.project,
            entity=cfg.tracker.entity,
            save_dir=folder,
            id=identity,
            resume="allow",
            name=f"{cfg.name}/{folder.parent.name}/{folder.name}",
            group=f"{cfg.name}/{folder.parent.name}",
            job_type="train",
            tags=list(dict.fromkeys([*cfg.tracker.tags, cfg.name])),
            offline=cfg.tracker.mode == "offline",
            config={**config, "variant": folder.parent.name, "code": code_version()},
            allow_val_change=True,  # of how and where a resumed run runs, and of the code
        )
    )
    return loggers


def code_version() -> dict[str, Any]:
    """The version of lcoins and, in a git checkout, its commit and whether files differ from it."""
    found: dict[str, Any] = {"lcoins": lcoins.__version__}
    root = Path(__file__).parents[3]
    if (root / ".git").exists():
        try:
            asked = [_git(root, "rev-parse", "HEAD"), _git(root, "status", "--porcelain", "--untracked-files=no")]
            found |= {"commit": asked[0], "changed": bool(asked[1])}
        except (OSError, subprocess.SubprocessError):  # no git here: the version has to do
            pass
    return found


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()


def log_test(loggers: Sequence[Logger], reports: Sequence[Report], figures: Mapping[str, float], folder: Path) -> None:
    """Tells wandb the figures, the contact sheets and a table of examples per test set, and ends its run."""
    for logger in loggers:
        if isinstance(logger, WandbLogger):
            logger.experiment.summary.update(figures)
            for report in reports:
                sheet = folder / f"{report.title}_sheet.png"
                content = {f"test/{sheet.stem}": wandb.Image(str(sheet)), f"test/{report.title}": examples(report)}
                logger.experiment.log(content)
            logger.experiment.finish()


def examples(report: Report) -> wandb.Table:
    """The pairs of the contact sheet: caption, pictures with the groups laid over the prediction, and their figures."""
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


def _picture(sheet: SheetRow, title: str) -> wandb.Image | None:
    if title not in sheet.panels:
        return None
    masks = None
    if title == "prediction" and sheet.groups is not None:
        names = {group: f"group {group}" for group in range(int(sheet.groups.max()) + 1)}
        masks = {"groups": {"mask_data": sheet.groups.astype("uint8"), "class_labels": names}}
    return wandb.Image(sheet.panels[title], masks=masks)
