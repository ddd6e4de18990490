"""Lightning's Trainer for a run: precision, loggers, callbacks, and what of Lightning's messages is not shown."""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.plugins.environments import (
    ClusterEnvironment,
    LightningEnvironment,
    SLURMEnvironment,
    TorchElasticEnvironment,
)
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import (
    LearningRateMonitor,
    ModelCheckpoint,
    WeightAveraging,
)

from lcoins.data.datamodule import ColorizationData
from lcoins.training.checkpoints import AtomicCheckpointIO, checkpoint_problem
from lcoins.training.module import ColorizationTraining
from lcoins.training.optimization import moving_average
from lcoins.training.picture_log import PictureLog
from lcoins.training.progress import EpochBar, EpochLines, PartsSummary
from lcoins.training.ranks import errors_logged_alone
from lcoins.training.stopping import SaveAndStop
from lcoins.training.throughput import TrainingThroughput
from lcoins.training.tracking import build_loggers
from lcoins.training.validation import FreshValidation

# With weights in float32: in any other kind, what the data module makes of pixels would not fit them.
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed")
OTHER_NAMES = ("32", "bf16", "16")  # that Lightning has for them
UNSAID = "Tip: For seamless"  # in lines of Lightning's that help nobody


def count_devices(options: Mapping[str, Any]) -> int:
    """The number of devices that a plain trainer config asks for, those of all machines together."""
    names = ("accelerator", "devices", "num_nodes", "strategy")
    chosen = {name: options[name] for name in names if name in options} | {"plugins": cluster_environment()}
    # The trainer of the run says again what is hidden here.
    with errors_logged_alone(), advertisements_hidden(), _devices_named(options):
        return Trainer(**chosen, logger=False, enable_checkpointing=False, enable_progress_bar=False).world_size


def cluster_environment() -> list[ClusterEnvironment]:
    """How the processes of a training in a job of SLURM find each other; nothing where Lightning knows by itself.

    Several tasks of ``srun`` are the processes. Otherwise the first process starts the others, as on any machine:
    Lightning would wait for tasks that nobody starts. Requeuing a job is left to :mod:`lcoins.training.stopping`.
    """
    if "SLURM_JOB_ID" not in os.environ or TorchElasticEnvironment.detect():
        return []
    if int(os.environ.get("SLURM_STEP_NUM_TASKS", 1)) > 1:
        return [SLURMEnvironment(auto_requeue=False)]
    return [LightningEnvironment()]


@contextmanager
def _devices_named(options: Mapping[str, Any]) -> Iterator[None]:
    """Turns what Lightning says of a device that is not there into one line that names the keys of the config."""
    try:
        yield
    except (MisconfigurationException, TypeError, ValueError, RuntimeError) as error:
        devices = {key: options.get(key) for key in ("accelerator", "devices", "strategy", "precision")}
        chosen = ", ".join(f"{key}={value}" for key, value in devices.items() if value is not None)
        raise ValueError(
            f"trainer ({chosen}): {' '.join(str(error).split()).rstrip('.!')}; trainer=auto takes the best device "
            f"of this machine, trainer=cpu its processor"
        ) from error


def build_trainer(
    config: Mapping[str, Any], folder: Path, data: ColorizationData, module: ColorizationTraining
) -> Trainer:
    """The Lightning trainer of a plain config, with the run's loggers and callbacks.

    ``module.batches`` says on how many devices it trains.
    """
    options = dict(config["trainer"])
    _expect_a_best_checkpoint(options)
    if options["precision"] == "auto":
        options["precision"] = best_precision(options["accelerator"])
    if str(options["precision"]) not in (*PRECISIONS, *OTHER_NAMES):
        raise ValueError(f"trainer.precision={options['precision']}: take one of auto, {', '.join(PRECISIONS)}")
    if options.get("limit_val_batches") == 1.0 and isinstance(options["limit_val_batches"], float):
        del options["limit_val_batches"]  # Lightning's default, which it remarks on where it is given
    options["accumulate_grad_batches"] = options.get("accumulate_grad_batches") or 1
    if not module.automatic_optimization and (options["accumulate_grad_batches"] > 1 or options["gradient_clip_val"]):
        raise ValueError(
            "LBIE steps its two optimizers itself, with every batch: leave trainer.gradient_clip_val and "
            "trainer.accumulate_grad_batches out, and let data.batch_size times the devices be recipe.global_batch"
        )
    if options.get("strategy", "auto") in ("auto", "ddp") and module.batches.devices > 1:
        options["strategy"] = f"ddp_find_unused_parameters_{'false' if module.uses_every_parameter else 'true'}"
        if options["accelerator"] != "cpu" and torch.cuda.is_available():
            options.setdefault("sync_batchnorm", True)  # else each device normalizes by the statistics of its own share
    loggers, callbacks = build_loggers(config, folder), build_callbacks(config["recipe"], folder, data)
    with advertisements_hidden(), _devices_named(config["trainer"]):
        return Trainer(
            **options,
            default_root_dir=folder,
            logger=loggers,
            callbacks=callbacks,
            use_distributed_sampler=False,  # the data module's sampler knows its rank
            enable_model_summary=False,  # a callback prints it
            plugins=[AtomicCheckpointIO(), *cluster_environment()],
        )


