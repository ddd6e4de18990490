"""A file says which code made it."""

import subprocess
from pathlib import Path

import pytest

import lcoins
from lcoins import code_version as module
from lcoins.code_version import code_version


def test_the_code_is_known_by_version_and_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def git(*arguments: str) -> None:
        command = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(tmp_path), *arguments]
        subprocess.run(command, check=True, capture_output=True)

    monkeypatch.setattr(module, "__file__", str(tmp_path / "src" / "lcoins" / "code_version.py"))
    assert code_version() == {"lcoins": lcoins.__version__}
    git("init", "-q")
    (tmp_path / "file").write_text("one")
    git("add", "file")
    git("commit", "-qm", "one")
    first = code_version()
    assert len(first["commit"]) == 40 and first["changed"] is False
    (tmp_path / "file").write_text("two")
    assert code_version() == {**first, "changed": True}
