"""A run: built from its config, known by its folder, resumed or skipped when started again, followed by trackers."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightning
import torch
from hydra.utils import instantiate
from lightning import Callback, LightningDataModule, Trainer
from lightning.pytorch.callbacks import (
    EMAWeightAveraging,
    LearningRateMonitor,
    ModelCheckpoint,
    RichModelSummary,
    RichProgressBar,
    ThroughputMonitor,
)
from lightning.pytorch.loggers import CSVLogger, Logger, WandbLogger
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from torch import nn

from lcoins import evaluation, metrics
from lcoins.data.module import ColorizationData
from lcoins.reports.pictures import PictureLog
from lcoins.training import ColorizationTraining

# Parts of a config that say where and how a run runs, not what it computes: they may differ when it is resumed.
CIRCUMSTANCES = ("trainer", "tracker", "runs", "evaluation")

console = Console()


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dictionaries, lists and values."""
    return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[return-value]


def write_whole(path: Path, text: str) -> None:
    """Writes a text file by way of a temporary one, so that a kill never leaves half of it."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def differences(old: Any, new: Any, at: str = "") -> list[str]:
    """Every place where two plain configs differ, as ``key: old -> new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(old.keys() | new.keys())
        return [line for k in keys for line in differences(old.get(k), new.get(k), f"{at}.{k}" if at else k)]
    return [] if old == new else [f"{at}: {old} -> {new}"]


