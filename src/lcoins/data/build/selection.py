"""Keeps the selected records of each raw source in a file, so that an interrupted build resumes at the next source."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from lcoins.color.words import colors_named
from lcoins.data.build.manifest import Source, source_of
from lcoins.data.build.raw_sources import ORIGINS, READERS, Record
from lcoins.data.pairs import Problem
from lcoins.files import open_whole, remove_partial_files

LEAST_COLORS = 2
VERSION = 2  # of the rule below; a new one makes all selections anew
_KEY = re.compile(r"[\w.-]+")  # the name of a file, never a path: photos are linked under it


def is_selected(caption: str) -> bool:
    """The rule of the rebuilt list: the caption names two different colors, as nearly all published captions do.

    >>> is_selected("a red car beside a blue bus"), is_selected("a red car beside a red bus")
    (True, False)
    """
    return len(colors_named(caption)) >= LEAST_COLORS


class Selection:
    """The records selected from one source; iterating gives (key, caption) in the source's order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open(encoding="utf-8") as file:
            head = json.loads(next(file))
        self.source = Source(**head["source"]) if head["source"] else None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        for row in self._rows():
            if isinstance(row, list):
                yield row[0], row[1]

    def summary(self) -> tuple[list[Problem], Counter[str]]:
        """The problems of the source, and how many records were read and selected; one pass over the file."""
        problems: list[Problem] = []
        counts = Counter[str]()
        for row in self._rows():
            if isinstance(row, list):
                counts["selected"] += 1
            elif "read" in row:
                counts["read"] = row["read"]
            else:
                problems.append(Problem(**row))
        return problems, counts

    def _rows(self) -> Iterator[list[str] | dict]:
        with self.path.open(encoding="utf-8") as file:
            next(file)
            for line in file:
                yield json.loads(line)


def select_records(kind: str, source: Path, folder: Path) -> Selection:
    """Selects from a source, in constant memory, unless an earlier run has already finished its file in ``folder``."""
    if not source.exists():
        raise FileNotFoundError(f"{source}: no such {kind} source; get it from {ORIGINS[kind][0]}")
    path = folder / f"{_name_of_selection(kind, source)}.jsonl"
    if path.is_file():
        return Selection(path)
    remove_partial_files(folder)
    counter = TextColumn("{task.description}: {task.completed:,} records")
    bar = Progress(SpinnerColumn(), counter, TimeElapsedColumn())
    with open_whole(path) as file, bar as progress:
        task = progress.add_task(source.name)
        origin = source_of(source, *ORIGINS[kind]) if source.is_file() else None
        file.write(_encoded({"source": asdict(origin) if origin else None}))
        count = 0
        for count, record in enumerate(READERS[kind](source), start=1):
            if (line := _line(record)) is not None:
                file.write(line)
            if count % 1000 == 0:
                progress.update(task, completed=count)
        file.write(_encoded({"read": count}))
    return Selection(path)


def _line(record: Record) -> bytes | None:
    """The line that keeps a record: a selected caption in lower case, or a problem; None if the rule rejects it."""
    if isinstance(record, Problem):
        return _encoded(asdict(record))
    key, caption = record
    if not _KEY.fullmatch(key):
        record = Problem(
            "record", key, "photo outside the folder", "an id holds letters, digits, '_', '-' and '.' only"
        )
        return _encoded(asdict(record))
    text = " ".join(caption.lower().split())
    return _encoded([key, text]) if is_selected(text) else None


def _encoded(row: Any) -> bytes:
    return f"{json.dumps(row, ensure_ascii=False)}\n".encode()


def _name_of_selection(kind: str, source: Path) -> str:
    """A name that changes whenever the rule or a file of the source does."""
    files = [source] if source.is_file() else sorted(source.rglob("*.txt"))
    digest = hashlib.blake2b(f"{VERSION} {kind} {source.name}".encode(), digest_size=12)
    for file in files:
        stat = file.stat()
        digest.update(f"{file.name} {stat.st_size} {stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
