"""The suite of faults prints what it did as a table at its end."""

from collections.abc import Iterator

import pytest
from faulty import Counts

COUNTS = pytest.StashKey[Counts]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[COUNTS] = Counts()


@pytest.fixture
def counts(request: pytest.FixtureRequest) -> Iterator[Counts]:
    """What is counted over all tests of the suite."""
    yield request.config.stash[COUNTS]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    lines = config.stash[COUNTS].table()
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.write_line(line)
