"""Commands in processes of their own that have imported everything: to be killed, starved, raced and counted.

A start of `lcoins` costs seconds of imports; a fork of a process that has them costs none, so that the suite of faults
affords hundreds of starts.
"""

import hashlib
import io
import json
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
import torch
from drawn_photos import drawn_photo

PRELOADED = [
    *("torch", "lightning", "hydra", "wandb", "torchmetrics", "scipy.ndimage", "skimage.metrics", "matplotlib.pyplot"),
    *("transformers", "rich.progress", "jinja2", "sqlalchemy", "lcoins.cli.main", "lcoins.cli.hydra_commands"),
    *("lcoins.colorize.batch", "lcoins.colorize.clip", "lcoins.colorize.export", "lcoins.data.pack_writer"),
    *("lcoins.data.build.own_photos", "lcoins.reports.html", "lcoins.training.run", "faulty"),
]
TRACEBACK = re.compile(r"Traceback \(most recent call last\)|RuntimeWarning|panicked at|Segmentation fault")
CRASHED = 70  # the status of a command that ends by an exception


def forks() -> multiprocessing.context.ForkServerContext:
    """Where commands are started from; the first start imports everything."""
    os.environ["PYTHONPATH"] = os.pathsep.join(map(os.path.abspath, sys.path))
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


@dataclass
class Done:
    """A command that has ended: its status, negative for a signal, what it printed, and its seconds."""

    status: int | None
    said: str
    seconds: float

    @property
    def crashed(self) -> bool:
        """Whether the user saw a traceback, or the process died by itself."""
        return TRACEBACK.search(self.said) is not None or self.status == CRASHED or (self.status or 0) < 0


class Started:
    """A command that runs in ``folder``."""

    def __init__(self, folder: Path, arguments: Sequence[str], encoding: str = "utf-8", largest: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(suffix=".log")
        os.close(handle)
        self.log, self.start = Path(name), time.monotonic()
        call = (str(folder), list(arguments), str(self.log), encoding, largest)
        self.process: BaseProcess = forks().Process(target=_command, args=call)
        self.process.start()

    def kill(self) -> None:
        """Ends the command and all that it has started, as by a power cut."""
        assert self.process.pid is not None
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:  # before it has a group of its own, or after its end
            self.process.kill()

    def wait(self, seconds: float = 240) -> Done:
        """What came of it; one that hangs is killed and fails the test."""
        self.process.join(seconds)
        if hung := self.process.is_alive():
            self.kill()
            self.process.join()
        said = self.log.read_text(encoding="utf-8", errors="replace")
        self.log.unlink()
        assert not hung, f"it hung: {said[-500:]}"
        return Done(self.process.exitcode, said, time.monotonic() - self.start)


def run(folder: Path, *arguments: str, encoding: str = "utf-8", largest: int = 0) -> Done:
    """Runs a command to its end; ``largest`` bounds the bytes of each file it writes, where that is not 0."""
    return Started(folder, arguments, encoding, largest).wait()


def _enter(folder: str, log: str, encoding: str) -> None:
    """What makes a fork a process of its own: a group, a folder, and streams as PYTHONIOENCODING gives them."""
    os.setsid()
    os.chdir(folder)
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(descriptor, stream)
    sys.stdin = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), encoding=encoding, line_buffering=True)
    sys.stderr = io.TextIOWrapper(
        os.fdopen(2, "wb", closefd=False), encoding=encoding, errors="backslashreplace", line_buffering=True
    )
    Path(".tmp").mkdir(exist_ok=True)
    os.environ.update(COLUMNS="200", WANDB_MODE="offline", HYDRA_FULL_ERROR="0", TMPDIR=os.path.abspath(".tmp"))
    tempfile.tempdir = None


def _command(folder: str, arguments: list[str], log: str, encoding: str, largest: int) -> None:
    _enter(folder, log, encoding)
    if largest:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    status = _called(arguments)
    sys.stdout.flush()
    os._exit(status)  # as at the end of a process; what is registered for the end of Python belongs to the parent


