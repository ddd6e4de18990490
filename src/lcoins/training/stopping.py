"""A run that is told to stop saves where it is, between two steps, and goes on from there when started again.

Clusters send SIGTERM or, on request, SIGUSR1 or SIGUSR2 before they take a machine away (``sbatch --signal=USR2@120``).
"""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer

from lcoins.data.workers import REQUEUE_SIGNALS, STOP_SIGNALS
from lcoins.training.ranks import is_first


class StoppedBySignal(BaseException):
    """The run ends, and has saved where it is; ``number`` is that of the signal.

    No Exception, as KeyboardInterrupt is none: it may be raised in the middle of a library that goes on after errors.
    """

    def __init__(self, message: str, number: int) -> None:
        super().__init__(message)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Lets SIGTERM, SIGUSR1 and SIGUSR2 end what runs inside by StoppedBySignal, and its job go back into its queue.

    The signals act at once, except while :class:`SaveAndStop` waits for the end of a step. What runs inside has ended,
    and given its locks back, when the job is requeued.
    """
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def stop(number: int, frame: FrameType | None) -> None:
        _ignore_from_now()
        name = signal.Signals(number).name
        raise StoppedBySignal(f"stopped by {name} outside of its steps; the same command goes on", number)

    for number in STOP_SIGNALS:
        signal.signal(number, stop)
    try:
        yield
    except StoppedBySignal as stopped:
        _ignore_from_now()  # Lightning has put the handlers above back
        if is_first():
            _requeue(stopped.number, before)
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _ignore_from_now() -> None:
    """Lets no second signal disturb what the first one has begun."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _requeue(number: int, before: Mapping[int, Any]) -> None:
    """Puts a job of SLURM back into its queue if the signal asks for that, and ends the process where submitit does it.

    SIGUSR1 and SIGUSR2 ask for it. So does SIGTERM where SLURM wants the machine for another job: it waits for the job
    to end, counts it as running until then, and as done for good if it ends by itself. A job that the user has
    canceled, or whose time is over, no longer runs for SLURM. A handler that was there before, such as submitit's,
    does it in place of ``scontrol``.
    """
    if number not in REQUEUE_SIGNALS and not _runs_for_slurm():
        return
    candidates = (number,) if number in REQUEUE_SIGNALS else reversed(REQUEUE_SIGNALS)
    handler = next((before[candidate] for candidate in candidates if callable(before[candidate])), None)
    if handler is not None:
        handler(number, None)
    elif "SLURM_JOB_ID" in os.environ:
        array = (os.environ.get(f"SLURM_ARRAY_{part}_ID") for part in ("JOB", "TASK"))
        job = "_".join(part for part in array if part) or os.environ["SLURM_JOB_ID"]
        subprocess.run(["scontrol", "requeue", job], check=False)


def _runs_for_slurm() -> bool:
    """Whether this process is in a job of SLURM that is neither canceled nor out of time."""
    if "SLURM_JOB_ID" not in os.environ:
        return False
    asked = ["scontrol", "show", "job", "--oneliner", os.environ["SLURM_JOB_ID"]]
    try:
        shown = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "JobState=RUNNING" in shown.split()


class SaveAndStop(Callback):
    """On SIGTERM, SIGUSR1 or SIGUSR2 to any process of a run, all save ``last.ckpt`` together and stop."""

    def __init__(self, checkpoints: Path) -> None:
        self.checkpoint = checkpoints / "last.ckpt"
        self.received = 0
        self.replaced: dict[int, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Takes the place of Lightning's handlers, which exchange messages between processes in mid-step."""
        self.replaced = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        for number in STOP_SIGNALS:
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = number

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        between_steps = (batch_idx + 1) % trainer.accumulate_grad_batches == 0
        saved_soon = trainer.should_stop or trainer.fit_loop.epoch_loop.batch_progress.is_last_batch
        if not between_steps or saved_soon or trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        if self._told_to_stop(trainer):
            trainer.save_checkpoint(self.checkpoint, weights_only=False)
            self._stop(f"in epoch {trainer.current_epoch + 1}, after {batch_idx + 1} batches")

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stops a run whose signal came in its last step or validation: its last epoch is saved by now."""
        if self._told_to_stop(trainer) and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            self._stop("after its last epoch")
        self._give_back()

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        self._give_back()

    def _told_to_stop(self, trainer: Trainer) -> bool:
        return trainer.strategy.reduce_boolean_decision(bool(self.received), all=False)

    def _stop(self, where: str) -> None:
        _ignore_from_now()
        self.replaced = {}
        name = signal.Signals(self.received).name if self.received else "a signal to another process"
        raise StoppedBySignal(
            f"stopped by {name} {where}; the same command goes on from {self.checkpoint}",
            self.received or signal.SIGTERM,
        )

    def _give_back(self) -> None:
        for number, handler in self.replaced.items():
            signal.signal(number, handler)
        self.replaced = {}
