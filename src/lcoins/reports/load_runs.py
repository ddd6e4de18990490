"""Reads what `lcoins train` left of finished runs: the rows of their test pairs, and the groups of image tokens."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcoins.evaluation.result import TEXT_COLUMNS
from lcoins.training.run_folder import read_run_config

Array = NDArray[np.float64]

USUAL_ORDER = ("clear", "instances", "unobserved", "counter", "recolor")


@dataclass
class Run:
    """One finished run: ``sets`` holds the columns of its rows by test set, ``groups`` its image tokens' groups."""

    folder: Path
    variant: str
    seed: int
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    sets: dict[str, dict[str, Array]] = field(default_factory=dict)
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    photos: dict[str, list[str]] = field(default_factory=dict)
    groups: dict[str, Path] = field(default_factory=dict)

    def curve(self, column: str) -> dict[int, float]:
        """A figure of the CSV logs by epoch; where a resumed run did an epoch twice, the later value counts."""
        values: dict[int, float] = {}
        logs = (self.folder / "csv").glob("version_*/metrics.csv")
        for path in sorted(logs, key=lambda path: int(path.parent.name.removeprefix("version_"))):
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if row.get(column)]
            values |= {int(float(row["epoch"])): float(row[column]) for row in rows}
        return values


def find_runs(places: Sequence[Path]) -> list[Run]:
    """The finished runs in and below ``places``, by variant and seed; evaluations of other data are passed over.

    Raises FileNotFoundError where there is none.
    """
    folders = sorted(
        {
            done.parent
            for place in places
            for done in place.rglob("metrics.json")
            if (done.parent / "config.yaml").is_file() and (done.parent / "test").is_dir()
        }
    )
    if not folders:
        named = ", ".join(map(str, places))
        raise FileNotFoundError(
            f"no finished run below {named}: expected folders with config.yaml, metrics.json and "
            f"test/, as `lcoins train` leaves them; give the folder of your runs"
        )
    names = _variants([folder.parent for folder in folders])
    runs = [_read_run(folder, names[folder.parent]) for folder in folders]
    return sorted(runs, key=lambda run: (run.variant, run.seed))


def _variants(parents: Sequence[Path]) -> dict[Path, str]:
    """Short names from the folders: overrides that all share are left out, and the key where only one is left.

    ``ablation=full,x=1`` and ``ablation=no_ge,x=1`` become "full" and "no_ge".
    """
    overrides = {parent: parent.name.split(",") for parent in parents}
    shared = set.intersection(*map(set, overrides.values())) if len(overrides) > 1 else set()
    own = {parent: [part for part in parts if part not in shared] for parent, parts in overrides.items()}
    keys = {part.partition("=")[0] for parts in own.values() for part in parts if part != "default"}
    if len(keys) == 1:
        own = {parent: [part.partition("=")[2] or part for part in parts] for parent, parts in own.items()}
    labels = {parent: ",".join(parts) or "default" for parent, parts in own.items()}
    if len({parent.parent for parent in parents}) > 1:
        labels = {
            parent: "/".join([parent.parent.name, *([label] if label != "default" else [])])
            for parent, label in labels.items()
        }
    return labels


def _read_run(folder: Path, variant: str) -> Run:
    read_run_config(folder)  # refuses a run of an older lcoins, whose columns have other names
    seed = int(folder.name.removeprefix("seed=")) if folder.name.startswith("seed=") else 0
    run = Run(folder, variant, seed)
    titles = [path.name.removesuffix("_pairs.csv") for path in (folder / "test").glob("*_pairs.csv")]
    for title in sorted(titles, key=lambda title: (title not in USUAL_ORDER, _place(title), title)):
        path = folder / "test" / f"{title}_pairs.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        run.pairs[title] = [(row["name"], row["caption"]) for row in rows]
        run.photos[title] = [row["photo"] for row in rows]
        numbers = [name for name in (rows[0] if rows else ()) if name not in TEXT_COLUMNS]
        run.sets[title] = {name: np.array([_number(row[name]) for row in rows]) for name in numbers}
        run.settings[title] = json.loads((folder / "test" / f"{title}.json").read_text(encoding="utf-8"))["settings"]
        if (groups := folder / "test" / f"{title}_groups.npy").is_file():
            run.groups[title] = groups
    return run


def _place(title: str) -> int:
    return USUAL_ORDER.index(title) if title in USUAL_ORDER else 0


def _number(text: str) -> float:
    words = {"": float("nan"), "True": 1.0, "False": 0.0}
    return words[text] if text in words else float(text)
