"""The verbs that take Hydra overrides: train and eval, from a composed config to a finished run."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from lcoins import evaluation, info, runs

LONGEST_LABEL = 100


def label(overrides: str) -> str:
    """A folder name for the overrides of a run; "default" without any, shortened with a digest when too long.

    >>> label("ablation=no_la,recipe.epochs=3"), label("")
    ('ablation=no_la,recipe.epochs=3', 'default')
    """
    name = overrides.replace("/", "|") or "default"
    if len(name) > LONGEST_LABEL:
        name = f"{name[:LONGEST_LABEL]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    return name


def register_resolvers() -> None:
    """Makes ``${label:...}`` known to the configs."""
    OmegaConf.register_new_resolver("label", label, replace=True)


def evaluate(cfg: DictConfig) -> None:
    """Evaluates a checkpoint of a run on its own test sets, or on those of the data group that was named."""
    folder = Path(cfg.run)
    checkpoint = folder / "checkpoints" / f"{cfg.checkpoint}.ckpt" if cfg.checkpoint in ("best", "last") else cfg.checkpoint
    colorizer, config = runs.load_colorizer(checkpoint, cfg.device)
    merged = OmegaConf.create({"model": config["model"], "augmentation": config["augmentation"], "seed": cfg.seed,
                               "data": cfg.get("data") or config["data"]})  # fmt: skip
    merged.data.train, merged.data.val = None, None
    data = instantiate(merged.data, _convert_="all")
    directory = Path(HydraConfig.get().runtime.output_dir)
    reports = runs.evaluate_sets(colorizer, data, cfg.evaluation, directory, cfg.device)
    evaluation.print_table(reports)
    evaluation.write_json(evaluation.flat(reports), directory / "metrics.json")
    runs.console.print(f"figures, pairs and contact sheets: {directory}")


def train(cfg: DictConfig) -> None:
    """Trains the run that the config describes, in the folder that Hydra named."""
    runs.train(cfg, Path(HydraConfig.get().runtime.output_dir))


def show_info(cfg: DictConfig) -> None:
    """Prints the parts of a model, as a table or as JSON."""
    parts = info.measure(runs.plain(cfg)["model"], cfg.words, recoloured=cfg.model.counter_color)
    if cfg.json:
        print(json.dumps({part.name: {k: v for k, v in asdict(part).items() if k != "name"} for part in parts}, indent=2))
    else:
        choices = HydraConfig.get().runtime.choices
        title = f"model={choices.model} ablation={choices.ablation}, {cfg.model.image_size} px, {cfg.words} word pieces"
        runs.console.print(info.table(parts, title))


VERBS = {"train": train, "eval": evaluate, "info": show_info}