def _expect_a_best_checkpoint(options: Mapping[str, Any]) -> None:
    """Refuses a training after which there is no best checkpoint: one without a step, or without a validation."""
    for name in ("max_epochs", "max_steps", "limit_train_batches", "limit_val_batches"):
        if options.get(name) == 0:
            kind = "validation" if name == "limit_val_batches" else "step of training"
            raise ValueError(
                f"trainer.{name}=0 leaves no {kind}, and so no best checkpoint to evaluate; set at least "
                f"trainer.{name}=1, or leave it out"
            )


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` if the device multiplies bfloat16 in hardware, else ``32-true``."""
    if accelerator != "cpu" and torch.cuda.is_available():
        return "bf16-mixed" if torch.cuda.is_bf16_supported(including_emulation=False) else "32-true"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16-mixed" if fast else "32-true"


@contextmanager
def advertisements_hidden() -> Iterator[None]:
    """Keeps out of Lightning's log its tips about other products, its hint to use srun and what it reads by the way."""
    log, storage = logging.getLogger("lightning.pytorch.utilities.rank_zero"), logging.getLogger("gcsfs")
    log.addFilter(_is_no_advertisement)
    level = storage.level
    storage.setLevel(max(level, logging.WARNING))  # Lightning imports it, and it tells of its experiments
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The `srun` command is available on your system but is not used")
            yield
    finally:
        log.removeFilter(_is_no_advertisement)
        storage.setLevel(level)


def _is_no_advertisement(record: logging.LogRecord) -> bool:
    return UNSAID not in record.getMessage()


class RunCheckpoint(ModelCheckpoint):
    """A checkpoint callback that still knows its best checkpoint after the run's folder has been moved.

    In a folder of another name Lightning's callback forgets the best score, and a worse epoch would replace the best.
    An epoch without a validation cannot be the best.
    """

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if self.monitor is None or self.monitor in trainer.callback_metrics:
            super().on_train_epoch_end(trainer, pl_module)

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def moved(path: str) -> str:
            return str(Path(str(self.dirpath)) / Path(path).name) if path else path

        names = ("best_model_path", "kth_best_model_path", "last_model_path")
        paths = {name: moved(state_dict[name]) for name in names}
        scores = {moved(path): score for path, score in state_dict["best_k_models"].items()}
        best = Path(paths["best_model_path"])
        if best.name != "last.ckpt" and checkpoint_problem(best):
            return  # the best of the epochs to come takes the place of one that cannot be read
        super().load_state_dict({**state_dict, **paths, "best_k_models": scores, "dirpath": self.dirpath})


def best_validation_score(checkpoint: Path) -> float:
    """The validation score that a ``best.ckpt`` was chosen by."""
    callbacks = torch.load(checkpoint, map_location="cpu", weights_only=True, mmap=True)["callbacks"]
    scores = [state["best_model_score"] for state in callbacks.values() if state.get("best_model_score") is not None]
    return float(scores[0])


def build_callbacks(recipe: Mapping[str, Any], folder: Path, data: ColorizationData) -> list[Callback]:
    """Checkpoints, progress, summary, learning rate, throughput, pictures, stopping, and EMA if the recipe asks."""
    # Two checkpoint callbacks, because Lightning's save_last writes only in epochs that write the best one. The last
    # comes second, so that it holds the state of the best.
    checkpoints: dict[str, Any] = {"dirpath": folder / "checkpoints", "enable_version_counter": False}
    shown = data.val_set
    samples = [shown[index] for index in range(min(recipe["pictures"], len(shown)))] if shown else []
    callbacks: list[Callback] = [
        RunCheckpoint(
            **checkpoints, filename="best", monitor=recipe["monitor"], mode="max", save_on_train_epoch_end=True
        ),
        RunCheckpoint(**checkpoints, filename="last", save_on_train_epoch_end=True),
        FreshValidation(),
        EpochBar(),
        EpochLines(recipe["monitor"]),
        PartsSummary(max_depth=2),
        LearningRateMonitor("step"),
        TrainingThroughput(),
        PictureLog(folder / "pictures", samples, recipe["pictures"]),
    ]
    if recipe["ema"] is not None:
        # Without buffers: averages are truncated, so integers such as BERT's position ids would come out one too small.
        callbacks.append(WeightAveraging(use_buffers=False, avg_fn=partial(moving_average, recipe["ema"])))
    callbacks.append(SaveAndStop(folder / "checkpoints"))  # the last, when all others are done with a step
    return callbacks
