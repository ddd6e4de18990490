"""Which code made a file: the version of lcoins and, in a git checkout, its commit."""

import subprocess
from pathlib import Path
from typing import Any

import lcoins


def code_version() -> dict[str, Any]:
    """The version of lcoins and, in a git checkout, its commit and whether tracked files differ from it."""
    version: dict[str, Any] = {"lcoins": lcoins.__version__}
    root = Path(__file__).parents[2]
    if (root / ".git").exists():
        try:
            commit = _git(root, "rev-parse", "HEAD")
            changed = bool(_git(root, "status", "--porcelain", "--untracked-files=no"))
            version |= {"commit": commit, "changed": changed}
        except (OSError, subprocess.SubprocessError):  # without git the version has to do
            pass
    return version


def _git(root: Path, *arguments: str) -> str:
    command = ["git", "-C", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
