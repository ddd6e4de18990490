"""Builds a dashboard that compares the runs of a Weights & Biases project."""

from collections.abc import Mapping, Sequence
from typing import Any

import wandb
import wandb_workspaces.reports.v2 as panels
import wandb_workspaces.workspaces as workspaces
from wandb_workspaces.expr import Config

VARIANT = "variant"  # config key written by build_loggers, shared by runs that differ only in their seed
WORDS = "color_word_accuracy"
INSTANCES = {
    "recolored_word_accuracy": "recolored words right",
    "named_delta_e": "ΔE00 to the named color",
    "response": "response to new words",
    "spill_instances": "spill on other instances",
    "bleeding": "bleeding",
    "background_error": "background error",
    "groups_ari": "groups: adjusted Rand index",
    "groups_purity": "groups: purity",
}
QUALITY = {"psnr": "PSNR, dB", "ssim": "SSIM", "lpips_alex": "LPIPS alex", "colorfulness": "colorfulness"}
CURVES = {"val/psnr": "PSNR, dB", f"val/{WORDS}": "words right", "train/loss": "loss", "lr-AdamW/pg1": "learning rate"}


def save_dashboard(entity: str | None, project: str, sets: Sequence[str], name: str) -> str:
    """Saves :func:`dashboard` on the server and returns its address; ``entity`` is by default that of the account."""
    try:
        owner = entity or wandb.Api().default_entity
        if owner is None:
            raise ValueError("your account has no default entity; give a user or a team with --entity")
        return dashboard(owner, project, sets, name).save().url
    except wandb.Error as error:  # such as no login, no network, no such project
        raise OSError(f"Weights & Biases did not save the dashboard: {error}") from error


def dashboard(entity: str, project: str, sets: Sequence[str], name: str) -> workspaces.Workspace:
    """A workspace with five sections for the runs of a project, grouped by variant; ``save()`` sends it to the server.

    ``sets`` are the titles of the test sets. Bars show means over seeds with their standard error.
    """
    sections = [
        _bars("Words right", {f"{title}/{WORDS}": title for title in sets}),
        _bars("Instances", _for_each_set(sets, INSTANCES)),
        _bars("Picture quality", _for_each_set(sets, QUALITY)),
        workspaces.Section(
            name="Training",
            panels=[
                panels.LinePlot(
                    title=text,
                    x="epoch",
                    y=[key],
                    groupby=panels.Config(VARIANT),
                    groupby_aggfunc="mean",
                    groupby_rangefunc="minmax",
                )
                for key, text in CURVES.items()
            ],
        ),
        workspaces.Section(
            name="Pairs",
            panels=[
                *(panels.WeavePanelSummaryTable(table_name=f"test/{title}") for title in sets),
                panels.MediaBrowser(title="validation, by epoch", media_keys=["val/pictures"]),
                panels.MediaBrowser(title="test", media_keys=[f"test/{title}_sheet" for title in sets]),
            ],
        ),
    ]
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name=name,
        sections=sections,
        runset_settings=workspaces.RunsetSettings(groupby=[Config(VARIANT)]),
    )


def _for_each_set(sets: Sequence[str], titles: Mapping[str, str]) -> dict[str, str]:
    return {f"{title}/{key}": f"{title}: {text}" for title in sets for key, text in titles.items()}


def _bars(name: str, metrics: Mapping[str, str]) -> workspaces.Section:
    group: Any = {"groupby": panels.Config(VARIANT), "groupby_aggfunc": "mean", "groupby_rangefunc": "stderr"}
    plots: list[Any] = [panels.BarPlot(title=text, metrics=[key], **group) for key, text in metrics.items()]
    return workspaces.Section(name=name, panels=plots, is_open=name == "Words right")
