"""The line before a worker: one at a time in the order of arrival, with estimates that learn."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from lcoins.app import line as line_module
from lcoins.app.line import Line, Wait


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "EVERY", 0.01)


async def said(line: Line, work: Callable[[], Any], kind: str = "look", amount: float = 1.0) -> list[Any]:
    return [word async for word in line.run(work, kind, amount)]


def test_one_at_a_time_in_the_order_of_arrival() -> None:
    busy, order = threading.Lock(), list[int]()

    def work(number: int) -> int:
        assert busy.acquire(blocking=False), "two at once"
        time.sleep(0.005)
        order.append(number)
        busy.release()
        return number

    async def crowd() -> list[list[Any]]:
        line = Line({"look": 0.005})
        return await asyncio.gather(*(said(line, lambda number=number: work(number)) for number in range(50)))

    words = asyncio.run(crowd())
    assert order == list(range(50)) and [word[-1] for word in words] == order
    first = [word[0] for word in words if isinstance(word[0], Wait)]
    assert max(wait.ahead for wait in first) > 10


def test_estimates_count_what_is_before_and_learn() -> None:
    release = threading.Event()

    async def two() -> Wait:
        line = Line({"look": 10.0, "read": 1.0})
        long = asyncio.create_task(said(line, release.wait, "read", 60))
        await asyncio.sleep(0.02)
        turns = line.run(lambda: "done", "look")
        wait = await anext(turns)
        release.set()
        assert [word async for word in turns][-1] == "done"
        assert isinstance((await long)[0], Wait)  # a minute is worth saying beforehand
        assert line.pace["read"] < 0.8 and line.pace["look"] < 8
        return wait  # type: ignore[return-value]

    wait = asyncio.run(two())
    assert wait.ahead == 1 and 69 < wait.seconds <= 70
    assert "1 other is before you" in str(wait) and "about 70 seconds" in str(wait)


def test_who_leaves_or_fails_holds_up_nobody() -> None:
    release = threading.Event()

    def fail() -> None:
        raise ValueError("a bad photo")

    async def crowd() -> list[Any]:
        line = Line({"look": 0.0})
        holder = asyncio.create_task(said(line, release.wait))
        await asyncio.sleep(0.02)
        leaving = line.run(lambda: "never", "look")
        assert isinstance(await anext(leaving), Wait)
        failing = asyncio.create_task(said(line, fail))
        last = asyncio.create_task(said(line, lambda: "served"))
        await leaving.aclose()  # type: ignore[attr-defined]
        release.set()
        with pytest.raises(ValueError, match="a bad photo"):
            await failing
        await holder
        return await last

    assert asyncio.run(crowd())[-1] == "served"


def test_nothing_begins_after_the_end() -> None:
    line = Line({"look": 0.0})
    line.close()
    with pytest.raises(RuntimeError):
        asyncio.run(said(line, lambda: "late"))
