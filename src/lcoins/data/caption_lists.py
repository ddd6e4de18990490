"""Reads caption lists, which say which caption belongs to which photo, in the forms of the published data sets.

Every pair keeps its line number, so that a report can say where to look. A bad row becomes a :class:`Problem` and the
rest is read; a file of another form is a ValueError.
"""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pairs import Pair, Problem, leads_outside
from lcoins.data.published_lists import (
    MalformedRow,
    RawRow,
    abbreviated,
    annotated_rows,
    entries,
    is_annotated,
    is_tokens,
    token_rows,
    without_split,
)
from lcoins.data.storage import address_of, local_copy

FORMS = """the forms read are
  .json   {"photo.jpg": ["caption", ...]}  or  {"photo.jpg_0": "caption"}  or  [["photo.jpg", "caption"], ...]
  .jsonl  one {"photo": "photo.jpg", "caption": "caption"} a line (or "captions": [...]; "file" or "image" for "photo")
  .csv    a header line photo,caption (or file,caption or image,caption), then one pair a line
  and as published: COCO's captions_*.json, Karpathy's dataset.json (dataset.json@train is one split of it),
  Flickr8k's and Flickr30k's tokens (.txt, .token), Kaggle's captions.txt and results.csv;
  and *.pairs, which lcoins data pack writes"""
PHOTO_KEYS = ("photo", "file", "image", "image_name")
CAPTION_KEYS = ("caption", "comment")
LONGEST_CAPTION = 100_000  # characters: beyond any sentence, and far below what a tokenizer fails at
_NO_PAIR = "no photo with a caption"
PAIRS_SUFFIX = ".pairs"
LIST_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".token", PAIRS_SUFFIX)
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a letter, which no UTF-8 has
_COUNTER = re.compile(r"_\d+$")  # at the end of a key such as "photo.jpg_0"


def read_pairs(path: Path | str) -> tuple[list[Pair], list[Problem]]:
    """The pairs of a caption list, which may have an address, in its order, and the problems of its other rows.

    The form is told by the ending and the content; ``dataset.json@train`` names one split of Karpathy's file. Raises
    FileNotFoundError, and ValueError for a file that is no caption list or whose rows are mostly no pairs.
    """
    path, split = without_split(Path(path))
    name = address_of(path) or str(path)
    if path.suffix.lower() not in LIST_SUFFIXES and (path.is_file() or address_of(path)):
        raise ValueError(f"{name}: a caption list ends in {', '.join(LIST_SUFFIXES)}, not {path.suffix!r}; {FORMS}")
    path = local_copy(path)
    if not path.is_file():
        raise FileNotFoundError(f"{name}: no such caption list; give a file, {FORMS}")
    if path.suffix.lower() == PAIRS_SUFFIX:
        return list(IndexedPairs(path)), []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ValueError(f"{name} line {line}: the text is not UTF-8; save the list as UTF-8") from error
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for line, photo, caption in _rows(text, name, split):
        problem = _problem_of_row(f"{name} line {line}", photo, caption)
        if problem is None:
            pairs.append(Pair(photo, " ".join(caption.split()), line, name))
        else:
            problems.append(problem)
    malformed = [problem for problem in problems if problem.what == _NO_PAIR]
    if len(malformed) > len(problems) + len(pairs) - len(malformed) or not (pairs or problems):
        first = f"{malformed[0].where}: {malformed[0].detail}" if malformed else f"{name} line 1: empty"
        raise ValueError(f"{first}; most rows of this file are no photo with a caption; {FORMS}")
    return pairs, problems


def _rows(text: str, name: str, split: str | None) -> Iterator[RawRow]:
    """The rows of a list in the form that its ending and its content show."""
    suffix = Path(name).suffix.lower()
    if suffix == ".json" and is_annotated(text):
        try:
            yield from annotated_rows(text, split)
        except (ValueError, IndexError, RecursionError) as error:
            raise ValueError(f"{name}: {error}; {FORMS}") from error
        return
    if split is not None:
        raise ValueError(f"{name}: has no splits, of which @{split} would be one; {FORMS}")
    if is_tokens(text):
        yield from token_rows(text)
        return
    readers = {".json": _json_rows, ".jsonl": _jsonl_rows}
    yield from readers.get(suffix, _csv_rows)(text, name)


def _problem_of_row(where: str, photo: Any, caption: Any) -> Problem | None:
    """The problem of a row, if it has one."""
    if isinstance(photo, MalformedRow):
        return Problem(where, "", _NO_PAIR, "correct or remove the line", photo.detail)
    if not isinstance(photo, str) or not photo.strip():
        return Problem(where, "", _NO_PAIR, "name the photo as text", f"the photo is {abbreviated(photo)}")
    if not isinstance(caption, str):
        return Problem(where, photo, _NO_PAIR, "give the caption as text", f"the caption is {abbreviated(caption)}")
    if leads_outside(photo):
        return Problem(where, photo, "photo outside the folder", "name it relative to the photo folder, without '..'")
    if len(caption) > LONGEST_CAPTION:
        return Problem(where, photo, "caption too long", "give a sentence", f"{len(caption):,} characters")
    if _SURROGATE.search(photo + caption):
        return Problem(where, photo.encode(errors="replace").decode(), "broken text", "write it in UTF-8")
    if not caption.strip():
        return Problem(where, photo, "empty caption", "write a caption or remove the line")
    return None


