"""What every builder writes: caption lists, a manifest that says where they come from, and what was left out."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import ijson

import lcoins
from lcoins.color.words import color_counts
from lcoins.data.pairs import Problem
from lcoins.data.validate import write_report
from lcoins.files import is_new, remove_partial_files, sha256_of, write_whole

Captions = dict[str, list[str]]  # photo -> its captions
SPLITS = {"train", "val", "test", "test_without_overlap"}  # of all builds
PAIRS_OF_TRAIN = "object_colors_train.json"
UNFINISHED = ".unfinished"  # a file with the name of a data set whose lists are not all written, and theirs
SELECTED = ".selected"  # the folder of what an unfinished build has selected so far


@dataclass(frozen=True)
class Source:
    """A file that a data set was built from: its checksum, where it is published and under which license."""

    file: str
    sha256: str
    bytes: int
    origin: str
    license: str


@dataclass
class Build:
    """What a builder collects: the captions of each split, the files that they come from, and the problems."""

    splits: dict[str, Captions] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def source_of(path: Path, origin: str, license: str) -> Source:
    """Describes a file; it is read once for its checksum, in constant memory."""
    return Source(path.name, sha256_of(path), path.stat().st_size, origin, license)


def count_captions(captions: Captions) -> dict[str, Any]:
    """How many photos and captions there are, and how many captions name each color, the most frequent first."""
    colors = color_counts(text for texts in captions.values() for text in texts)
    return {
        "photos": len(captions),
        "captions": sum(map(len, captions.values())),
        "colors": dict(sorted(colors.items(), key=lambda item: (-item[1], item[0]))),
    }


def write_build(
    folder: Path,
    name: str,
    rule: str,
    build: Build,
    *,
    pairs: Mapping[str, Any] | None = None,
    force: bool = False,
    **more: Any,
) -> dict[str, Any]:
    """Writes a list per split, ``left_out.jsonl`` and ``manifest.json``; returns the manifest, extended by ``more``.

    ``pairs`` of objects and colors, by photo, are a list as well. None of the files holds a date, so that the same
    input gives the same bytes. The manifest is written last. Raises FileExistsError, without ``force``, where a
    finished build has other lists: lists may be added, but a run has trained on those that are there.
    """
    manifest = {
        "data_set": name,
        "rule": rule,
        "lcoins": lcoins.__version__,
        "splits": {split: count_captions(captions) for split, captions in build.splits.items()},
        **more,
        "left_out": dict(sorted(Counter(problem.what for problem in build.problems).items())),
        "sources": [asdict(source) for source in build.sources],
    }
    rows: dict[str, Any] = {f"{split}.json": captions for split, captions in build.splits.items()}
    rows |= {PAIRS_OF_TRAIN: pairs} if pairs else {}
    texts = {file: _one_key_a_line(content) for file, content in rows.items()}
    lists = _lists(manifest)
    if not force:
        _expect_same_lists(folder, lists, texts)
    before = begin_build(folder, name, lists)
    for file, text in texts.items():
        write_whole(folder / file, text)
    for old in before - lists:  # whose photos may be in another list now
        (folder / old).unlink(missing_ok=True)
    write_report(folder / "left_out.jsonl", build.problems)
    write_whole(folder / "manifest.json", json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    (folder / UNFINISHED).unlink()
    return manifest


def _one_key_a_line(rows: Mapping[str, Any]) -> str:
    """A JSON object, written so that a report can name the line."""
    lines = ",\n".join(f"{_json(key)}: {_json(value)}" for key, value in rows.items())
    return f"{{\n{lines}\n}}\n"


def _expect_same_lists(folder: Path, lists: Iterable[str], texts: Mapping[str, str]) -> None:
    """Refuses to change or remove a list of a finished build; one that was killed has no lists to rely on."""
    if (folder / UNFINISHED).exists():
        return
    there = sorted(file for file in _lists_before(folder) if (folder / file).is_file())
    changed = [
        file for file in there if file not in lists or (folder / file).read_bytes() != texts.get(file, "").encode()
    ]
    if changed:
        raise FileExistsError(
            f"{folder} holds a build of other sources, or with another seed or rule, and {', '.join(changed)} would "
            f"change under the runs that were trained with it, which would then be tested on photos that they know; "
            f"choose another folder with -o, or replace the lists with --force"
        )


def _lists(manifest: Mapping[str, Any]) -> set[str]:
    """The files of lists that a build has, by its manifest."""
    pairs = {PAIRS_OF_TRAIN} if manifest.get("object_colors", {}).get("photos_aligned") else set()
    return {f"{split}.json" for split in SPLITS & {*manifest["splits"]}} | pairs


def _lists_before(folder: Path) -> set[str]:
    """The lists that earlier builds wrote to a folder: a finished one, by its manifest, and those that were killed."""
    found: set[str] = set()
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
        found |= _lists(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    with suppress(OSError, UnicodeDecodeError):
        found |= {*(folder / UNFINISHED).read_text(encoding="utf-8").splitlines()[1:]}
    return found & {PAIRS_OF_TRAIN, *(f"{split}.json" for split in SPLITS)}


def begin_build(folder: Path, name: str, lists: Iterable[str]) -> set[str]:
    """Marks a folder as that of a data set, so that a build that is killed can be started again.

    Returns the lists of earlier builds, which the mark names together with those that will be written.
    """
    before = _lists_before(folder)
    write_whole(folder / UNFINISHED, "\n".join([name, *sorted(before.union(lists))]))
    remove_partial_files(folder)
    return before


def expect_build_or_nothing(folder: Path, name: str) -> None:
    """Refuses a folder that holds anything but an earlier build of the same data set, which may be unfinished."""
    if is_new(folder, UNFINISHED):
        return
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["data_set"]
    except (OSError, ValueError, KeyError, TypeError):
        found = None
    if found is None and (folder / SELECTED).is_dir():
        return  # a build that was interrupted
    with suppress(OSError, UnicodeDecodeError):
        mark = (folder / UNFINISHED).read_text(encoding="utf-8")  # of a build that was killed while it wrote
        found = mark.partition("\n")[0]
    if found != name:
        what = f"a build of {found}" if found else "other files"
        raise ValueError(f"{folder} holds {what}; choose a new folder for {name}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def stream_json(path: Path, items: str) -> Iterator[Any]:
    """The items under a JSON path of ijson, read one at a time and in constant memory."""
    try:
        with path.open("rb") as file:
            yield from ijson.items(file, items, use_float=True)
    except ijson.JSONError as error:
        raise ValueError(f"{path}: no complete JSON ({str(error).splitlines()[0]}); download it again") from error
