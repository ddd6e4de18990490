"""A run: built from its config, known by its folder, resumed or skipped when started again, followed by trackers."""

import json
import logging
import signal
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning import Callback, Trainer
from lightning.pytorch.callbacks import (
    LearningRateMonitor,
    ModelCheckpoint,
    RichModelSummary,
    RichProgressBar,
    ThroughputMonitor,
    WeightAveraging,
)
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from torch import nn

from lcoins.data.datamodule import ColorizationData
from lcoins.evaluation.lpips import available_lpips
from lcoins.evaluation.protocol import evaluate
from lcoins.evaluation.result import Report, flat, print_table, write_json
from lcoins.files import write_whole
from lcoins.models.build import state_dict_mismatches
from lcoins.models.checkpoint import load_checkpoint, load_trained
from lcoins.models.colorizer import Colorizer
from lcoins.reports.load_runs import NOT_IDENTITY
from lcoins.training.build import build
from lcoins.training.module import ColorizationTraining, moving_average
from lcoins.training.picture_log import PictureLog
from lcoins.training.tracking import build_loggers, log_test

# Warnings of Lightning at the start of training that tell this program nothing, each with the reason.
EXPECTED = (
    r"Found \d+ module\(s\) in eval mode",  # frozen encoders stay in evaluation mode on purpose
    r"The number of training batches .* is smaller than the logging interval",  # few photos: epochs are logged anyway
    r"The '\w+_dataloader' does not have many workers",  # data.workers is the user's choice
    r"Checkpoint directory .* exists and is not empty",  # so it is in every resumed run
    r"Precision bf16-mixed is not supported by the model summary",  # of which only the size in MB is meant
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of PyTorch
    r".*`lr_scheduler.step\(\)` before `optimizer.step\(\)`",  # a resumed schedule starts behind its optimizer
)

console = Console()


def no_advertisement(record: logging.LogRecord) -> bool:
    """Drops Lightning's tips about other products from its log."""
    return "Tip: For seamless" not in record.getMessage()


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dictionaries, lists and values."""
    return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[return-value]


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
        allowed = tuple(f"{place}{end}" for place in NOT_IDENTITY for end in (".", ":"))
        changed = [line for line in differences(old, config) if not line.startswith(allowed)]
        if changed:
            lines = "\n  ".join(changed)
            raise ValueError(
                f"{folder} holds a run with another config:\n  {lines}\nGive this one another name "
                f"(name=...), or remove the folder to start over."
            )
        return
    write_whole(path, OmegaConf.to_yaml(OmegaConf.create(config)))


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` where the device multiplies bfloat16 in hardware, else ``32-true``."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if fast else "32-true"


class RunCheckpoint(ModelCheckpoint):
    """A checkpoint callback that knows its best checkpoint again after the run's folder has been moved.

    Lightning's forgets the best score where the folder has another name, and a worse epoch would replace the best one.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        names = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {name: here(state_dict[name]) for name in names}
        kept = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict({**state_dict, **moved, "best_k_models": kept, "dirpath": self.dirpath})


def best_score(checkpoint: Path) -> float:
    """The validation score that a ``best.ckpt`` was chosen by."""
    callbacks = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["callbacks"]
    scores = [state["best_model_score"] for state in callbacks.values() if state.get("best_model_score") is not None]
    return float(scores[0])


def build_callbacks(cfg: DictConfig, folder: Path, data: ColorizationData) -> list[Callback]:
    """Best and last checkpoint, progress, summary, learning rate, throughput, pictures, and EMA if the recipe asks."""
    # Two callbacks, for Lightning's save_last writes only in epochs in which the best one is written. The last comes
    # second, so that it knows the best.
    shown = data.val_set
    place: dict[str, Any] = {"dirpath": folder / "checkpoints", "enable_version_counter": False}
    callbacks: list[Callback] = [
        RunCheckpoint(**place, filename="best", monitor=cfg.recipe.monitor, mode="max", save_on_train_epoch_end=True),
        RunCheckpoint(**place, filename="last", save_on_train_epoch_end=True),
        RichProgressBar(),
        RichModelSummary(max_depth=2),
        LearningRateMonitor("step"),
        ThroughputMonitor(batch_size_fn=len, window_size=50),
        PictureLog(
            folder / "pictures", [shown[i] for i in range(min(cfg.recipe.pictures, len(shown)))] if shown else []
        ),
    ]
    if cfg.recipe.ema is not None:
        # Without buffers: averaged by truncation, whole numbers such as BERT's places would come out one too small.
        callbacks.append(WeightAveraging(use_buffers=False, avg_fn=partial(moving_average, cfg.recipe.ema)))
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
    module, data = build(config, folder)
    trainer = build_trainer(cfg, folder, config, data)
    last = folder / "checkpoints" / "last.ckpt"
    if last.exists():
        console.print(f"[bold]resuming[/] from {last}")
    elif cfg.start_from is not None:
        take_weights(module.colorizer, Path(cfg.start_from))
    fit(trainer, module, data, last)
    return conclude(cfg, folder, data, trainer)