def _csv_rows(text: str, name: str) -> Iterator[RawRow]:
    suffix = Path(name).suffix.lower()
    delimiter = "\t" if suffix == ".tsv" else "|" if "|" in text.partition("\n")[0] else ","
    header: list[str] = []
    for start, row in _csv_records(list(io.StringIO(text, newline="")), delimiter, name):
        if isinstance(row, MalformedRow):
            yield start, row, None
        elif not any(cell.strip() for cell in row):
            continue
        elif not header:
            header = [cell.strip().lower() for cell in row]
            photo, caption = _columns(header, f"{name} line {start}")
        elif len(row) > len(header) == caption + 1 and suffix == ".txt":  # commas without quotes
            yield start, row[photo].strip(), delimiter.join(row[caption:])
        elif len(row) != len(header):
            detail = f"{len(row)} columns where the header has {len(header)}; quote a caption that has a comma"
            yield start, MalformedRow(detail), None
        else:
            yield start, row[photo].strip(), row[caption]


def _csv_records(lines: list[str], delimiter: str, name: str) -> Iterator[tuple[int, list[str] | MalformedRow]]:
    """The records of a CSV file, each with the number of its first line.

    A stray quotation mark would hide the records up to the next mark, so that only its own line is lost: reading goes
    on with the line below. Within one line, marks are read as they come.
    """
    before = 0  # lines
    while before < len(lines):
        rest = map(lines.__getitem__, range(before, len(lines)))
        reader, first = csv.reader(rest, delimiter=delimiter, strict=True), before
        try:
            for row in reader:
                start, before = before, first + reader.line_num
                yield start + 1, row
        except csv.Error:
            start, before = before, before + 1
            if first + reader.line_num > before:
                yield before, MalformedRow("a quotation mark opens here that is not closed before a comma or line end")
                continue
            try:
                yield before, next(csv.reader([lines[start]], delimiter=delimiter))
            except csv.Error as error:
                raise ValueError(f"{name} line {before}: {error}; {FORMS}") from error


def _columns(header: list[str], where: str) -> tuple[int, int]:
    """The columns of photo and caption in a CSV header."""
    photos = [header.index(name) for name in PHOTO_KEYS if name in header]
    captions = [header.index(name) for name in CAPTION_KEYS if name in header]
    if not photos or not captions:
        raise ValueError(f"{where}: expected a header photo,caption, got {abbreviated(','.join(header))}; {FORMS}")
    return photos[0], captions[0]


def _jsonl_rows(text: str, name: str) -> Iterator[RawRow]:
    for line, content in enumerate(text.split("\n"), start=1):
        if content.strip():
            try:
                row = json.loads(content)
            except (ValueError, RecursionError) as error:
                yield line, MalformedRow(f"no JSON: {error}"), None
            else:
                yield from _row(line, row)


def _row(line: int, row: Any) -> Iterator[RawRow]:
    """The pairs of one JSON value: of an object that names photo and caption(s), or of [photo, caption]."""
    if isinstance(row, list) and len(row) == 2:
        yield line, row[0], row[1]
    elif isinstance(row, dict) and "caption" in row:
        yield line, next((row[name] for name in PHOTO_KEYS if name in row), None), row["caption"]
    elif isinstance(row, dict) and isinstance(row.get("captions"), list):
        photo = next((row[name] for name in PHOTO_KEYS if name in row), None)
        yield from ((line, photo, caption) for caption in row["captions"] or [""])
    else:
        yield line, MalformedRow(f"expected a photo and a caption, got {abbreviated(row)}"), None


def _json_rows(text: str, name: str) -> Iterator[RawRow]:
    try:
        whole = json.loads(text)
    except ValueError as error:  # JSONDecodeError, or the interpreter's bound on the digits of a number
        raise ValueError(f"{name} line {getattr(error, 'lineno', 1)}: no JSON: {error}; {FORMS}") from error
    except RecursionError as error:
        raise ValueError(f"{name}: nested too deeply for a caption list; {FORMS}") from error
    if not isinstance(whole, list | dict):
        raise ValueError(f"{name} line 1: expected a JSON object or array, got {abbreviated(whole)}; {FORMS}")
    for line, key, start, value in entries(text, 0, 1):
        if isinstance(whole, list):
            yield from _row(line, value)
        elif isinstance(value, str):
            yield line, _COUNTER.sub("", key), value
        elif isinstance(value, list) and value:
            yield from ((row_line, key, caption) for row_line, _, _, caption in entries(text, start, line))
        else:
            yield line, key, "" if value == [] else value
