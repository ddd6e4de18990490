"""One writer for a folder: the second is refused by name, a dead one's lock is taken over, another host's respected."""

import errno
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lcoins import locks
from lcoins.locks import LOCK, FolderInUse, locked, process_birth

HOLD = "import sys, time; from pathlib import Path; from lcoins.locks import locked\n"
HOLD += "with locked(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)"


def holding(folder: Path) -> subprocess.Popen[str]:
    """Another process that holds the lock."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def other_host(folder: Path, silent: float, **job: object) -> None:
    folder.mkdir(exist_ok=True)
    holder = {"host": "node7", "place": "node7", "pid": os.getpid(), "birth": "", "started": 1.0, "token": "t"} | job
    (folder / LOCK).write_text(json.dumps(holder))
    then = time.time() - silent
    os.utime(folder / LOCK, (then, then))


def test_the_second_process_is_refused_and_a_dead_ones_lock_taken_over(tmp_path: Path) -> None:
    process = holding(tmp_path / "run")
    with process:
        expected = rf"is in use by process {process.pid} on {re.escape(socket.gethostname())}, started \d+ s ago; wait"
        with pytest.raises(FolderInUse, match=expected), locked(tmp_path / "run"):
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert (tmp_path / "run" / LOCK).exists()
    with locked(tmp_path / "run"):
        assert json.loads((tmp_path / "run" / LOCK).read_text())["pid"] == os.getpid()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_folder_in_which_nothing_was_written_goes_again(tmp_path: Path) -> None:
    with locked(tmp_path / "new" / "run"):
        pass
    assert not (tmp_path / "new" / "run").exists()
    with locked(tmp_path / "kept"):
        (tmp_path / "kept" / "file").touch()
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["file"]


def test_a_number_that_another_process_has_now_does_not_count(tmp_path: Path) -> None:
    with locked(tmp_path):
        content = json.loads((tmp_path / LOCK).read_text())
    (tmp_path / LOCK).write_text(json.dumps({**content, "birth": "earlier"}))
    with locked(tmp_path):
        pass


def test_another_host_is_respected_until_it_has_been_silent(tmp_path: Path) -> None:
    other_host(tmp_path, silent=locks.SILENCE / 2)
    with pytest.raises(FolderInUse, match=r"on node7, .*last sign of life 5 min ago"), locked(tmp_path):
        pass
    other_host(tmp_path, silent=2 * locks.SILENCE)
    with locked(tmp_path):
        pass


def test_a_job_that_slurm_starts_again_takes_its_own_lock_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On another machine, whose first one died a moment ago: SLURM does not run a job twice at a time."""
    for name, value in {"SLURM_CLUSTER_NAME": "c", "SLURM_JOB_ID": "7", "SLURM_RESTART_COUNT": "1"}.items():
        monkeypatch.setenv(name, value)
    for job, restarts in (("c 8", 0), ("c 7", 1)):
        other_host(tmp_path, silent=0, job=job, restarts=restarts)
        with pytest.raises(FolderInUse), locked(tmp_path):
            pass
    other_host(tmp_path, silent=0, job="c 7", restarts=0)
    with locked(tmp_path):
        holder = json.loads((tmp_path / LOCK).read_text())
    assert (holder["job"], holder["restarts"]) == ("c 7", 1)


def test_the_holder_gives_signs_of_life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT", 0.05)
    with locked(tmp_path):
        os.utime(tmp_path / LOCK, (0, 0))
        deadline = time.time() + 20
        while (tmp_path / LOCK).stat().st_mtime == 0 and time.time() < deadline:
            time.sleep(0.02)
        assert (tmp_path / LOCK).stat().st_mtime > 0


def test_of_many_that_want_a_dead_ones_lock_one_gets_it(tmp_path: Path) -> None:
    other_host(tmp_path, silent=2 * locks.SILENCE)
    inside: list[int] = []

    def wanted(number: int) -> bool:
        try:
            with locked(tmp_path):
                inside.append(number)
                time.sleep(1.0)  # until all have asked
                return True
        except FolderInUse:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(wanted, range(8))) == len(inside) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_links_has_locks_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(source), None, str(target))

    monkeypatch.setattr(os, "link", refused)
    with locked(tmp_path):
        assert json.loads((tmp_path / LOCK).read_text())["pid"] == os.getpid()
        with pytest.raises(FolderInUse, match=rf"in use by process {os.getpid()} on "), locked(tmp_path):
            pass
    assert list(tmp_path.iterdir()) == []


def test_a_broken_lock_is_no_lock(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("{")
    with locked(tmp_path):
        pass


def test_the_birth_of_a_process() -> None:
    assert process_birth(os.getpid()) == process_birth(os.getpid()) is not None
    assert process_birth(2**22 + 1) is None
