"""A line of people before one worker: it works in the order of arrival and says how long each will wait."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
EVERY = 1.0  # seconds between two estimates
WORTH_SAYING = 3.0  # seconds; shorter work begins without a word
INERTIA = 0.7  # weight of earlier work in the pace


@dataclass(frozen=True)
class Wait:
    """How many are served before somebody, and the seconds until that one's own work is done, as far as is known."""

    ahead: int
    seconds: float

    def __str__(self) -> str:
        """
        >>> str(Wait(2, 34.0)), str(Wait(0, 95.0))
        ('2 others are before you. Yours will be ready in about 35 seconds.', 'Ready in about 2 minutes.')
        """
        seconds = max(5, 5 * math.ceil(self.seconds / 5))
        about = f"{seconds} seconds" if seconds < 90 else f"{math.ceil(seconds / 60)} minutes"
        if not self.ahead:
            return f"Ready in about {about}."
        others = "1 other is" if self.ahead == 1 else f"{self.ahead} others are"
        return f"{others} before you. Yours will be ready in about {about}."


@dataclass(eq=False)
class _Place:
    expected: float  # seconds of work
    called: asyncio.Event = field(default_factory=asyncio.Event)
    started: float | None = None


class Line:
    """One worker; ``pace`` says how many seconds a unit of each kind of work takes, and is corrected by what it took.

    To be used from one event loop. After :meth:`close` no work begins.
    """

    def __init__(self, pace: dict[str, float], clock: Callable[[], float] = time.monotonic) -> None:
        self.pace, self.clock = dict(pace), clock
        self._places: list[_Place] = []
        self._worker = ThreadPoolExecutor(1)

    async def run(self, work: Callable[[], T], kind: str, amount: float = 1.0) -> AsyncIterator[Wait | T]:
        """Yields estimates until it is one's turn and, if it will take a while, until the work begins; then its result.

        Who stops asking leaves the line. What ``work`` raises is raised here.
        """
        place = _Place(self.pace[kind] * amount)
        self._places.append(place)
        try:
            while self._places[0] is not place:
                with suppress(TimeoutError):
                    await asyncio.wait_for(place.called.wait(), EVERY)
                    continue
                yield self._wait(place)
            if place.expected > WORTH_SAYING:
                yield self._wait(place)
            place.started = self.clock()
            result = await asyncio.get_running_loop().run_in_executor(self._worker, work)
            took = (self.clock() - place.started) / amount
            self.pace[kind] = INERTIA * self.pace[kind] + (1 - INERTIA) * took
        finally:
            self._places.remove(place)
            if self._places:
                self._places[0].called.set()
        yield result

    def _wait(self, place: _Place) -> Wait:
        ahead = self._places[: self._places.index(place)]
        done = sum(min(one.expected, self.clock() - one.started) for one in ahead if one.started is not None)
        return Wait(len(ahead), sum(one.expected for one in ahead) - done + place.expected)

    def close(self) -> None:
        """Waits for what has begun, and lets nothing else begin."""
        self._worker.shutdown(wait=True, cancel_futures=True)
