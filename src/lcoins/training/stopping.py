"""A run that is told to stop saves where it is, between two steps, and goes on from there when started again.

Clusters send SIGTERM or, on request, SIGUSR1 or SIGUSR2 before they take a machine away (``sbatch --signal=USR2@120``).
"""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer

REQUEUE_SIGNALS = tuple(getattr(signal, name) for name in ("SIGUSR1", "SIGUSR2") if hasattr(signal, name))
SIGNALS = (signal.SIGTERM, *REQUEUE_SIGNALS)


class StoppedBySignal(RuntimeError):
    """The run has saved where it is and ends; ``number`` is that of the signal."""

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


class SaveAndStop(Callback):
    """On SIGTERM, SIGUSR1 or SIGUSR2 to any process of a run, all save ``last.ckpt`` together and stop.

    A handler of SIGUSR1 or SIGUSR2 that was there before, such as submitit's, is called then and puts the job back into
    its queue; without one, in a job of SLURM, ``scontrol requeue`` does. These two raise nothing if nothing follows.
    """

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoint = checkpoints / "last.ckpt"
        self.received = 0
        self.before: dict[int, Any] = {number: signal.getsignal(number) for number in SIGNALS}
        self.replaced: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes the place of Lightning's handlers, which exchange messages between processes in mid-step."""
        self.replaced = {number: signal.getsignal(number) for number in SIGNALS}
        for number in SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        between_steps = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        if not between_steps or trainer.fit_loop.epoch_loop.batch_progress.is_last_batch or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if self._told_to_stop(trainer):
            trainer.save_checkpoint(self.checkpoint)
            self._stop(trainer, f"in epoch {trainer.current_epoch + 1}, after {batch_idx + 1} batches")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops a run whose signal came in its last step or validation: its last epoch is saved by now."""
        if self._told_to_stop(trainer) and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self._stop(trainer, "after its last epoch")
        self._give_back()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._give_back()

    def _told_to_stop(self, trainer: Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(bool(self.received), all=False)

    def _stop(self, trainer: Trainer, where: str) -> None:
        self._give_back()
        if trainer.is_global_zero:
            self._requeue()
        name = signal.Signals(self.received).name if self.received else "a signal to another process"
        raise StoppedBySignal(
            f"stopped by {name} {where}; the same command goes on from {self.checkpoint}",
            self.received or signal.SIGTERM,
        )

    def _give_back(self) -> None:
        for number, handler in self.replaced.items():
            signal.signal(number, handler)
        self.replaced = {}

    def _requeue(self) -> None:
        if self.received not in REQUEUE_SIGNALS:
            return
        before: Callable[[int, FrameType | None], Any] | Any = self.before[self.received]
        if callable(before):
            before(self.received, None)
        elif "SLURM_JOB_ID" in os.environ:
            array = (os.environ.get(f"SLURM_ARRAY_{part}_ID") for part in ("JOB", "TASK"))
            job = "_".join(part for part in array if part) or os.environ["SLURM_JOB_ID"]
            subprocess.run(["scontrol", "requeue", job], check=False)
