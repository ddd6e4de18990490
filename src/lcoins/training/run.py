"""A run: built from its config, known by its folder, skipped or resumed when started again, evaluated at its end."""

import json
import shlex
import signal
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import lightning
import torch
from lightning import Trainer
from omegaconf import DictConfig, OmegaConf
from rich.console import Console
from rich.markup import escape
from torch import nn

from lcoins.data.datamodule import ColorizationData
from lcoins.data.from_scenes import scene_data
from lcoins.evaluation.lpips import available_lpips
from lcoins.evaluation.protocol import EvaluationOptions, evaluate
from lcoins.evaluation.result import EvaluationReport, flat_figures, print_reports, write_json
from lcoins.locks import locked
from lcoins.models.checkpoint import load_checkpoint
from lcoins.models.received import keep_words
from lcoins.training.acceleration import compile_blocks, fitting_kernels
from lcoins.training.batches import plan_batches
from lcoins.training.build import build_training
from lcoins.training.checkpoints import find_resumable
from lcoins.training.module import ColorizationTraining
from lcoins.training.ranks import all_ranks, expect_all_processes, is_first, quiet_unless_first
from lcoins.training.run_folder import open_run_folder
from lcoins.training.start_weights import expect_same_words, load_start_weights
from lcoins.training.stopping import stoppable
from lcoins.training.tracking import log_test_results, trackers_confined
from lcoins.training.trainer import advertisements_hidden, best_validation_score, build_trainer, count_devices
from lcoins.wording import counted

# Warnings of Lightning at the start of training that say nothing useful here, each with the reason.
EXPECTED_WARNINGS = (
    r"Found \d+ module\(s\) in eval mode",  # frozen encoders stay in evaluation mode on purpose
    r"The number of training batches .* is smaller than the logging interval",  # few photos: epochs are logged anyway
    r"The '\w+_dataloader' does not have many workers",  # data.workers is the user's choice
    r"Checkpoint directory .* exists and is not empty",  # true of every resumed run
    r"Precision bf16-mixed is not supported by the model summary",  # affects only the size in MB that it prints
    r"FLOPs not found for",  # Lightning's table of GPUs lacks this one; the peak is measured
    r"You're resuming from a checkpoint that ended before the epoch ended",  # the sampler knows where it was
    r"`isinstance\(treespec, LeafSpec\)` is deprecated",  # Lightning's own use of PyTorch
    r"You requested to overfit but enabled \w+ dataloader shuffling",  # debug=overfit wants one and the same batch
    r".*`lr_scheduler.step\(\)` before `optimizer.step\(\)`",  # a resumed schedule starts behind its optimizer
)

SCENES = f"{scene_data.__module__}.{scene_data.__qualname__}"
console = Console()


def plain_config(cfg: DictConfig) -> dict[str, Any]:
    """The resolved config as plain dictionaries, lists and values."""
    return OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)  # type: ignore[return-value]


def train_run(cfg: DictConfig, folder: Path) -> dict[str, float]:
    """Trains and evaluates one run in its folder and returns the figures of ``metrics.json``.

    A finished run is skipped, an interrupted one resumed from its last checkpoint; FolderInUse is raised if another
    process is at it. With ``trainer.fast_dev_run`` nothing is read from the folder or written to it. With several
    devices every process of the training calls this, and gets the same figures; the first alone writes and prints.
    """
    config, metrics = plain_config(cfg), folder / "metrics.json"
    with stoppable(), quiet_unless_first(), locked(folder) if is_first() else nullcontext():
        if config["trainer"].get("fast_dev_run"):
            data = config["data"] | ({"report": None} if "report" in config["data"] else {})
            with TemporaryDirectory(prefix="lcoins-") as elsewhere:
                return _train_run({**config, "data": data}, Path(elsewhere))
        if is_first():
            open_run_folder(folder, config)
        if metrics.exists():
            shown, figures = escape(str(folder)), escape(str(metrics))
            console.print(f"[bold]{shown} is finished[/]; its figures are in {figures}. Nothing to do.", soft_wrap=True)
            return json.loads(metrics.read_text())
        return _train_run(config, folder)


