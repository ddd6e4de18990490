"""The check that names every bad photo and caption before training starts."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from rich.progress import track

from lcoins.data.caption_lists import Pair, Problem, by_photo
from lcoins.data.pack import Pack
from lcoins.data.photo_store import PhotoFolder, open_photos
from lcoins.files import write_whole
from lcoins.imaging.decode import PhotoError

MISSING = "missing photo"


class ProblemsFound(ValueError):
    """Raised before training when photos or captions are bad; the message is the report, cut to twenty rows."""


def check_photos(
    root: Path | str,
    pairs: list[Pair],
    problems: list[Problem],
    *,
    on_problem: Literal["stop", "leave_out"] = "stop",
    progress: bool = False,
    report: Path | None = None,
) -> list[Pair]:
    """Decodes every photo once and returns the pairs that can be trained on.

    ``problems`` holds what :func:`read_pairs` found; what the photos add is appended to it, so that the caller can log
    it all (:func:`describe`). With "stop", any problem raises :class:`ProblemsFound`; with "leave_out", only that
    nothing is left does. ``report`` names a file for the full report, one JSON object a line.
    """
    if on_problem not in ("stop", "leave_out"):
        raise ValueError(f"on_problem: expected stop or leave_out, got {on_problem!r}")
    source = open_photos(root)
    listed = by_photo(pairs)
    bad: set[str] = set()
    for photo, problem in _photo_problems(source, listed, progress):
        if problem is not None:
            bad.add(photo)
            problems.append(problem)
    good = [pair for pair in pairs if pair.photo not in bad]
    if problems and report is not None:
        write_report(report, problems)
    if problems and (on_problem == "stop" or not good):
        text = describe(problems, len(good), report)
        absent = sum(problem.what == MISSING for problem in problems)
        if listed and absent == len(listed):
            text += f"\nNot one photo of the list is in {root}; is that the right folder?"
        elif good:
            text += "\nMend these, or leave them out (on_problem=leave_out)."
        raise ProblemsFound(text)
    return good


def describe(problems: list[Problem], good: int, report: Path | None = None, most: int = 20) -> str:
    """The report as text: how many of each kind beside ``good`` usable captions, then the first ``most`` of them."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(problem.what for problem in problems).most_common())
    lines = [f"{len(problems)} problems ({kinds}) beside {good} usable captions:"]
    lines += [f"  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  and {len(problems) - most} more")
    if report is not None:
        lines.append(f"The full report is {report}")
    return "\n".join(lines)


def _photo_problems(
    source: PhotoFolder | Pack, listed: dict[str, list[Pair]], progress: bool
) -> Iterator[tuple[str, Problem | None]]:
    """Each photo with what is wrong with it. Threads suffice: Pillow decodes outside the interpreter's lock."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda photo: _photo_problem(source, photo, listed[photo]), listed)
        yield from zip(
            listed,
            track(found, "checking photos", total=len(listed), disable=not progress),
            strict=True,
        )


def _photo_problem(source: PhotoFolder | Pack, photo: str, pairs: list[Pair]) -> Problem | None:
    try:
        source.check(photo)
    except (PhotoError, FileNotFoundError) as error:
        return explain(source, photo, pairs, error)
    return None


def explain(
    source: PhotoFolder | Pack, photo: str, pairs: list[Pair], error: PhotoError | FileNotFoundError
) -> Problem:
    """What a source raised for a photo, with the lines of its own ``pairs`` and what to do."""
    first, *others = sorted({pair.line for pair in pairs})
    where = f"{pairs[0].source or 'caption list'} line {first}" + "".join(f", {line}" for line in others)
    if isinstance(error, PhotoError):
        return Problem(where, photo, error.kind, error.advice, error.detail)
    return Problem(where, photo, MISSING, _advice_on_missing(source, photo))


def _advice_on_missing(source: PhotoFolder | Pack, photo: str) -> str:
    if isinstance(source, Pack):
        return f"it is not in the pack {source.folder}; pack again with this list, or remove the line"
    found = source.find_similar(photo)
    return f"{found} is there; is it meant?" if found else f"put it into {source.root} or remove the line"


def write_report(report: Path, problems: list[Problem]) -> None:
    """Writes all problems, one JSON object a line."""
    write_whole(report, "".join(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in problems))
