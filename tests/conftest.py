"""What every test may rely on: one thread, fixed seeds, no hub, no socket beyond this machine, no stray files."""

import os
import random
import shutil
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

# Set before torch and the hubs are imported; child processes inherit them.
os.environ.update(OMP_NUM_THREADS="1", HF_HUB_OFFLINE="1", WANDB_MODE="offline", WANDB_SILENT="true")

import numpy as np
import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)

# No deadline, for a busy machine must not fail a test; in continuous integration the same examples every time.
settings.register_profile("lcoins", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("lcoins")


BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser without a window."""
    sync_api = pytest.importorskip("playwright.sync_api")
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on this machine: install one, for example Debian's chromium")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


def is_local(address: Any) -> bool:
    """Whether a socket address is a path (AF_UNIX) or names this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0])
    if host in ("", "localhost"):
        return True
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def local_only(connect: Callable[[socket.socket, Any], Any]) -> Callable[[socket.socket, Any], Any]:
    """A test that needs the network would pass on one machine only, so refuse the connection by name."""

    def guarded(self: socket.socket, address: Any) -> Any:
        if not is_local(address):
            raise PermissionError(f"a test tried to reach {address[0]}; tests open no connection beyond this machine")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", local_only(socket.socket.connect))
        patch.setattr(socket.socket, "connect_ex", local_only(socket.socket.connect_ex))
        yield


@pytest.fixture(autouse=True)
def seeded() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for one run, not yet made; the test fails if anything is written to the current folder instead."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    yield tmp_path / "run"
    stray = sorted(path.relative_to(elsewhere).as_posix() for path in elsewhere.rglob("*"))
    assert not stray, f"written outside the run folder: {stray}"
