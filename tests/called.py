"""What the tests of the command share: its call in their own process, and the one message that it may print."""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from lcoins.cli.main import main

Call = Callable[..., int]


@contextmanager
def command_in_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[Call]:
    """The command in this process; gives its exit status, and raises what it does not explain."""
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


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the user reads: one message, without a traceback and without Hydra's own remarks."""
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert "Error executing job" not in message
    assert message.count("lcoins: ") == 1
    return message
