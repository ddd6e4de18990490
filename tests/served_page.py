"""The page of `lcoins demo`, served and used in a real browser."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib

WAIT = 60_000  # milliseconds, for a busy machine
SENTENCE = "a red star beside a blue moon"


@dataclass
class Served:
    """A running `lcoins demo`: its address, and the folder that everything it writes must lie in."""

    process: subprocess.Popen[str]
    address: str
    temporary: Path
    said: str


def serve(folder: Path, *options: str) -> Served:
    """Starts the command in a folder of its own, with a temporary folder and a home of its own."""
    for name in ("tmp", "home", "work"):
        (folder / name).mkdir(exist_ok=True)
    command = [sys.executable, "-m", "lcoins.cli.main", "demo", "--port", "0", *options]
    environment = {
        **os.environ,
        "TMPDIR": str(folder / "tmp"),
        "HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
        "MPLCONFIGDIR": matplotlib.get_cachedir(),  # or its list of fonts, seconds of work, is made in the new home
        "PYTHONUNBUFFERED": "1",
    }
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder / "work", env=environment
    )
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if found := re.search(r"The page is at (\S+)", line):
            return Served(process, found[1], folder / "tmp", said)
    process.communicate()
    raise AssertionError(f"the command ended with {process.returncode}: {said}")


def upload(page: Any, path: Path) -> None:
    page.set_input_files("#photo input[type=file]", str(path))
    page.wait_for_selector("#gray img")


def color(page: Any, text: str) -> None:
    page.fill("#sentence textarea", text)
    page.click("#go")
    page.wait_for_selector("#compare img")


def refusal(page: Any) -> str:
    page.wait_for_selector("#message [role=alert]")
    text = page.inner_text("#message")
    assert "Traceback" not in page.content()
    return text


def width(page: Any) -> int:
    return page.evaluate("document.documentElement.scrollWidth")
