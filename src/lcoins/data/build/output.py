"""What every builder leaves behind: caption lists, a manifest that says where all came from, and what was left out."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ijson

import lcoins
from lcoins.captions import find_colours
from lcoins.data.lists import Problem
from lcoins.data.photo_check import write_report
from lcoins.files import write_whole

Captions = Mapping[str, list[str]]  # photo -> its captions


@dataclass(frozen=True)
class Source:
    """A file that a data set was built from, its checksum, whose it is and under which terms."""

    file: str
    sha256: str
    bytes: int
    origin: str
    licence: str


def source_of(path: Path, origin: str, licence: str) -> Source:
    """Reads the file once for its checksum, in constant memory."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Source(path.name, digest, path.stat().st_size, origin, licence)


def count_captions(captions: Captions) -> dict[str, Any]:
    """Photos, captions, and how many captions name each colour class, the most frequent first."""
    colours = Counter(
        colour
        for texts in captions.values()
        for text in texts
        for colour in {found.colour for found in find_colours(text)}
    )
    return {
        "photos": len(captions),
        "captions": sum(map(len, captions.values())),
        "colours": dict(sorted(colours.items(), key=lambda item: (-item[1], item[0]))),
    }


def write_rows(path: Path, rows: Mapping[str, Any]) -> None:
    """Writes a JSON object, one key a line, so that a report can name the line."""
    lines = ",\n".join(f"{_json(key)}: {_json(value)}" for key, value in rows.items())
    write_whole(path, f"{{\n{lines}\n}}\n")


def write_manifest(
    folder: Path,
    name: str,
    rule: str,
    splits: Mapping[str, Captions],
    sources: Iterable[Source],
    left_out: list[Problem],
    **more: Any,
) -> dict[str, Any]:
    """Writes ``manifest.json`` and, one a line, what was left out in ``left_out.jsonl``; returns the manifest.

    Neither holds a date or a path of this machine, so that the same input gives the same bytes.
    """
    manifest = {
        "data_set": name,
        "rule": rule,
        "lcoins": lcoins.__version__,
        "splits": {split: count_captions(captions) for split, captions in splits.items()},
        **more,
        "left_out": dict(sorted(Counter(problem.what for problem in left_out).items())),
        "sources": [asdict(source) for source in sources],
    }
    write_report(folder / "left_out.jsonl", left_out)
    write_whole(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return manifest


def expect_place(folder: Path, name: str) -> None:
    """Refuses a folder that holds something other than an earlier build of the same data set."""
    if not folder.exists() or not any(folder.iterdir()):
        return
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["data_set"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None and (folder / ".parts").is_dir():
        return  # a build that was cut off
    if found != name:
        what = f"a build of {found}" if found else "other files"
        raise ValueError(f"{folder} holds {what}; choose a new folder for {name}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def stream_json(path: Path, items: str) -> Iterator[Any]:
    """The items under a JSON path, one at a time and in constant memory."""
    try:
        with path.open("rb") as file:
            yield from ijson.items(file, items, use_float=True)
    except ijson.JSONError as error:
        raise ValueError(f"{path}: no whole JSON ({str(error).splitlines()[0]}); download it again") from error
