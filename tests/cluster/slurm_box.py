"""A cluster of two machines in one: munge and SLURM as the user who starts them, on 127.0.0.1, in one folder."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
NODES = ("one", "two")
# No control groups, no accounting, no GPU: what a container without privileges has. Jobs in `low` give way to those in
# `high`: they get SIGTERM, 120 s to save, and are queued again.
CONFIG = """\
ClusterName=box
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerParameters=bf_interval=1
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[1]}-{ports[2]}] CPUs=2 State=UNKNOWN
PartitionName=low Nodes={nodes} Default=YES State=UP PriorityTier=1 GraceTime=120
PartitionName=high Nodes={nodes} State=UP PriorityTier=9
"""


class Box:
    """Starts the daemons on entry and ends them on exit; ``environment`` is that of a user of the cluster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The names of the nodes are known to SLURM alone, so processes are told where the first one listens. Each has
        # one thread: Lightning would give as many as a machine has cores for each task, and sums would be rounded in
        # another order on two machines than on one.
        settings = {"SLURM_CONF": str(folder / "slurm.conf"), "MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1"}
        self.environment = os.environ | settings
        self.daemons: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> "Box":
        missing = [name for name in PROGRAMS if self._path(name) is None]
        if missing:
            sys.exit(f"{', '.join(missing)} missing; on Debian or Ubuntu: apt-get install slurm-wlm munge")
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "munge").chmod(0o755)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o600)
        ports = free_ports()
        host, user = socket.gethostname().partition(".")[0], os.environ.get("USER") or str(os.getuid())
        settings = {"host": host, "user": user, "folder": self.folder, "ports": ports, "nodes": ",".join(NODES)}
        (self.folder / "slurm.conf").write_text(CONFIG.format(**settings))
        try:
            files = ("key-file=key", "socket=socket", "pid-file=pid", "seed-file=seed", "log-file=log")
            places = (file.split("=") for file in files)
            options = [f"--{name}={self.folder / 'munge' / file}" for name, file in places]
            self._start("munged", "--foreground", *options)
            self.until(lambda: (self.folder / "munge" / "socket").exists(), "munged's socket")
            self._start("slurmctld", "-D")
            for node in NODES:
                self._start("slurmd", "-D", "-N", node)
            self.until(lambda: self.asked("sinfo", "-h", "-t", "idle", "-o", "%D") == str(len(NODES)), "idle nodes")
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        self._stop()

    def _path(self, name: str) -> str | None:
        return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")

    def _start(self, name: str, *options: str) -> None:
        log = (self.folder / f"{name}{len(self.daemons)}.log").open("wb")
        command = [str(self._path(name)), *options]
        self.daemons.append(subprocess.Popen(command, env=self.environment, stdout=log, stderr=log))

    def _stop(self) -> None:
        """Cancels what still runs, then ends the daemons, the last one first."""
        if len(self.daemons) > 1:
            self.asked("scancel", "--state=PENDING")
            self.asked("scancel", "--state=RUNNING")
            for _ in range(40):
                if not self.asked("squeue", "-h"):
                    break
                time.sleep(1)
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)
        self.daemons = []

    def asked(self, *command: str) -> str:
        """What a program of SLURM prints."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout.strip()

    def until(self, happens: Callable[[], object], what: str, seconds: float = 900) -> None:
        """Waits until something is the case; ends everything with a message after ``seconds``."""
        end = time.monotonic() + seconds
        while not happens():
            if time.monotonic() > end:
                raise SystemExit(f"{what}: not within {seconds:.0f} s; the logs are in {self.folder}")
            time.sleep(0.5)


def free_ports() -> list[int]:
    """One port, and two that follow each other."""
    while True:
        with socket.socket() as first, socket.socket() as second, socket.socket() as third:
            first.bind(("127.0.0.1", 0))
            second.bind(("127.0.0.1", 0))
            port = second.getsockname()[1]
            try:
                third.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return [first.getsockname()[1], port, port + 1]
