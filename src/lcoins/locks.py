"""A lock on a folder, so that a run, a pack or a data set has one writer; a dead one's lock is taken over.

The file ``.lock`` in the folder names its holder: host, process, when the process started. The holder touches it every
few seconds. A holder on this host is asked for by its number and start time, so that a lock left by a killed process
counts for nothing at once; a holder on another host, or in another container, counts as long as it is not silent,
unless it was an earlier start of the same job: a cluster starts a job again when the one before is gone.
"""

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # on Windows
    fcntl = None

LOCK = ".lock"
HEARTBEAT = 15.0  # seconds between two signs of life
SILENCE = 600.0  # seconds after which a holder that cannot be asked for counts as dead


class FolderInUse(RuntimeError):
    """Another process holds the lock of a folder."""


@dataclass(frozen=True)
class Holder:
    """A process that holds a lock; ``place`` is its host and, where processes are numbered apart, its container."""

    host: str
    place: str
    pid: int
    birth: str  # tells the process from another one with the same number later
    started: float  # seconds since 1970
    token: str
    job: str = ""  # of SLURM, which the job keeps when it is started again; and how often it was
    restarts: int = 0

    @property
    def is_here(self) -> bool:
        """Whether this process can see the other one, if it lives."""
        return self.place == _place()


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Holds the lock of ``folder``, which is made if it does not exist, and removed again if it stays empty.

    Raises FolderInUse, with the other's host, process and age, if another process holds it.
    """
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LOCK
    birth = process_birth(os.getpid()) or ""
    mine = Holder(socket.gethostname(), _place(), os.getpid(), birth, _started(), uuid.uuid4().hex, *_job())
    with in_turn(folder):
        _take(path, mine)
    done = threading.Event()
    threading.Thread(target=_keep_alive, args=(path, done), daemon=True).start()
    try:
        yield
    finally:
        done.set()
        if _holder(path) == mine:
            path.unlink(missing_ok=True)
        if new:
            with suppress(OSError):
                folder.rmdir()  # if nothing came of it


@contextmanager
def in_turn(folder: Path) -> Iterator[None]:
    """Lets the processes of this host into the block one after the other, where the file system can do that."""
    if fcntl is None:
        yield
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _take(path: Path, mine: Holder) -> None:
    """Puts our name where none is, or where a dead one's is."""
    own = path.with_name(f"{LOCK}.{mine.token}")
    own.write_text(json.dumps(asdict(mine)), encoding="utf-8")
    try:
        other, age = _holder(path), _age(path, own)
        if other is not None and age is not None and not _is_dead(other, age, mine):
            raise FolderInUse(_described(path.parent, other, age))
        path.unlink(missing_ok=True)
        _put(own, path)
    except FileExistsError:
        raise FolderInUse(f"{path.parent} is wanted by two processes at once; try again") from None
    finally:
        own.unlink(missing_ok=True)


def _put(own: Path, path: Path) -> None:
    """Gives a file a second name, which never shows half a file; FileExistsError if another host was faster."""
    try:
        os.link(own, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without second names, such as that of a memory card
        with path.open("x", encoding="utf-8") as file:
            file.write(own.read_text(encoding="utf-8"))


def _is_dead(other: Holder, age: float, mine: Holder) -> bool:
    if other.job and other.job == mine.job and other.restarts < mine.restarts:
        return True
    if other.is_here:
        return process_birth(other.pid) != other.birth
    return age > SILENCE


def _described(folder: Path, other: Holder, age: float) -> str:
    age_of_process = _duration(time.time() - other.started)
    silence = f", last sign of life {_duration(age)} ago (it counts as dead after {_duration(SILENCE)})"
    return (
        f"{folder} is in use by process {other.pid} on {other.host}, started {age_of_process} ago"
        f"{'' if other.is_here else silence}; wait for it, stop it, or take another folder"
    )


def _duration(seconds: float) -> str:
    """
    >>> _duration(7), _duration(300), _duration(7200)
    ('7 s', '5 min', '2.0 h')
    """
    if seconds < 120:
        return f"{max(0, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _holder(path: Path) -> Holder | None:
    """Whom a lock names; None where there is none, or none that can be read."""
    try:
        return Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _age(path: Path, own: Path) -> float | None:
    """Seconds since the last sign of life, by the clock of the file system; None if the lock is gone."""
    try:
        return own.stat().st_mtime - path.stat().st_mtime
    except FileNotFoundError:
        return None


def _keep_alive(path: Path, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT):
        with suppress(OSError):
            os.utime(path)


def _place() -> str:
    """This host and, on Linux, the space in which its processes are numbered, which differs between containers."""
    with suppress(OSError):
        return f"{socket.gethostname()} {os.readlink('/proc/self/ns/pid')}"
    return socket.gethostname()


def _job() -> tuple[str, int]:
    """The job of SLURM that this process is in, "" outside of one, and how often it was started again."""
    if "SLURM_JOB_ID" not in os.environ:
        return "", 0
    job = f"{os.environ.get('SLURM_CLUSTER_NAME', '')} {os.environ['SLURM_JOB_ID']}"
    return job, int(os.environ.get("SLURM_RESTART_COUNT", 0))


def process_birth(pid: int) -> str | None:
    """What tells a process of this host from others that had or will have its number; None if there is none.

    Where /proc is missing, all that exist have the same.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
        return None if fields[0] in ("Z", "X") else f"{boot} {fields[19]}"
    except OSError:  # no such process, or no /proc
        pass
    try:
        os.kill(pid, 0)
    except PermissionError:  # of another user
        return ""
    except (OSError, OverflowError):
        return None
    return ""


def _started() -> float:
    """About when this process started, in seconds since 1970."""
    try:
        uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
        ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
        return time.time() - uptime + ticks / os.sysconf("SC_CLK_TCK")
    except OSError:
        return time.time()
