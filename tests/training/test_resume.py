"""A run that was interrupted and started again equals one that never was, bit for bit on a CPU."""

import csv
import io
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from omegaconf import DictConfig
from rich.console import Console
from shrunk import shrunk
from torch.utils.data import DataLoader, Dataset

from lcoins.data.types import Batch
from lcoins.data.workers import STOP_SIGNALS, ignore_stop_signals
from lcoins.training import run
from lcoins.training.module import ColorizationTraining
from lcoins.training.run import train_run
from lcoins.training.stopping import StoppedBySignal, stoppable

EPOCHS, STEPS = 3, 4  # 64 scenes in batches of 16


@pytest.fixture(autouse=True)
def own_signals() -> Iterator[None]:
    """Ctrl+C interrupts, also where it was switched off for a background job; the other tests keep what they had."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def logged(folder: Path, name: str) -> dict[int, str]:
    """Every value of a figure by step, as written, over all starts of a run; the later start counts."""
    found = {}
    for file in sorted(folder.glob("csv/version_*/metrics.csv")):
        for row in csv.DictReader(file.read_text().splitlines()):
            if row.get(name):
                found[int(row["step"])] = row[name]
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    content = torch.load(folder / "checkpoints" / "last.ckpt", weights_only=True)
    both = {"averaged": content["state_dict"], "current": content.get("current_model_state", {})}
    return {f"{kind}.{name}": value for kind, state in both.items() for name, value in state.items()}


def interrupted_at(
    step: int, monkeypatch: pytest.MonkeyPatch, sent: signal.Signals = signal.SIGINT
) -> Callable[[DictConfig, Path], None]:
    """Runs a training in which the user presses Ctrl+C before this step, or which another signal reaches in it."""
    train_step = ColorizationTraining.training_step

    def pressed(self: ColorizationTraining, batch: Batch, batch_idx: int) -> torch.Tensor:
        if self.global_step == step:
            signal.raise_signal(sent)
        return train_step(self, batch, batch_idx)

    def train_until_then(cfg: DictConfig, folder: Path) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(ColorizationTraining, "training_step", pressed)
            train_run(cfg, folder)

    return train_until_then


@pytest.fixture
def batches_reached(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, list[str]]]:
    """The epoch and the names of every training batch, as they reach the module."""
    batches: list[tuple[int, list[str]]] = []
    start = ColorizationTraining.on_train_batch_start

    def noted(self: ColorizationTraining, batch: Batch, batch_idx: int) -> None:
        batches.append((self.current_epoch, batch.names))
        start(self, batch, batch_idx)

    monkeypatch.setattr(ColorizationTraining, "on_train_batch_start", noted)
    return batches


@pytest.mark.parametrize(("step", "ema"), [(STEPS, "0.9"), (2 * STEPS + 2, "null")], ids=["between", "within"])
def test_a_resumed_run_equals_an_uninterrupted_one(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, batches_reached: list[tuple[int, list[str]]], step: int, ema: str
) -> None:
    cfg = shrunk(f"recipe.epochs={EPOCHS}", f"recipe.ema={ema}")
    whole, parts = run_folder / "whole", run_folder / "parts"
    figures = train_run(cfg, whole)
    expected_batches = list(batches_reached)
    batches_reached.clear()
    with pytest.raises(KeyboardInterrupt, match=r"go on from .*last\.ckpt"):
        interrupted_at(step, monkeypatch)(cfg, parts)
    batches_reached.clear()
    assert not (parts / "metrics.json").exists()
    resumed = train_run(cfg, parts)

    assert batches_reached == expected_batches[step // STEPS * STEPS :]
    expected, got = weights(whole), weights(parts)
    assert expected.keys() == got.keys()
    assert [name for name, value in expected.items() if not torch.equal(value, got[name])] == []
    for name in ("train/loss", "train/counter_color", "val/psnr", "val/chromatic"):
        assert len(logged(whole, name)) == (EPOCHS * STEPS if name.startswith("train") else EPOCHS)
        assert logged(parts, name) == logged(whole, name)
    assert resumed == figures
    assert len(list((parts / "csv").iterdir())) == 2


@pytest.mark.parametrize(("sent", "step"), [(signal.SIGTERM, 1), (signal.SIGUSR2, STEPS + 2)])
def test_a_run_that_is_told_to_stop_goes_on_from_the_same_step(
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    sent: signal.Signals,
    step: int,
) -> None:
    """In the middle of an epoch, bit for bit, and a handler that was there before puts the job back into its queue."""
    cfg = shrunk("recipe.epochs=2", "recipe.ema=0.9")
    whole, parts = run_folder / "whole", run_folder / "parts"
    figures = train_run(cfg, whole)
    requeued: list[int] = []
    handler = signal.signal(signal.SIGUSR2, lambda number, frame: requeued.append(number))
    try:
        with pytest.raises(StoppedBySignal, match=rf"stopped by {sent.name} in epoch .*goes on from .*last\.ckpt"):
            interrupted_at(step, monkeypatch, sent)(cfg, parts)
    finally:
        signal.signal(signal.SIGUSR2, handler)
    assert "weights_only" not in caplog.text  # which Lightning says where it is left out
    assert requeued == ([sent] if sent == signal.SIGUSR2 else [])
    saved = torch.load(parts / "checkpoints" / "last.ckpt", weights_only=True)
    assert saved["global_step"] == step + 1
    assert train_run(cfg, parts) == figures
    expected, got = weights(whole), weights(parts)
    assert [name for name, value in expected.items() if not torch.equal(value, got[name])] == []
    lines = logged(whole, "train/loss")
    del lines[step]  # a step is logged when all callbacks are done with it, and this one ended in its callback
    assert logged(parts, "train/loss") == lines


@pytest.mark.parametrize(("length", "steps"), [("recipe.epochs=1", STEPS), ("trainer.max_steps=3", 3)])
def test_a_run_that_is_told_to_stop_in_its_last_step_has_its_evaluation_later(
    run_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    batches_reached: list[tuple[int, list[str]]],
    length: str,
    steps: int,
) -> None:
    """Also in the middle of an epoch: it is validated first, for a start after the last step trains nothing."""
    cfg = shrunk(length)
    with pytest.raises(StoppedBySignal, match=r"stopped by SIGTERM after its last epoch; .*goes on from .*last\.ckpt"):
        interrupted_at(steps - 1, monkeypatch, signal.SIGTERM)(cfg, run_folder)
    assert len(batches_reached) == steps
    assert not (run_folder / "test").exists()
    assert train_run(cfg, run_folder)
    assert len(batches_reached) == steps


def test_photos_that_are_learned_by_heart_stay_the_same_when_a_run_goes_on(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, batches_reached: list[tuple[int, list[str]]]
) -> None:
    """The same batches in both epochs, also in one that was stopped after its first."""
    cfg = shrunk("debug=overfit", "trainer.overfit_batches=2", "recipe.epochs=2")
    with pytest.raises(StoppedBySignal):
        interrupted_at(2, monkeypatch, signal.SIGTERM)(cfg, run_folder)
    train_run(cfg, run_folder)
    first, second = ([f"train/{i:05d}" for i in range(start, start + 16)] for start in (0, 16))
    assert batches_reached == [(epoch, names) for epoch in (0, 1) for names in (first, second)]


def test_each_epoch_has_its_own_scenes(run_folder: Path, batches_reached: list[tuple[int, list[str]]]) -> None:
    train_run(shrunk("recipe.epochs=2"), run_folder)
    for epoch in (0, 1):
        names = sorted(name for at, batch in batches_reached for name in batch if at == epoch)
        assert names == [f"train/{epoch * 64 + i:05d}" for i in range(64)]


def test_an_interrupt_before_the_first_checkpoint_starts_over(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = shrunk("recipe.epochs=1")
    with pytest.raises(KeyboardInterrupt, match="from its beginning"):
        interrupted_at(2, monkeypatch)(cfg, run_folder)
    assert train_run(cfg, run_folder)
    assert (run_folder / "metrics.json").exists()


def test_an_interrupt_during_the_evaluation_repeats_only_that(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch, batches_reached: list[tuple[int, list[str]]]
) -> None:
    cfg = shrunk("recipe.epochs=1")

    def pressed(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(run, "evaluate_test_sets", pressed)
        train_run(cfg, run_folder)
    batches_reached.clear()
    with monkeypatch.context() as patch:
        patch.setattr(run, "console", Console(file=(said := io.StringIO())))
        assert train_run(cfg, run_folder)
    assert batches_reached == [] and "last.ckpt, after epoch 1" in said.getvalue().replace("\n", "")


def test_the_last_checkpoint_follows_every_epoch_even_if_it_is_not_the_best(
    run_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cfg = shrunk("recipe.epochs=3")
    module_end = ColorizationTraining.validation_step

    def worse(self: ColorizationTraining, batch: Batch, batch_idx: int) -> None:
        module_end(self, batch, batch_idx)
        self.log("val/falling", -float(self.current_epoch), batch_size=len(batch))

    monkeypatch.setattr(ColorizationTraining, "validation_step", worse)
    monkeypatch.setattr("lcoins.training.build.MONITORED", ("val/falling",))
    cfg.recipe.monitor = "val/falling"
    monkeypatch.setattr("lcoins.training.build.MONITORED", ("val/falling",))
    train_run(cfg, run_folder)
    steps = {
        name: torch.load(run_folder / "checkpoints" / f"{name}.ckpt", weights_only=True)["global_step"]
        for name in ("best", "last")
    }
    assert steps == {"best": STEPS, "last": 3 * STEPS}
    assert sorted(path.name for path in (run_folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]


def test_a_signal_outside_of_the_steps_stops_a_run_at_once(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its evaluation: the lock is given back before the job is requeued, and a second signal disturbs nothing."""
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    locked: list[bool] = []

    def evaluated(*arguments: object) -> None:
        try:
            signal.raise_signal(signal.SIGUSR2)
        finally:
            signal.raise_signal(signal.SIGTERM)

    handler = signal.signal(signal.SIGUSR2, lambda number, frame: locked.append((run_folder / ".lock").exists()))
    try:
        with monkeypatch.context() as patch, pytest.raises(StoppedBySignal, match="stopped by SIGUSR2 outside of its"):
            patch.setattr(run, "evaluate_test_sets", evaluated)
            train_run(shrunk("recipe.epochs=1"), run_folder)
    finally:
        signal.signal(signal.SIGUSR2, handler)
    assert locked == [False]
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


