"""Lines that say how far long work is where no bar can be drawn."""

from types import SimpleNamespace

import pytest

from lcoins import progress
from lcoins.progress import followed, time_left


def test_lines_come_at_most_every_30_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, *(10.0 * number for number in range(9))])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert list(followed(range(9), "test")) == list(range(9))
    assert capsys.readouterr().out.splitlines() == [
        "test: 3 of 9, about 60 s left",
        "test: 6 of 9, about 30 s left",
    ]


def test_what_has_no_length_says_how_much_is_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = iter([0.0, 0.0, 40.0])
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(now)))
    assert list(followed(iter("ab"), "test")) == ["a", "b"]
    assert capsys.readouterr().out == "test: 1\n"


def test_nothing_to_do_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(followed([], "test")) == []
    assert capsys.readouterr().out == ""
    assert time_left(3, 3, 10) == "about 0 s left"
