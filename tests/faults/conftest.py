"""The suite of faults prints what it did as a table at its end, that of all its processes together."""

from collections.abc import Iterator
from typing import Any

import pytest
from faulty import Counts

COUNTS = pytest.StashKey[Counts]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = Counts()


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Iterator[Counts]:
    """What is counted over all tests of the suite."""
    yield request.config.stash[COUNTS]


def pytest_sessionfinish(session: pytest.Session) -> None:
    if (output := getattr(session.config, "workeroutput", None)) is not None:  # one of several processes
        output["counts"] = session.config.stash[COUNTS].rows


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    for row, numbers in getattr(node, "workeroutput", {}).get("counts", {}).items():
        node.config.stash[COUNTS].add(row, **numbers)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[COUNTS].table()
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
