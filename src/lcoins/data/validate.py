"""Checks photos before training starts, and describes every bad photo and caption in one report."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from rich.progress import track

from lcoins.data.pack import Pack
from lcoins.data.pairs import Pair, Problem, by_photo
from lcoins.data.photo_store import PhotoFolder, open_photos
from lcoins.files import write_whole
from lcoins.imaging.decode import PhotoError

MISSING = "missing photo"
DESCRIBED = 20  # problems; the report file has them all


class ProblemsFound(ValueError):
    """Raised before training when photos or captions are bad; the message describes them."""


def check_photos(root: Path | str, pairs: list[Pair]) -> tuple[list[Pair], list[Problem]]:
    """Decodes every photo once; returns the pairs whose photo is usable, and what is wrong with the other photos."""
    source = open_photos(root)
    problems = dict(_photo_problems(source, by_photo(pairs)))
    usable = [pair for pair in pairs if problems[pair.photo] is None]
    return usable, [problem for problem in problems.values() if problem is not None]


def describe(problems: list[Problem], usable: int, report: Path | None = None) -> str:
    """How many problems of each kind there are beside ``usable`` captions, then the first DESCRIBED of them."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(problem.what for problem in problems).most_common())
    lines = [f"{len(problems)} problems ({kinds}) beside {usable} usable captions:"]
    lines += [f"  {problem}" for problem in problems[:DESCRIBED]]
    if len(problems) > DESCRIBED:
        lines.append(f"  and {len(problems) - DESCRIBED} more")
    if report is not None:
        lines.append(f"The full report is {report}")
    return "\n".join(lines)


def _photo_problems(source: PhotoFolder | Pack, listed: dict[str, list[Pair]]) -> Iterator[tuple[str, Problem | None]]:
    """Each photo with its problem, if any. Threads suffice: Pillow releases the interpreter's lock while it decodes."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        checked = pool.map(lambda photo: _photo_problem(source, photo, listed[photo]), listed)
        yield from zip(listed, track(checked, "checking photos", total=len(listed)), strict=True)


def _photo_problem(source: PhotoFolder | Pack, photo: str, pairs: list[Pair]) -> Problem | None:
    try:
        source.check(photo)
    except (PhotoError, FileNotFoundError) as error:
        return to_problem(source, photo, pairs, error)
    return None


def to_problem(
    source: PhotoFolder | Pack, photo: str, pairs: list[Pair], error: PhotoError | FileNotFoundError
) -> Problem:
    """The error that a source raised for a photo as a problem: on which lines the photo stands, and what to do."""
    first, *others = sorted({pair.line for pair in pairs})
    where = f"{pairs[0].source or 'caption list'} line {first}" + "".join(f", {line}" for line in others)
    if isinstance(error, PhotoError):
        return Problem(where, photo, error.kind, error.advice, error.detail)
    return Problem(where, photo, MISSING, _advice_on_missing(source, photo))


def _advice_on_missing(source: PhotoFolder | Pack, photo: str) -> str:
    if isinstance(source, Pack):
        return f"it is not in the pack {source.folder}; pack again with this list, or remove the line"
    similar = source.find_similar(photo)
    return f"{similar} is there; is it meant?" if similar else f"put it into {source.root} or remove the line"


def write_report(report: Path, problems: list[Problem]) -> None:
    """Writes all problems, one JSON object a line."""
    write_whole(report, "".join(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in problems))
