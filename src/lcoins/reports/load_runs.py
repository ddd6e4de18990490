"""Reads what `lcoins train` leaves of finished runs: the figures of each test pair, and the groups of image tokens."""

import csv
import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lcoins.evaluation.result import TEXT_COLUMNS
from lcoins.training.run_folder import read_run_config, recorded_overrides

Array = NDArray[np.float64]

CUT_NAME = re.compile(r".{90,}-[0-9a-f]{8}")  # of a folder, as `lcoins train` shortens it
SAYS_NOTHING = re.compile(r"[-+.\d]\S*|true|false|null|none|inf|nan|", re.IGNORECASE)  # a value without its key
USUAL_ORDER = ("clear", "instances", "unobserved", "counter", "recolor")


@dataclass
class Run:
    """One finished run; the dictionaries have one entry for each test set.

    ``columns`` holds the figures of the test pairs by the name of their column, ``pairs`` the name and caption of each
    pair, ``photos`` its photo, ``exchanged`` its caption with another color word, "" where none is recorded,
    ``settings`` how the set was evaluated, ``group_files`` the file with its image tokens' groups. ``obedience`` holds
    the results of the benchmark of obedience by what was asked, at which size, and how photos were augmented.
    """

    folder: Path
    variant: str
    seed: int
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    columns: dict[str, dict[str, Array]] = field(default_factory=dict)
    pairs: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    photos: dict[str, list[str]] = field(default_factory=dict)
    exchanged: dict[str, list[str]] = field(default_factory=dict)
    group_files: dict[str, Path] = field(default_factory=dict)
    obedience: dict[tuple[str, int, str | None], dict[str, Any]] = field(default_factory=dict)

    def curve(self, column: str) -> dict[int, float]:
        """A column of the CSV logs by epoch; where a resumed run repeated an epoch, the later value counts."""
        values: dict[int, float] = {}
        logs = (self.folder / "csv").glob("version_*/metrics.csv")
        for path in sorted(logs, key=lambda path: int(path.parent.name.removeprefix("version_"))):
            with path.open(newline="", encoding="utf-8") as file:
                rows = [row for row in csv.DictReader(file) if row.get(column)]
            values |= {int(float(row["epoch"])): float(row[column]) for row in rows}
        return values


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """The finished runs in and below ``folders``, by variant and seed; evaluations of other data are skipped.

    A run that several folders lead to counts once.

    Raises FileNotFoundError if one of the folders is not there or holds none.
    """
    finished: dict[Path, Path] = {}  # by the place on the disk, which has one spelling
    for folder in folders:
        found = {
            metrics.parent
            for metrics in folder.rglob("metrics.json")
            if (metrics.parent / "config.yaml").is_file() and (metrics.parent / "test").is_dir()
        }
        if not found:
            wrong = f"no finished run below {folder}" if folder.exists() else f"{folder} does not exist"
            raise FileNotFoundError(
                f"{wrong}: expected folders with config.yaml, metrics.json and test/, as `lcoins train` leaves them; "
                f"give the folders of your runs"
            )
        finished |= {folder.resolve(): folder for folder in sorted(found)}
    ordered = sorted(finished.values())
    choices = {folder.parent: overrides for folder in ordered if (overrides := _recorded_choices(folder)) is not None}
    names = _variant_names([folder.parent for folder in ordered], choices)
    runs = [_read_run(folder, names[folder.parent]) for folder in ordered]
    return sorted(runs, key=lambda run: (run.variant, run.seed))


def _recorded_choices(folder: Path) -> list[str] | None:
    """The recorded overrides of a run in a folder whose name is cut; None where the name says all or none are left.

    ``data`` and ``system`` are left out where the name of the runs, the folder above, holds them already.
    """
    if not CUT_NAME.fullmatch(folder.parent.name):
        return None
    overrides = recorded_overrides(folder)
    if overrides is None:
        return None
    held = {f"{key}={name}" for key in ("data", "system") for name in re.split("[-/]", folder.parent.parent.name)}
    return [override for override in overrides if override not in held]


