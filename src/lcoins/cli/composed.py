"""The verbs that take a composed config: train, eval, info, bench and prior, from the config to what the user sees."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from lcoins.benchmark import model_size as info
from lcoins.benchmark import step as bench
from lcoins.evaluation.result import flat, print_table, write_json
from lcoins.models.checkpoint import load_checkpoint
from lcoins.training import build as assembly
from lcoins.training import run as runs

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


def train(cfg: DictConfig, folder: Path) -> float:
    """Trains the run that the config describes in ``folder``, or resumes it, or finds it finished.

    Returns the best validation score, ``recipe.monitor``: what a sweeper that searches has to go by, never a test set.
    """
    return runs.train(cfg, folder)[cfg.recipe.monitor]


def evaluate(cfg: DictConfig, folder: Path) -> None:
    """Evaluates a checkpoint of a run, into ``folder``, on its own test sets or on those of the data group named."""
    named = {name: Path(cfg.run) / "checkpoints" / f"{name}.ckpt" for name in ("best", "last")}
    colorizer, config = load_checkpoint(named.get(cfg.checkpoint, cfg.checkpoint), cfg.device)
    merged = OmegaConf.create({k: config[k] for k in ("model", "augmentation", "data")} | {"seed": cfg.seed})
    if cfg.get("data") is not None:
        merged.data = cfg.data
    merged.data.train, merged.data.val = None, None
    data = assembly.build_data(runs.plain(merged)["data"], folder)
    reports = runs.evaluate_sets(colorizer, data, cfg.evaluation, folder, cfg.device)
    print_table(reports)
    write_json(flat(reports), folder / "metrics.json")
    runs.console.print(f"figures, pairs and contact sheets: {folder}", soft_wrap=True)


def show_info(cfg: DictConfig, folder: Path) -> None:
    """Prints the parts of a model, as a table or as JSON."""
    config = runs.plain(cfg)
    parts = info.measure(config["model"], cfg.words, recolored=bool(cfg.model.get("shared_space")))
    parts += info.measure_discriminator(config["objective"])
    if cfg.json:
        figures = {part.name: {k: v for k, v in asdict(part).items() if k != "name"} for part in parts}
        print(json.dumps(figures, indent=2))
    else:
        runs.console.print(
            info.table(parts, f"{cfg.title}, {cfg.model.image_size} px, {cfg.words or 'as many as it reads'} words")
        )


def time_model(cfg: DictConfig, folder: Path) -> None:
    """Times training and inference of a model, as a table or as JSON."""
    config = runs.plain(cfg)
    cases = bench.cases(config["model"], config["objective"], cfg.precision, cfg.compare)
    timings = bench.run(cases, cfg.batch_size, cfg.warmup, cfg.steps, cfg.device)
    title = f"{cfg.title}, batch {cfg.batch_size}, {bench.machine(cfg.device)}"
    if cfg.json:
        print(json.dumps(bench.as_json(timings, {"title": title, "warmup": cfg.warmup, "steps": cfg.steps}), indent=2))
        return
    runs.console.print(bench.table(timings, title))
    for name, ratio in bench.ratios(timings).items():
        runs.console.print(f"{name}: {ratio:.2f}")


def count_prior(cfg: DictConfig, folder: Path) -> None:
    """Counts the colors of a training set into the file ``output``."""
    OmegaConf.set_struct(cfg, False)
    cfg.data.val, cfg.data.tests = None, {}
    if "report" in cfg.data:
        cfg.data.report = None
    assembly.count_prior(runs.plain(cfg), Path(cfg.output))
    runs.console.print(f"wrote {cfg.output}; train with it: objective.prior={cfg.output}", soft_wrap=True)


COMMANDS: dict[str, Callable[[DictConfig, Path], float | None]] = {
    "train": train,
    "eval": evaluate,
    "info": show_info,
    "bench": time_model,
    "prior": count_prior,
}
