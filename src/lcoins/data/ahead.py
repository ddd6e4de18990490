"""Work of other threads or processes, taken in order and of bounded memory."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_ahead(pool: Executor, do: Callable[[Item], Result], items: Iterable[Item], most: int) -> Iterator[Result]:
    """What ``do`` gives of each item, in order; at most ``most`` items are begun beyond the one that is taken.

    ``Executor.map`` begins them all, whose results then fill the memory.
    """
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(pool.submit(do, item))
        if len(waiting) > most:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()
