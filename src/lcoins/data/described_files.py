"""The files of a described data set: rows of a run that may be interrupted, and what is made of them in the end.

All is read and written one photo at a time, so that memory does not grow with the number of photos.
"""

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from lcoins.color.words import color_counts
from lcoins.data.pairs import Problem
from lcoins.files import whole_file, write_whole

Row = dict[str, Any]  # of one photo: its size, captions, pairs and annotations; or its problem; or its name alone


@dataclass(frozen=True)
class DescribedFiles:
    """Where the files lie that go with a caption list, and the rows of an unfinished run."""

    captions: Path

    @property
    def object_colors(self) -> Path:
        return self._beside("object_colors.json")

    @property
    def instances(self) -> Path:
        return self._beside("instances.json")

    @property
    def left_out(self) -> Path:
        return self._beside("left_out.jsonl")

    @property
    def manifest(self) -> Path:
        return self._beside("manifest.json")

    @property
    def rows(self) -> Path:
        return self._beside("unfinished.jsonl")

    def _beside(self, ending: str) -> Path:
        return self.captions.with_name(f"{self.captions.stem}_{ending}")

    def expect_nothing_of_others(self, source: Path) -> None:
        """Refuses files that lie where those of the list will, but for those of an earlier run.

        Raises FileExistsError for them, and for ``source``, of which the list is made.
        """
        ours = self.rows.exists() or self._manifest() is not None
        for path in (self.instances, self.object_colors, self.left_out, self.manifest):
            if path.exists() and (not ours or path.samefile(source)):
                raise FileExistsError(f"{path} exists and would be replaced; choose another list, or move it away")

    def problems(self, most: int, without: str | None = None) -> list[Problem]:
        """The first problems of the photos that a finished data set lacks, except those of one kind."""
        with self.left_out.open(encoding="utf-8") as file:
            found = (Problem(**json.loads(line)) for line in file)
            return list(islice((problem for problem in found if problem.what != without), most))

    def made_with(self) -> Mapping[str, Any] | None:
        """The options of the finished data set, or None where none is finished, or of another origin."""
        return self._manifest() if self.captions.is_file() else None

    def _manifest(self) -> Mapping[str, Any] | None:
        try:
            return dict(json.loads(self.manifest.read_text(encoding="utf-8"))["made_with"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass
class DescribeProgress:
    """What is done so far: ``photos`` of ``total``, ``described`` ones among them, with how many captions.

    ``left_out`` counts the problems of photos by kind; ``silent`` are photos with nothing sure to be said of.
    """

    total: int
    photos: int = 0
    described: int = 0
    captions: int = 0
    references: int = 0
    colored: int = 0
    silent: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    colors: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Counts a photo's row."""
        self.photos += 1
        if "problem" in row:
            self.left_out[row["problem"]["what"]] += 1
        elif row.get("captions"):
            self.described += 1
            self.captions += len(row["captions"])
            self.references += sum(len(one["described"]) for one in row["annotations"])
            self.colored += sum(map(len, row["pairs"]))
            self.colors += color_counts(row["captions"])
        else:
            self.silent += 1


def open_rows(files: DescribedFiles, made_with: dict[str, Any], progress: DescribeProgress) -> None:
    """Begins the file of rows, or goes on with the one of an interrupted run, whose rows are counted.

    A last line that was not written whole is cut off. Raises ValueError where the run had other options.
    """
    if not files.rows.exists():
        write_whole(files.rows, json_of({"made_with": made_with}) + "\n")
        return
    with files.rows.open("rb") as file:
        first = next(file, b"")
        head = _row_of(first)
        theirs = head.get("made_with") if head is not None else None
        if theirs != made_with:
            differs = next((name for name in made_with if (theirs or {}).get(name) != made_with[name]), "form")
            raise ValueError(
                f"{files.rows} is of an unfinished run with {differs} {(theirs or {}).get(differs)}, not "
                f"{made_with.get(differs)}; give the same options, choose another list, or remove that file"
            )
        end = len(first)
        for line in file:
            row = _row_of(line)
            if row is None:
                break
            progress.add(row)
            end += len(line)
    os.truncate(files.rows, end)


def _row_of(line: bytes) -> Row | None:
    """The row of a line that was written whole; None for another."""
    try:
        row = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return row if isinstance(row, dict) else None


def read_rows(files: DescribedFiles) -> Iterator[Row]:
    """The rows of all photos, in order."""
    with files.rows.open(encoding="utf-8") as file:
        next(file)
        yield from map(json.loads, file)


def write_described(
    files: DescribedFiles, categories: Sequence[str], made_with: Mapping[str, Any], progress: DescribeProgress
) -> None:
    """Makes the final files of the rows, the caption list last, and removes the rows."""
    with whole_file(files.object_colors) as partial:
        _write_object(partial, ((row["photo"], row["pairs"]) for row in _described(files)))
    with whole_file(files.instances) as partial:
        _write_instances(partial, files, categories)
    with whole_file(files.left_out) as partial, partial.open("w", encoding="utf-8") as file:
        file.writelines(json_of(row["problem"]) + "\n" for row in read_rows(files) if "problem" in row)
    manifest = {
        "made_with": dict(made_with),
        "photos": progress.described,
        "captions": progress.captions,
        "colored_things": progress.colored,
        "colors": dict(progress.colors.most_common()),
        "nothing_sure_to_say": progress.silent,
        "left_out": dict(sorted(progress.left_out.items())),
    }
    write_whole(files.manifest, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    with whole_file(files.captions) as partial:
        _write_object(partial, ((row["photo"], row["captions"]) for row in _described(files)))
    files.rows.unlink()


def _described(files: DescribedFiles) -> Iterator[Row]:
    return (row for row in read_rows(files) if row.get("captions"))


def _write_object(path: Path, entries: Iterator[tuple[str, Any]]) -> None:
    """A JSON object, one key a line, so that a report can name the line."""
    with path.open("w", encoding="utf-8") as file:
        file.write("{\n")
        for number, (name, value) in enumerate(entries):
            file.write(f"{_comma(number)}{json_of(name)}: {json_of(value)}")
        file.write("\n}\n")


def _write_instances(path: Path, files: DescribedFiles, categories: Sequence[str]) -> None:
    """COCO's form: the instances that captions mean, with the captions in ``images`` (see coco_format)."""
    with path.open("w", encoding="utf-8") as file:
        named = [{"id": number, "name": name} for number, name in enumerate(categories, 1)]
        file.write(f'{{"categories": {json_of(named)},\n"images": [\n')
        for number, row in enumerate(_described(files), 1):
            width, height = row["size"]
            image = {"id": number, "file_name": row["photo"], "width": width, "height": height}
            file.write(_comma(number - 1) + json_of(image | {"captions": row["captions"]}))
        file.write('\n],\n"annotations": [\n')
        count = 0
        for number, row in enumerate(_described(files), 1):
            for one in row["annotations"]:
                file.write(_comma(count) + json_of({"id": count + 1, "image_id": number} | one))
                count += 1
        file.write("\n]}\n")


def _comma(before: int) -> str:
    """What separates an entry from so many before it."""
    return ",\n" if before else ""


def json_of(value: Any) -> str:
    """A value on one line."""
    return json.dumps(value, ensure_ascii=False)
