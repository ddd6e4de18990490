"""Weights & Biases: a run's curves, figures, contact sheets and tables of examples, online or waiting in its folder."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lightning.pytorch.loggers import WandbLogger

from lcoins.code_version import code_version
from lcoins.evaluation.contact_sheet import SheetRow
from lcoins.evaluation.result import EvaluationReport, sheet_file

if TYPE_CHECKING:  # importing wandb makes temporary folders, so it waits for a tracker that is on
    import wandb


class WandbTracker(WandbLogger):
    """Lightning's logger, which also takes the results of a run and ends it there."""

    def log_results(
        self, reports: Sequence[EvaluationReport], figures: Mapping[str, float], sheets: Path, model: Path | None
    ) -> None:
        """Figures into the summary, per test set a contact sheet and a table; ``model`` becomes an artifact."""
        import wandb

        self.experiment.summary.update(figures)
        for report in reports:
            picture, table = wandb.Image(str(sheet_file(sheets, report.title))), examples_table(report)
            self.experiment.log({f"test/{report.title}_sheet": picture, f"test/{report.title}": table})
        if model is not None:
            self.experiment.log_artifact(str(model), f"model-{self.experiment.id}", "model", aliases=["best"])
        self.experiment.finish()


def wandb_tracker(config: Mapping[str, Any], folder: Path, starts: int) -> WandbTracker | None:
    """The tracker of a run, whose id and group follow its folder; None where ``WANDB_MODE=disabled``.

    The same folder gives the same id, so that a resumed run continues its own curves. Runs that differ only in the seed
    form one group, which wandb can average. Offline, each of its ``starts`` after the first has an id of its own,
    because `wandb sync` would replace what an earlier folder of the same id holds.
    """
    tracker, name = config["tracker"], config["name"]
    if os.environ.get("WANDB_MODE") == "disabled":
        print(f"tracker={tracker['mode']} is off, for the environment has WANDB_MODE=disabled; CSV files are written")
        return None
    offline = tracker["mode"] == "offline"
    start = f"-{starts + 1}" if offline and starts else ""
    return WandbTracker(
        project=tracker["project"],
        entity=tracker["entity"],
        save_dir=folder,
        id=f"{identity(folder)}{start}",
        resume="allow",
        name=f"{name}/{folder.parent.name}/{folder.name}{start and f' start {starts + 1}'}",
        group=f"{name}/{folder.parent.name}",
        job_type="train",
        tags=list(dict.fromkeys([*tracker["tags"], name])),
        offline=offline,
        config={**config, "variant": folder.parent.name, "code": code_version()},
        allow_val_change=True,  # a resumed run may run elsewhere, and with changed code
    )


def identity(folder: Path) -> str:
    """What a run is known by wherever its folder is not: 16 hexadecimal digits of the folder's path."""
    return hashlib.blake2b(str(folder.resolve()).encode(), digest_size=8).hexdigest()


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
