"""The processes of a distributed training, one a device: which of them writes, and how the others start and end.

Under ``torchrun`` and ``srun`` all processes are there from the beginning, started by the same command. Otherwise the
first process starts the others of its machine when its trainer has several devices, gives them its own config, and ends
them with its training; so neither the command line nor a sweep is read again.
"""

import json
import logging
import os
import subprocess
import sys
import threading
from _thread import interrupt_main
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch.distributed
from lightning import Trainer
from lightning.pytorch.strategies import ParallelStrategy

# The variables in which launchers give the number of a process; 0 in all of them, or none, is the first process of all.
RANK_VARIABLES = ("RANK", "LOCAL_RANK", "NODE_RANK", "GROUP_RANK", "SLURM_PROCID")
COUNT_VARIABLES = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS")
CHILD = ("-m", "lcoins.cli.rank")
PATIENCE = 60.0  # seconds in which a process may end by itself


def is_first() -> bool:
    """Whether this process is the first of its training: the one that writes files, prints and logs."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank() == 0
    return all(int(os.environ.get(name) or 0) == 0 for name in RANK_VARIABLES)


def expect_all_processes(processes: int) -> None:
    """Refuses a trainer of ``processes`` devices where a launcher has started another number of processes.

    Each of them would train alone, into the same folder. Raises ValueError.
    """
    started = next((int(os.environ[name]) for name in COUNT_VARIABLES if name in os.environ), None)
    if ((started or 1) > 1 and started != processes) or (processes == 1 and not is_first()):
        raise ValueError(
            f"torchrun or srun has started {started or 'several'} processes, but trainer.devices and trainer.num_nodes "
            f"ask for {processes}; start one for each device, for example with trainer=ddp trainer.devices="
            f"{started or 2}"
        )


@contextmanager
def quiet_unless_first() -> Iterator[None]:
    """Keeps all processes but the first from printing and from Lightning's log; errors still reach standard error."""
    if is_first():
        yield
        return
    with errors_logged_alone(), open(os.devnull, "w", encoding="utf-8") as nowhere, redirect_stdout(nowhere):
        yield


@contextmanager
def errors_logged_alone() -> Iterator[None]:
    """Keeps everything but errors out of Lightning's log."""
    logs = {log: log.level for log in map(logging.getLogger, ("lightning.pytorch", "lightning.fabric"))}
    for log in logs:
        log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for log, level in logs.items():
            log.setLevel(level)


@contextmanager
def all_ranks(trainer: Trainer, config: Mapping[str, Any], folder: Path) -> Iterator[None]:
    """Starts the other processes of this machine, if the trainer needs some and nothing has, and ends them at the end.

    Args:
        trainer: The trainer of this process.
        config: The plain config of the run, which the others train by, too.
        folder: The run's folder.

    Raises RuntimeError if one of them fails; its own message is on standard error by then.
    """
    strategy = trainer.strategy
    cluster = strategy.cluster_environment if isinstance(strategy, ParallelStrategy) else None
    if cluster is None or trainer.world_size == 1 or cluster.creates_processes_externally:
        yield
        return
    environment = {
        "MASTER_ADDR": cluster.main_address,
        "MASTER_PORT": str(cluster.main_port),
        "NODE_RANK": str(cluster.node_rank()),
        "LOCAL_RANK": "0",  # tells Lightning that it need not start processes itself
        "WORLD_SIZE": str(trainer.world_size),
    }
    before = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    others = _Others(trainer.num_devices, {"config": dict(config), "folder": str(folder)})
    try:
        yield
        torch.distributed.destroy_process_group()
        others.wait()
    except BaseException as error:
        if failed := others.stop():
            raise RuntimeError(
                f"process {failed[0]} of {trainer.num_devices} failed with status {failed[1]}; its error stands above. "
                "Start the same command again to go on from the last checkpoint"
            ) from error
        raise
    finally:
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


class _Others:
    """The other processes of this machine.

    They are in sessions of their own, so that Ctrl+C reaches the first process alone, which ends them. Each reads its
    job from a pipe and ends when the pipe closes, also where the first process was killed.
    """

    def __init__(self, count: int, job: Mapping[str, Any]) -> None:
        self.processes: dict[int, subprocess.Popen[str]] = {}
        for rank in range(1, count):
            process = subprocess.Popen(
                [sys.executable, *CHILD],
                env={"TORCH_CPP_LOG_LEVEL": "ERROR", **os.environ, "LOCAL_RANK": str(rank)},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps(job) + "\n")
            process.stdin.flush()
            self.processes[rank] = process
        self.done = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def failed(self) -> tuple[int, int] | None:
        """The number of a process that has failed, and its status."""
        ended = {rank: process.poll() for rank, process in self.processes.items()}
        return next(((rank, status) for rank, status in ended.items() if status), None)

    def _watch(self) -> None:
        """Interrupts the first process when another has failed, for it may wait for that one without end."""
        while not self.done.wait(0.5):
            if self.failed():
                if self.done.wait(2.0):  # mostly the first process notices by itself
                    return
                interrupt_main()
                if not self.done.wait(PATIENCE):
                    os._exit(2)  # it waits outside of Python, for a device
                return

    def wait(self) -> None:
        """Waits for the end of all."""
        self.done.set()
        for rank, process in self.processes.items():
            if status := process.wait(PATIENCE):
                raise RuntimeError(f"process {rank} ended with status {status}")
        self._close()

    def stop(self) -> tuple[int, int] | None:
        """Ends all of them; returns the number and status of one that had failed before."""
        self.done.wait(1.0)  # one that has just failed needs a moment to say so
        self.done.set()
        failed = self.failed()
        self._close()
        for process in self.processes.values():
            try:
                process.wait(3.0)
            except subprocess.TimeoutExpired:  # a loader's worker of the first process may still hold the pipe open
                process.kill()
                process.wait()
        return failed

    def _close(self) -> None:
        for process in self.processes.values():
            assert process.stdin is not None
            process.stdin.close()