def _train_run(config: dict[str, Any], folder: Path) -> dict[str, float]:
    devices = count_devices(config["trainer"])
    expect_all_processes(devices)
    batches = plan_batches(config, devices)
    shared_out = batches.applied_to(config)
    lightning.seed_everything(config["seed"], workers=True, verbose=False)
    module, data = build_training(shared_out, folder)
    module.batches, data.samples_per_step = batches, batches.total
    if is_first():
        keep_words(config["model"], folder)  # a checkpoint may name no folder elsewhere
    with trackers_confined(folder / "wandb"):
        trainer = build_trainer(shared_out, folder, data, module)
        tried_only = bool(config["trainer"].get("fast_dev_run"))
        start, notices = (None, []) if tried_only else find_resumable(folder, batches)
        epochs = trainer.max_epochs or -1  # -1: a number of steps ends the training
        length = counted(epochs, "epoch") if epochs > 0 else counted(trainer.max_steps, "step")
        where = "" if tried_only else f" in {folder}"
        for notice in [f"training {length}{where}", *notices]:
            console.print(notice, markup=False, highlight=False, soft_wrap=True)
        if start is not None:
            expect_same_words(start, module.config["model"])
        elif config["start_from"] is not None:
            new_parts = config["recipe"].get("new_parts", ())
            load_start_weights(module.colorizer, module.config["model"], Path(config["start_from"]), new_parts)
        compile_blocks(module.colorizer, config["system"]["compile"])
        with all_ranks(trainer, config, folder):
            with fitting_kernels(trainer.strategy.root_device, str(trainer.precision)):
                fit_or_resume(trainer, module, data, start)
            if trainer.fast_dev_run:  # type: ignore[attr-defined]
                console.print("one batch of training and one of validation went through; nothing is kept")
                return {config["recipe"]["monitor"]: float(trainer.callback_metrics[config["recipe"]["monitor"]])}
            return evaluate_run(config, folder, data, trainer)


def fit_or_resume(trainer: Trainer, module: ColorizationTraining, data: ColorizationData, start: Path | None) -> None:
    """Trains to the end, from the checkpoint ``start`` or from the beginning.

    Ctrl+C raises KeyboardInterrupt, whose message says from where the same command goes on.
    """
    try:
        with warnings.catch_warnings(), advertisements_hidden():
            for message in EXPECTED_WARNINGS:
                warnings.filterwarnings("ignore", message)
            trainer.fit(module, data, ckpt_path=str(start) if start else None, weights_only=True)
    except SystemExit:  # Lightning's answer to Ctrl+C, by which time it has switched Ctrl+C off
        if not trainer.interrupted:
            raise
        signal.signal(signal.SIGINT, signal.default_int_handler)
        last = Path(trainer.default_root_dir) / "checkpoints" / "last.ckpt"
        origin = f"from {last}" if last.exists() else "from its beginning, because no epoch was finished"
        raise KeyboardInterrupt(f"interrupted; start the same command again to go on {origin}") from None


def evaluate_run(config: Mapping[str, Any], folder: Path, data: ColorizationData, trainer: Trainer) -> dict[str, float]:
    """Evaluates the best checkpoint on every test set, writes metrics.json and prints what can be done next.

    Beside the figures of the test sets stands the validation score that the checkpoint was chosen by, as
    ``recipe.monitor`` names it.
    """
    best, device = folder / "checkpoints" / "best.ckpt", trainer.strategy.root_device
    colorizer, _ = load_checkpoint(best, device)
    reports = evaluate_test_sets(colorizer, data, config["evaluation"], folder / "test", device)
    figures = flat_figures(reports) | {config["recipe"]["monitor"]: best_validation_score(best)}
    if trainer.is_global_zero:
        write_json(figures, folder / "metrics.json")
        if reports:
            print_reports(reports)
        kept = best if config["tracker"].get("log_model") else None
        log_test_results(trainer.loggers, reports, figures, folder / "test", kept)
        written = f"figures: {folder / 'metrics.json'}" + (f"; contact sheets: {folder / 'test'}" if reports else "")
        for line in (written, next_command(config["data"], best)):  # a folder may be named like markup
            console.print(line, soft_wrap=True, markup=False)
    return figures


def next_command(data: Mapping[str, Any], checkpoint: Path) -> str:
    """The line that says how the model of a run can be used, by what its plain ``data`` group has taught it."""
    if data.get("_target_") == SCENES:
        return (
            "this model knows drawn scenes only: the contact sheets show what it makes of them; for photos, train on "
            "some: lcoins train data=photos (docs/howto/paper-data-sets.md), or color with the weights in lcoins: "
            'lcoins colorize PHOTO "a sentence with colors"'
        )
    return f'next: lcoins colorize PHOTO "a sentence with colors" --checkpoint {shlex.quote(str(checkpoint))}'


def evaluate_test_sets(
    colorizer: nn.Module,
    data: ColorizationData,
    evaluation: Mapping[str, Any],
    folder: Path,
    device: torch.device | str,
) -> list[EvaluationReport]:
    """Evaluates a colorizer by the paper's protocol on every test set of a data module, one report each.

    Args:
        colorizer: Any :class:`lcoins.models.colorizer.Colorizer`.
        data: Its test sets are evaluated.
        evaluation: The config group: ``lpips`` (network -> weights file or None) and ``recolor``.
        folder: Where the files of the reports are written.
        device: Where the colorizer runs.
    """
    files = {net: Path(file) if file else None for net, file in evaluation["lpips"].items()}
    lpips, unavailable = available_lpips(files)
    options = EvaluationOptions(lpips, unavailable, data.palette, evaluation["recolor"], device, progress=is_first())
    return [evaluate(colorizer, loader, options, folder, title) for title, loader in data.test_loaders().items()]