def take_weights(colorizer: Colorizer, source: Path) -> None:
    """Puts the weights of a package or a checkpoint into a colorizer of the same shape.

    Only what a package leaves out because training alone needs it may keep its random start. Raises ValueError with the
    differences where the two do not fit.
    """
    given, own = load_trained(source)[0].state_dict(), colorizer.state_dict()
    spared = {name: None for name in own if name.startswith(colorizer.training_parts)}
    wrong = state_dict_mismatches(own, {**spared, **given})
    if wrong:
        shown = "\n  ".join(wrong[:20])
        raise ValueError(
            f"start_from={source} does not fit this model, {len(wrong)} differences:\n  {shown}\n"
            f"Take the model, image size and ablation that it was trained with."
        )
    colorizer.load_state_dict(given, strict=False)


def fit(trainer: Trainer, module: ColorizationTraining, data: ColorizationData, last: Path) -> None:
    """Trains, from the checkpoint ``last`` on if there is one; KeyboardInterrupt says how to go on after Ctrl+C."""
    start = str(last) if last.exists() else None
    try:
        with warnings.catch_warnings():
            for message in EXPECTED:
                warnings.filterwarnings("ignore", message)
            trainer.fit(module, data, ckpt_path=start, weights_only=True)
    except SystemExit:  # how Lightning leaves after Ctrl+C, which it has switched off by then
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)
        place = f"from {last}" if last.exists() else "from its beginning, for no epoch was finished"
        raise KeyboardInterrupt(f"interrupted; start the same command again to go on {place}") from None


def build_trainer(cfg: DictConfig, folder: Path, config: dict[str, Any], data: ColorizationData) -> Trainer:
    """The Lightning trainer of a config, with this run's loggers and callbacks."""
    options = plain(cfg.trainer)
    if options["precision"] == "auto":
        options["precision"] = best_precision(options["accelerator"])
    logging.getLogger("lightning.pytorch.utilities.rank_zero").addFilter(no_advertisement)
    return Trainer(
        **options,
        default_root_dir=folder,
        logger=build_loggers(cfg, folder, config),
        callbacks=build_callbacks(cfg, folder, data),
        use_distributed_sampler=False,  # the data module's sampler knows its rank
        enable_model_summary=False,  # a callback prints it
    )


def conclude(cfg: DictConfig, folder: Path, data: ColorizationData, trainer: Trainer) -> dict[str, float]:
    """Evaluates the best checkpoint on every test set; writes metrics.json; tells the tracker; says what to do next.

    Beside the figures of the tests stands the validation score by which the checkpoint was chosen, under its own name.
    """
    best = folder / "checkpoints" / "best.ckpt"
    colorizer, _ = load_checkpoint(best, trainer.strategy.root_device)
    reports = evaluate_sets(colorizer, data, cfg.evaluation, folder / "test", trainer.strategy.root_device)
    figures = flat(reports) | {cfg.recipe.monitor: best_score(best)}
    if trainer.is_global_zero:
        print_table(reports)
        write_json(figures, folder / "metrics.json")
        log_test(trainer.loggers, reports, figures, folder / "test")
        console.print(f"figures: {folder / 'metrics.json'}; contact sheets: {folder / 'test'}", soft_wrap=True)
        console.print(f'next: lcoins colorize PHOTO "a sentence with colors" --checkpoint {best}', soft_wrap=True)
    return figures


def evaluate_sets(
    colorizer: nn.Module, data: ColorizationData, options: DictConfig, folder: Path, device: torch.device | str
) -> list[Report]:
    """The paper's protocol on every test set of a data module, one report each."""
    nets = {net: Path(path) if path else None for net, path in options.lpips.items()}
    lpips, unavailable = available_lpips(nets)
    return [
        evaluate(
            colorizer,
            loader,
            lpips=lpips,
            unavailable=unavailable,
            palette=data.palette,
            device=device,
            directory=folder,
            title=title,
            progress=True,
            recolor=options.recolor,
        )
        for title, loader in data.test_loaders().items()
    ]
