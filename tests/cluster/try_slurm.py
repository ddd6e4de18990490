"""Trains on a real SLURM in this machine: one task, two, two machines, taken away, canceled. No test of pytest.

    apt-get install slurm-wlm munge      # Debian's, nothing else of it is used than its programs
    .venv/bin/python tests/cluster/try_slurm.py [--folder DIR]

It needs neither root nor a GPU, and took 25 minutes on two cores that were busy with other work.
"""

import argparse
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from slurm_box import Box

TESTS = ("clear", "instances", "unobserved", "counter", "recolor")
SHORT = (
    "trainer=cpu",
    "trainer.precision=32-true",
    "name=box",
    "recipe.epochs=4",
    "recipe.pictures=1",
    "data.train.length=80",
    "data.batch_size=4",
    "data.val.length=4",
    *(f"data.tests.{name}.length=2" for name in TESTS),
    "evaluation.lpips={}",
    "evaluation.recolor=false",
)


SMALL_JOB = ("hydra.launcher.cpus_per_task=1", "hydra.launcher.timeout_min=120")  # the box has two cores a node
TRAIN = (sys.executable, "-m", "lcoins.cli.main", "train", *SHORT)
SCRIPT = """#!/bin/bash
#SBATCH --job-name=train --nodes=1 --ntasks-per-node=2 --cpus-per-task=1 --time=120
#SBATCH --signal=USR2@180 --requeue --open-mode=append
srun {command}
"""


class Run:
    """A run that ``lcoins train`` gives to SLURM; ``driver`` is that command, which waits for its end."""

    def __init__(self, box: Box, name: str, *overrides: str) -> None:
        self.box, self.runs = box, box.folder / name
        command = [*TRAIN, *SMALL_JOB, *overrides, f"runs={self.runs}"]
        log = (box.folder / f"{name}.log").open("ab")
        self.driver = subprocess.Popen(command, env=box.environment, stdout=log, stderr=log, cwd=box.folder)

    @property
    def folder(self) -> Path | None:
        return next((path.parent for path in self.runs.glob("box/*/*/config.yaml")), None)

    def has(self, file: str) -> bool:
        return self.folder is not None and (self.folder / file).exists()

    def job(self) -> str:
        return self.box.asked("squeue", "-h", "--name=train", "-o", "%A").partition("\n")[0]

    def log(self) -> str:
        return "".join(path.read_text() for path in sorted(self.runs.glob(".submitit/*/*_0_log.*")))

    def ended(self) -> None:
        self.box.until(lambda: self.driver.poll() is not None, f"the end of {self.runs.name}")
        assert self.driver.returncode == 0, f"lcoins train ended with {self.driver.returncode}: see {self.runs}.log"
        assert self.has("metrics.json")


def weights(run: Run) -> dict[str, torch.Tensor]:
    assert run.folder is not None
    return torch.load(run.folder / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {text}", flush=True)


def canceled(box: Box) -> None:
    """A run of one task that the user cancels saves where it is and stays away until its command is started again."""
    run = Run(box, "one", "cluster=slurm", "trainer.devices=1")
    box.until(lambda: run.has("checkpoints/last.ckpt"), "a first epoch")
    box.asked("scancel", run.job())
    box.until(lambda: not run.job(), "the end of a canceled job")
    run.driver.terminate()  # without accounting, submitit does not learn that the job is gone
    run.driver.wait()
    assert "stopped by SIGTERM in epoch" in run.log() and not run.has("metrics.json") and not run.has(".lock")
    say("one task: canceled, saved, not queued again")
    run = Run(box, "one", "cluster=slurm", "trainer.devices=1")
    run.ended()
    assert "resuming from" in run.log()
    say("the same command went on to its end")


def taken_away(box: Box) -> None:
    """Two machines are taken away twice, by a signal before the time is over and for a more important job."""
    whole = Run(box, "whole", "cluster=slurm", "trainer.devices=2")
    whole.ended()
    assert whole.folder is not None
    assert [path.name for path in whole.folder.glob("csv/*")] == ["version_0"]
    say("two tasks on one machine: trained")

    run = Run(box, "parts", "cluster=slurm_nodes", "trainer.devices=1", "data.workers=1")
    box.until(lambda: run.has("checkpoints/last.ckpt"), "a first epoch")
    job = run.job()
    assert box.asked("squeue", "-h", "-o", "%D", "-j", job) == "2"
    box.asked("scancel", "--signal=USR2", job)
    box.until(lambda: "stopped by SIGUSR2" in run.log() or "Requeued job" in run.log(), "a job that saves")
    say("two machines: told to stop by SIGUSR2, saved, queued again")
    box.until(lambda: run.log().count("resuming from") == 1, "a job that goes on")
    stamp = (run.folder / "checkpoints" / "last.ckpt").stat().st_mtime_ns if run.folder else 0
    box.until(lambda: run.folder and (run.folder / "checkpoints/last.ckpt").stat().st_mtime_ns > stamp, "another epoch")
    box.asked("sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null", "--wrap=sleep 5")
    box.until(lambda: run.log().count("Requeued job") == 2, "a job that gives way")
    say("two machines: gave way to a more important job, saved, queued again")
    run.ended()
    assert run.log().count("resuming from") == 2
    expected, got = weights(whole), weights(run)
    assert expected.keys() == got.keys()
    different = [name for name, value in expected.items() if not torch.equal(value, got[name])]
    assert not different, f"{len(different)} of {len(expected)} tensors differ: {different[:3]}"
    say(f"all {len(expected)} tensors equal those of the run that nobody disturbed")

    own_script(box, expected)


def own_script(box: Box, expected: dict[str, torch.Tensor]) -> None:
    """The same two tasks from a script of the user's, without submitit: the run asks SLURM to queue it again."""
    runs, log, script = box.folder / "own", box.folder / "own.log", box.folder / "own.sh"
    script.write_text(SCRIPT.format(command=shlex.join([*TRAIN, "trainer.devices=2", f"runs={runs}"])))
    job = box.asked("sbatch", "--parsable", f"--output={log}", str(script))
    box.until(lambda: list(runs.glob("box/*/*/checkpoints/last.ckpt")), "a first epoch")
    box.asked("scancel", "--signal=USR2", job)
    box.until(lambda: "resuming from" in log.read_text(), "a job that goes on")
    box.until(lambda: list(runs.glob("box/*/*/metrics.json")), "its end")
    (last,) = runs.glob("box/*/*/checkpoints/last.ckpt")
    got = torch.load(last, weights_only=True)["state_dict"]
    assert all(torch.equal(value, got[name]) for name, value in expected.items())
    say("a script with srun: told to stop, saved, queued again, the same weights")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--folder", type=Path, help="a new folder for everything that is written; default: a temporary one"
    )
    folder = parser.parse_args().folder or Path(tempfile.mkdtemp(prefix="slurm-"))
    say(f"logs and runs: {folder}")
    with Box(folder.resolve()) as box:
        say("SLURM is up, two nodes")
        canceled(box)
        taken_away(box)
    say("everything holds")


if __name__ == "__main__":
    main()