def _called(arguments: list[str]) -> int:
    """Calls the command in this process; its status, CRASHED where an exception came through."""
    from lcoins.cli.main import main

    sys.argv = ["lcoins", *arguments]
    try:
        main()
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except BaseException:
        traceback.print_exc()
        return CRASHED
    return 0


def run_many(folder: Path, calls: Sequence[Sequence[str]], seconds: float = 20) -> list[tuple[Sequence[str], Done]]:
    """Calls that end soon, one after the other in one process; one that takes longer than ``seconds`` is cut off."""
    answers = folder / "answers.jsonl"
    answers.unlink(missing_ok=True)
    process = forks().Process(target=_many, args=(str(folder), [list(call) for call in calls], str(answers), seconds))
    process.start()
    process.join(len(calls) * seconds)
    lines = [json.loads(line) for line in answers.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == len(calls), f"the process ended with {process.exitcode} at {calls[len(lines)]}"
    return [
        (call, Done(line["status"], line["said"], line["seconds"])) for call, line in zip(calls, lines, strict=True)
    ]


def _many(folder: str, calls: list[list[str]], answers: str, seconds: float) -> None:
    from hydra.core.global_hydra import GlobalHydra

    log = Path(folder) / "said.log"
    log.touch()
    _enter(folder, str(log), "utf-8")

    def cut_off(*_: object) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGALRM, cut_off)
    for call in calls:
        start, before = time.monotonic(), log.stat().st_size
        signal.setitimer(signal.ITIMER_REAL, seconds)
        status = _called(call)
        signal.setitimer(signal.ITIMER_REAL, 0)
        GlobalHydra.instance().clear()
        sys.stdout.flush()
        os.chdir(folder)
        said = log.read_bytes()[before:].decode("utf-8", "replace")
        with open(answers, "a", encoding="utf-8") as file:
            line = {"status": status, "said": said[-4000:], "seconds": time.monotonic() - start}
            file.write(json.dumps(line) + "\n")
    os._exit(0)


def draw_captioned(photos: Path, listed: Path, size: tuple[int, int], captions: Sequence[str]) -> None:
    """Draws a photo f0.png, f1.png, ... of a size (width, height) for each caption, and lists them."""
    photos.mkdir(parents=True)
    lines = ["photo,caption"]
    for number, caption in enumerate(captions):
        drawn_photo(*size, number).save(photos / f"f{number}.png")
        lines.append(f"f{number}.png,{caption}")
    listed.write_text("\n".join(lines) + "\n", encoding="utf-8")


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file below a folder by its relative name, without locks, temporary files and logs.

    Of a checkpoint it is that of the weights, since the rest of it says how long training took.
    """
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.is_file() and not hidden and path.suffix != ".log" and "csv" not in name.parts:
            content = _weights(path) if path.suffix == ".ckpt" else path.read_bytes()
            found[name.as_posix()] = hashlib.sha256(content).hexdigest()
    return found


def _weights(path: Path) -> bytes:
    """The weights of a checkpoint, which is read whole."""
    state = torch.load(path, weights_only=True)["state_dict"]
    return b"".join(name.encode() + tensor.numpy().tobytes() for name, tensor in state.items())


@contextmanager
def small_disk(place: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A disk of a size at ``place``, and a function that changes its size; skips the test where none can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        yield lambda new: subprocess.run(["mount", "-o", f"remount,size={new}", str(place)], check=True) and None
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


@dataclass
class Counts:
    """What the suite has done, for the table at its end."""

    rows: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, row: str, **numbers: int) -> None:
        counted = self.rows.setdefault(row, {})
        for name, number in numbers.items():
            counted[name] = counted.get(name, 0) + number

    def table(self) -> list[str]:
        width = max(map(len, self.rows), default=0)
        return [
            f"{row:<{width}}  " + ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in numbers.items())
            for row, numbers in self.rows.items()
        ]
