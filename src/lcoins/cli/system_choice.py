"""Whether the model and the ablation that a command line chooses are of its system."""

from collections.abc import Mapping
from pathlib import Path

from omegaconf import DictConfig

from lcoins.cli.conf_files import conf_folder, read_conf


def refuse_foreign_model(cfg: DictConfig, choices: Mapping[str, str]) -> None:
    """Refuses a model of another system than the one chosen: its objective could not train it.

    An ablation takes away a part of L-CoIns; others lack it, or have one of their own in its place.
    """
    if "system" not in choices:
        return
    classes = {path.stem: _model_class(path) for path in sorted((conf_folder() / "system").glob("*.yaml"))}
    target = cfg.model._target_
    if choices.get("ablation", "full") != "full" and target != classes["lcoins"]:
        raise ValueError(
            f"ablation={choices['ablation']} takes a part of L-CoIns away, and model={choices['model']} is of another "
            f"system; choose ablation=full, or a system of L-CoIns"
        )
    if target == (classes.get(choices["system"]) or target):
        return
    fitting = " or ".join(f"system={name}" for name, trained in classes.items() if trained == target)
    raise ValueError(
        f"system={choices['system']} cannot train model={choices['model']}, which is of another system; "
        f"choose {fitting} in place of model={choices['model']}"
    )


def _model_class(system: Path) -> str | None:
    """The class of the model that a file of conf/system chooses; None where it chooses none, or cannot be read."""
    entries = read_conf(system).get("defaults", ())
    models = [entry["override /model"] for entry in entries if isinstance(entry, dict) and "override /model" in entry]
    return read_conf(conf_folder() / "model" / f"{models[0]}.yaml").get("_target_") if models else None
