"""The command bench: times training steps and inference, and how a step grows with its sizes."""

import json
from pathlib import Path
from typing import Any

import torch
from omegaconf import DictConfig, OmegaConf

from lcoins.benchmark.growth import BASE_WORDS, growth_rows, growth_table, measure_growth
from lcoins.benchmark.step import step_cases, time_steps
from lcoins.benchmark.step_table import machine_name, rate_line, speed_ratios, timing_table, timings_to_json
from lcoins.cli.spin import spin_setting
from lcoins.evaluation.result import write_json
from lcoins.training import run


def time_model(cfg: DictConfig, folder: Path) -> None:
    """Times training and inference of a model, as a table or as JSON."""
    if cfg.growth is not None:
        time_growth(cfg, Path(cfg.growth))
        return
    config = run.plain_config(cfg)
    model, objective, augmentation = config["model"], config["objective"], config["augmentation"]
    cases = step_cases(model, objective, augmentation, cfg.precision, cfg.compare, cfg.system.compile)
    timings = time_steps(cases, cfg.batch_size, cfg.warmup, cfg.steps, cfg.device)
    title = f"{cfg.title}, batch {cfg.batch_size}, {machine_name(cfg.device)}"
    if cfg.json:
        threads = {"threads": torch.get_num_threads(), "waiting": spin_setting()}
        settings = {"title": title, "warmup": cfg.warmup, "steps": cfg.steps, **threads}
        print(json.dumps(timings_to_json(timings, settings), indent=2))
        return
    run.console.print(timing_table(timings, title))
    run.console.print(f"{torch.get_num_threads()} threads; while they wait: {spin_setting()}", highlight=False)
    for timing in timings:
        run.console.print(rate_line(timing), highlight=False)
    for name, ratio in speed_ratios(timings).items():
        run.console.print(f"{name}: {ratio:.2f}")


def time_growth(cfg: DictConfig, picture: Path) -> None:
    """Times a training step at other sizes, prints a table, and writes a figure and its values beside it."""
    if picture.suffix != ".png":
        raise ValueError(f"growth={picture} must end in .png; the same values are written beside it as .json")
    from lcoins.reports.growth_plot import growth_plot

    picture.parent.mkdir(parents=True, exist_ok=True)  # before minutes of timing

    def config_with(key: str, value: Any) -> dict[str, Any]:
        changed = cfg.copy()
        OmegaConf.update(changed, key, value)
        return run.plain_config(changed)

    options = {name: cfg[name] for name in ("batch_size", "precision", "warmup", "steps", "device")}
    rows = growth_rows(measure_growth(config_with, compile=cfg.system.compile, **options))
    base = {"image side": cfg.model.image_size, "words": BASE_WORDS, "batch": cfg.batch_size}
    base["groups"] = OmegaConf.select(cfg, "model.transformer.n_groups") or 0
    title = f"{cfg.title}, {machine_name(cfg.device)}"
    write_json({"title": title, "base": base, "rows": rows}, picture.with_suffix(".json"))
    written = growth_plot(rows, base, picture)
    run.console.print(growth_table(rows, title))
    run.console.print(f"wrote {', '.join(map(str, written))}", soft_wrap=True, markup=False)
