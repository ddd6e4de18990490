"""What two processes do together, each started as `python two_ranks.py NAME FOLDER` by :func:`started`; no test."""

import hashlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]


def environment(rank: int, port: int) -> dict[str, str]:
    """What torchrun gives to a process."""
    given: dict[str, Any] = {
        "TORCH_CPP_LOG_LEVEL": "ERROR",
        "TORCHELASTIC_RUN_ID": "none",
        "RANK": rank,
        "LOCAL_RANK": rank,
        "WORLD_SIZE": 2,
    }
    given |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    paths = [str(TESTS), *sys.path]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)} | {name: str(value) for name, value in given.items()}


def started(name: str, folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Runs a function of this file in two processes, and returns what they printed, rank by rank."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(Path(__file__).resolve()), name, str(folder)]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": folder}
    both = [subprocess.Popen(command, env=environment(rank, port), **pipes) for rank in (0, 1)]
    done = []
    try:
        for process in both:
            out, err = process.communicate(timeout=900)
            done.append(subprocess.CompletedProcess(command, process.returncode, out, err))
    finally:
        for process in both:
            process.kill()
    return done


def digests_of(module: Any) -> str:
    values = b"".join(value.detach().numpy().tobytes() for value in module.state_dict().values())
    return hashlib.sha256(values).hexdigest()


def noted_epochs(folder: Path) -> None:
    """Makes each process write down the digest of its weights at the end of each epoch."""
    from lcoins.training.module import ColorizationTraining

    def ended(self: ColorizationTraining) -> None:
        with (folder / f"weights_{self.global_rank}.txt").open("a") as file:
            file.write(digests_of(self) + "\n")

    ColorizationTraining.on_train_epoch_end = ended  # type: ignore[method-assign]


def without_noise() -> dict[str, Any]:
    """The shrunk model without groups, dropout and stochastic depth, whose draws differ between processes."""
    from shrunk import MODEL, NO_GROUPS, transformer

    sure = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    text = {**MODEL["text_encoder"], "config": {**MODEL["text_encoder"]["config"], **sure}}
    image = {**MODEL["image_encoder"], "drop_path": 0.0}
    still = transformer(n_groups=0, attention="joint", drop_path=0.0)
    return {**NO_GROUPS, **still, "text_encoder": text, "image_encoder": image}


def train(folder: Path) -> None:
    """Trains what the test also trains in one process."""
    from shrunk import shrunk

    from lcoins.training.run import train_run

    noted_epochs(folder)
    odd = json.loads((folder / "overrides.json").read_text())
    train_run(shrunk("trainer.devices=2", "data.batch_size=8", *odd, **without_noise()), folder / "two")


def systems(folder: Path) -> None:
    """Two steps of every system, and of L-CoIns where some parameters get no gradient or weights are averaged."""
    from shrunk import NO_COUNTER_COLOR, SYSTEMS, shrunk, small

    from lcoins.training import run

    run.evaluate_run = lambda *_: {}  # type: ignore[assignment]
    noted_epochs(folder)
    steps = ("trainer.devices=2", "data.batch_size=4", "data.train.length=16", "recipe.epochs=1", "data.val.length=2")
    wanted = {system: small(system, *steps) for system in SYSTEMS}
    wanted["full"] = shrunk(*steps)
    wanted["beta=0"] = shrunk(*steps, "objective.beta=0")
    wanted["no_cl"] = shrunk(*steps, "ablation=no_cl", **NO_COUNTER_COLOR)
    wanted["ema"] = shrunk(*steps, "recipe.ema=0.9")
    wanted["accumulated"] = shrunk(*steps, "trainer.accumulate_grad_batches=2", "trainer.gradient_clip_val=0.5")
    for name, cfg in wanted.items():
        run.train_run(cfg, folder / name)


def train_and_systems(folder: Path) -> None:
    train(folder)
    (folder / "systems").mkdir(exist_ok=True)
    systems(folder / "systems")


if __name__ == "__main__":
    import torch

    torch.set_num_threads(1)
    globals()[sys.argv[1]](Path(sys.argv[2]))
