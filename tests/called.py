"""What the tests of the command share: the kind of its call, and the one message that it may print."""

from collections.abc import Callable

import pytest

Call = Callable[..., int]


def one_line(capsys: pytest.CaptureFixture[str]) -> str:
    """What the user reads: one message, without a traceback and without Hydra's own remarks."""
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert "Error executing job" not in message
    assert message.count("lcoins: ") == 1
    return message