def claim(folder: Path, config: dict[str, Any]) -> None:
    """Writes the config into a new run folder, or refuses one that another config has already begun."""
    path = folder / "config.yaml"
    if path.exists():
        old = OmegaConf.to_container(OmegaConf.load(path), resolve=True)
        kept = [{k: v for k, v in c.items() if k not in CIRCUMSTANCES} for c in (old, config)]  # type: ignore[union-attr]
        changed = differences(*kept)
        if changed:
            lines = "\n  ".join(changed)
            raise ValueError(f"{folder} holds a run with another config:\n  {lines}\nGive this one another name "
                             f"(name=...), or remove the folder to start over.")  # fmt: skip
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, OmegaConf.to_yaml(OmegaConf.create(config)))


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` where the device multiplies bfloat16 in hardware, else ``32-true``."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if fast else "32-true"


def build_colorizer(model: Mapping[str, Any], weights: bool = True) -> nn.Module:
    """The colorizer of a plain model config; ``weights=False`` leaves pretrained parts untrained, to be loaded later."""
    if not weights:
        parts = ("image_encoder", "text_encoder")
        model = {**model} | {part: {**model[part], "init": "none"} for part in parts}
    return instantiate(model, _convert_="all")


def build_data(data: Mapping[str, Any]) -> ColorizationData:
    """The data module of a plain data config; photos are checked here, before anything is trained."""
    return instantiate(data, _convert_="all")


def load_colorizer(checkpoint: Path | str, device: torch.device | str = "cpu") -> tuple[nn.Module, dict[str, Any]]:
    """The colorizer of a checkpoint (EMA average where there is one) and its config, in evaluation mode.

    Only tensors and plain values are read (``weights_only=True``); every tensor must fit.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; train one with `lcoins train`, or give its path")
    content = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(content, dict) or "config" not in content or "state_dict" not in content:
        raise ValueError(f"{path} is no checkpoint of lcoins: it holds no config; give a best.ckpt or last.ckpt of a run")
    colorizer = build_colorizer(content["config"]["model"], weights=False)
    prefix = "colorizer."
    weights = {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    colorizer.load_state_dict(weights, strict=True)
    return colorizer.to(device).eval(), content["config"]


def build_loggers(cfg: DictConfig, folder: Path, config: dict[str, Any]) -> list[Logger]:
    """CSV always (one file per start of the run), and wandb as the tracker says; its id and group follow the folder."""
    part = len(list((folder / "csv").glob("version_*")))
    loggers: list[Logger] = [CSVLogger(folder, name="csv", version=part)]
    if cfg.tracker.mode == "off":
        return loggers
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
            tags=list(cfg.tracker.tags),
            offline=cfg.tracker.mode == "offline",
            config=config,
        )
    )
    return loggers


def build_callbacks(cfg: DictConfig, folder: Path, data: ColorizationData) -> list[Callback]:
    """Best and last checkpoint, progress, summary, learning rate, throughput, pictures, and EMA if the recipe has it."""
    callbacks: list[Callback] = [
        ModelCheckpoint(
            dirpath=folder / "checkpoints",
            filename="best",
            monitor=cfg.recipe.monitor,
            mode="max",
            save_top_k=1,
            save_last=True,
            save_on_train_epoch_end=True,
            enable_version_counter=False,
        ),
        RichProgressBar(),
        RichModelSummary(max_depth=2),
        LearningRateMonitor("step"),
        ThroughputMonitor(batch_size_fn=len, window_size=50),
        PictureLog(folder / "pictures", [data.val_set[i] for i in range(min(cfg.recipe.pictures, len(data.val_set)))]),
    ]
    if cfg.recipe.ema is not None:
        callbacks.append(EMAWeightAveraging(decay=cfg.recipe.ema))
    return callbacks


def train(cfg: DictConfig, folder: Path) -> dict[str, float]:
    """Trains, evaluates and reports one run in its folder; a finished one is skipped, an interrupted one resumed."""
    config = plain(cfg)
    done = folder / "metrics.json"
    claim(folder, config)
    if done.exists():
        console.print(f"[bold]{folder} is finished[/]; its figures are in {done}. Nothing to do.")
        return json.loads(done.read_text())
    lightning.seed_everything(cfg.seed, workers=True, verbose=False)
    colorizer = build_colorizer(config["model"])
    data = build_data(config["data"])
    module = ColorizationTraining(
        colorizer,
        instantiate(config["objective"]),
        instantiate(config["recipe"]["optimizer"], _convert_="all"),
        weight_decay=cfg.recipe.weight_decay,
        warmup_epochs=cfg.recipe.warmup_epochs,
        min_lr=cfg.recipe.min_lr,
        palette=data.palette,
        seed=cfg.seed,
        config=config,
    )
    trainer = build_trainer(cfg, folder, config, data)
    last = folder / "checkpoints" / "last.ckpt"
    if last.exists():
        console.print(f"[bold]resuming[/] from {last}")
    trainer.fit(module, data, ckpt_path=str(last) if last.exists() else None, weights_only=True)
    if trainer.interrupted:
        raise KeyboardInterrupt(f"{folder} was interrupted; start it again to go on from {last}")
    return conclude(cfg, folder, data, trainer)


def build_trainer(cfg: DictConfig, folder: Path, config: dict[str, Any], data: LightningDataModule) -> Trainer:
    """The Lightning trainer of a config, with this run's loggers and callbacks."""
    options = plain(cfg.trainer)
    if options["precision"] == "auto":
        options["precision"] = best_precision(options["accelerator"])
    loggers = build_loggers(cfg, folder, config)
    callbacks = build_callbacks(cfg, folder, data)  # type: ignore[arg-type]
    return Trainer(**options, default_root_dir=folder, logger=loggers, callbacks=callbacks, use_distributed_sampler=False)


def conclude(cfg: DictConfig, folder: Path, data: ColorizationData, trainer: Trainer) -> dict[str, float]:
    """Evaluates the best checkpoint on every test set; writes metrics.json; tells the tracker; says what to do next."""
    best = Path(trainer.checkpoint_callback.best_model_path)  # type: ignore[union-attr]
    colorizer, _ = load_colorizer(best, trainer.strategy.root_device)
    reports = evaluate_sets(colorizer, data, cfg.evaluation, folder / "test", trainer.strategy.root_device)
    figures = evaluation.flat(reports)
    if trainer.is_global_zero:
        evaluation.print_table(reports)
        evaluation.write_json(figures, folder / "metrics.json")
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.experiment.summary.update(figures)
                for sheet in sorted((folder / "test").glob("*_sheet.png")):
                    logger.log_image(f"test/{sheet.stem}", [str(sheet)])
                logger.experiment.finish()
        console.print(f"figures: {folder / 'metrics.json'}; contact sheets: {folder / 'test'}", soft_wrap=True)
        console.print(f'next: lcoins colorize PHOTO "a sentence with colours" --checkpoint {best}', soft_wrap=True)
    return figures


def evaluate_sets(
    colorizer: nn.Module, data: ColorizationData, options: DictConfig, folder: Path, device: torch.device | str
) -> list[evaluation.Report]:
    """The paper's protocol on every test set of a data module, one report each."""
    nets = {net: Path(path) if path else None for net, path in options.lpips.items()}
    lpips, unavailable = metrics.available_lpips(nets)
    return [
        evaluation.evaluate(
            colorizer,
            loader,
            lpips=lpips,
            unavailable=unavailable,
            palette=data.palette,
            device=device,
            directory=folder,
            title=title,
            progress=True,
            recolour=options.recolour,
        )
        for title, loader in data.test_loaders().items()
    ]