def _variant_names(parents: Sequence[Path], choices: Mapping[Path, list[str]] | None = None) -> dict[Path, str]:
    """Short names by what differs: without the overrides that all share, and without keys that need not be said.

    ``ablation=full,x=1`` and ``ablation=no_ge,x=1`` become "full" and "no_ge". A number, true, false or null keeps the
    last part of its key: ``recipe.epochs=2`` becomes "epochs=2". ``choices`` holds the overrides of folders whose names
    do not have them all. Runs of one name in several places are told apart by these: "old/s" and "new/s".
    """
    overrides = {parent: (choices or {}).get(parent) or parent.name.split(",") for parent in parents}
    shared = set.intersection(*map(set, overrides.values())) if len(overrides) > 1 else set()
    distinct = {parent: [part for part in parts if part not in shared] for parent, parts in overrides.items()}
    keys = {part.partition("=")[0] for parts in distinct.values() for part in parts if part != "default"}
    ends = [key.rpartition(".")[2] for key in keys]

    def shortened(part: str) -> str:
        key, _, value = part.partition("=")
        if len(keys) == 1 and not SAYS_NOTHING.fullmatch(value):
            return value
        end = key.rpartition(".")[2]
        return f"{end}={value}" if "=" in part and ends.count(end) == 1 else part

    labels = {parent: ",".join(map(shortened, parts)) or "default" for parent, parts in distinct.items()}
    if len({parent.parent for parent in parents}) > 1:
        labels = {
            parent: "/".join([parent.parent.name, *([label] if label != "default" else [])])
            for parent, label in labels.items()
        }
    return _told_apart(labels)


def _told_apart(labels: Mapping[Path, str]) -> dict[Path, str]:
    """Equal labels of different places get the names of the folders above, as many as tell the places apart."""
    above: dict[str, dict[Path, tuple[str, ...]]] = defaultdict(dict)
    for parent, label in labels.items():
        above[label][parent] = parent.resolve().parts[:-2]
    told: dict[Path, str] = {}
    for label, places in above.items():
        different = set(places.values())
        count = 0
        while len({place[::-1][:count] for place in different}) < len(different):
            count += 1
        told |= {parent: "/".join([*place[::-1][:count][::-1], label]) for parent, place in places.items()}
    return {parent: told[parent] for parent in labels}


def _read_run(folder: Path, variant: str) -> Run:
    read_run_config(folder)  # refuses a run of an older lcoins, whose columns have other names
    seed = int(folder.name.removeprefix("seed=")) if folder.name.startswith("seed=") else 0
    run = Run(folder, variant, seed)
    titles = [path.name.removesuffix("_pairs.csv") for path in (folder / "test").glob("*_pairs.csv")]
    for title in sorted(titles, key=_order):
        path = folder / "test" / f"{title}_pairs.csv"
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        run.pairs[title] = [(row["name"], row["caption"]) for row in rows]
        run.photos[title] = [row["photo"] for row in rows]
        run.exchanged[title] = [row.get("recolored", "") for row in rows]
        numbers = [name for name in (rows[0] if rows else ()) if name not in TEXT_COLUMNS]
        run.columns[title] = {name: np.array([_number(row[name]) for row in rows]) for name in numbers}
        run.settings[title] = json.loads((folder / "test" / f"{title}.json").read_text(encoding="utf-8"))["settings"]
        if (groups := folder / "test" / f"{title}_groups.npy").is_file():
            run.group_files[title] = groups
    for path in sorted(folder.glob("eval/*/obedience.json")):  # "checkpoint=last,..." comes before the best one's
        result = json.loads(path.read_text(encoding="utf-8"))
        settings = result["settings"]
        run.obedience[settings["asked_sha256"], settings["image_size"], settings.get("augmentation")] = result
    return run


def _order(title: str) -> tuple[int, str]:
    """Sorts the sets of scenes in their usual order, and after them all others by name."""
    return (USUAL_ORDER.index(title) if title in USUAL_ORDER else len(USUAL_ORDER), title)


def _number(text: str) -> float:
    words = {"": float("nan"), "True": 1.0, "False": 0.0}
    return words[text] if text in words else float(text)