@pytest.mark.parametrize(("state", "requeued"), [("RUNNING", True), ("CANCELLED", False), ("", False)])
def test_slurm_requeues_what_it_takes_away_and_not_what_the_user_cancels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, requeued: bool
) -> None:
    """On SIGTERM; the job of an array is named by both of its numbers."""
    program, asked = tmp_path / "scontrol", tmp_path / "asked"
    program.write_text(f'#!/bin/sh\necho "$@" >> {asked}\necho "JobId=7 JobState={state} Requeue=1"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name, value in {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StoppedBySignal), stoppable():
        signal.raise_signal(signal.SIGTERM)
    calls = asked.read_text().splitlines()
    assert calls == ["show job --oneliner 7", *(["requeue 5_2"] if requeued else [])]


def test_a_worker_of_a_loader_leaves_signals_to_the_run() -> None:
    """A cluster sends them to workers, too, which were forked with the handlers of the run."""
    received: list[int] = []
    handlers = {number: signal.signal(number, lambda number, frame: received.append(number)) for number in STOP_SIGNALS}
    try:
        loader = DataLoader(SignalSet(), num_workers=1, worker_init_fn=ignore_stop_signals)
        assert [int(value) for value in loader] == list(range(len(STOP_SIGNALS)))
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert not received


class SignalSet(Dataset[int]):
    """Each item sends another signal to the process that reads it."""

    def __len__(self) -> int:
        return len(STOP_SIGNALS)

    def __getitem__(self, index: int) -> int:
        os.kill(os.getpid(), STOP_SIGNALS[index])
        return index
