"""How far long work is: a bar in a terminal, and lines of text where there is none, such as a file or a job's log."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import track

EVERY = 30.0  # seconds from one line to the next
Item = TypeVar("Item")


def in_terminal() -> bool:
    """Whether a bar can be drawn where this process prints."""
    return Console().is_terminal


def say_line(text: str) -> None:
    """Prints a line at once, so that whoever follows a log reads it when it is true."""
    print(text, flush=True)


def followed(items: Iterable[Item], title: str, total: int | None = None) -> Iterator[Item]:
    """The items, as a bar shows them in a terminal, or else as a line says at most every 30 seconds.

    Args:
        items: What is worked on, one after the other.
        title: What the work is called.
        total: How many items there are; None takes their length, where they have one.
    """
    if in_terminal():
        yield from track(items, title, total)
        return
    sized: Any = items
    count = total if total is not None else len(sized) if hasattr(items, "__len__") else None
    begun = said = time.monotonic()
    for done, item in enumerate(items):
        now = time.monotonic()
        if done and now - said >= EVERY:
            said = now
            of = f" of {count}, {time_left(done, count, now - begun)}" if count else ""
            say_line(f"{title}: {done}{of}")
        yield item


def time_left(done: int, total: int, seconds: float) -> str:
    """How long the rest takes if it is as fast as what is ``done`` (at least 1) and took ``seconds``.

    >>> time_left(6, 18, 360), time_left(1, 4, 5), time_left(1, 13, 1200)
    ('about 12 min left', 'about 15 s left', 'about 4.0 h left')
    """
    rest = seconds / done * max(total - done, 0)
    if rest >= 2 * 3600:
        return f"about {rest / 3600:.1f} h left"
    return f"about {rest / 60:.0f} min left" if rest >= 90 else f"about {rest:.0f} s left"
