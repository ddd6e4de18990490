"""The command in the process of the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from called import Call, command_in_process


@pytest.fixture
def lcoins(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The command in this process, in an empty folder in which it must leave nothing; gives its exit status."""
    with command_in_process(monkeypatch) as call:
        yield call
