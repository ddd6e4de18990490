"""The command in the process of the tests."""

import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from called import Call
from hydra.core.global_hydra import GlobalHydra

from lcoins.cli.main import main


@pytest.fixture
def lcoins(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The command in this process, in an empty folder in which it must leave nothing; gives its exit status."""
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    monkeypatch.setattr(sys, "argv", ["lcoins"])
    handlers = list(logging.getLogger().handlers)

    def call(*arguments: str | Path) -> int:
        GlobalHydra.instance().clear()
        sys.argv = ["lcoins", *map(str, arguments)]
        try:
            main()
        except SystemExit as stop:
            return int(stop.code or 0)
        return 0

    yield call
    GlobalHydra.instance().clear()
    for handler in set(logging.getLogger().handlers) - set(handlers):  # Hydra's, which keep files open
        logging.getLogger().removeHandler(handler)
        handler.close()
