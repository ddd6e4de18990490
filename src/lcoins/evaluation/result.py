"""The result of an evaluation: its figures on the screen and, each file whole, on disk."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet
from lcoins.evaluation.tables import quality_table, recoloring_table
from lcoins.files import write_whole

Row = dict[str, Any]  # what is known of one pair, by column
TEXT_COLUMNS = ("name", "photo", "caption", "recolored", "old", "new")  # the columns of a row that are no numbers


@dataclass
class Report:
    """The result of one evaluation: flat ``figures``, the ``settings`` that make them comparable, one row per pair.

    ``unavailable`` maps a metric that could not be computed to what must be put where; ``notes`` are remarks on the
    figures that a reader needs; ``examples`` are the pairs of the contact sheet, which go to no JSON.
    """

    title: str
    figures: dict[str, float]
    settings: dict[str, Any]
    unavailable: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[tuple[Row, SheetRow]] = field(default_factory=list, repr=False)


def flat(reports: Iterable[Report]) -> dict[str, float]:
    """All figures under ``title/figure``, and ``chance`` beside them when color words were judged."""
    reports = list(reports)
    values = {f"{report.title}/{name}": value for report in reports for name, value in report.figures.items()}
    chances = {report.figures["chance"] for report in reports if "chance" in report.figures}
    return values | ({"chance": chances.pop()} if len(chances) == 1 else {})


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Writes JSON whole; an infinite or undefined figure becomes null, which every JSON reader understands."""
    write_whole(path, json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def print_table(reports: Iterable[Report], console: Console | None = None) -> None:
    """Prints the figures of all reports, prediction beside gray floor and truth, and under them what is missing."""
    reports = list(reports)
    console = console or Console()
    lines = [(report.title, int(report.settings["pairs"]), report.figures) for report in reports]
    console.print(quality_table(lines))
    if any("recolor_gain" in figures for _, _, figures in lines):
        console.print(recoloring_table(lines))
    remarks = [f"{report.title}: {note}" for report in reports for note in report.notes]
    missing = {name: text for report in reports for name, text in report.unavailable.items()}
    for line in [*remarks, *(f"{name} not computed: {text}" for name, text in missing.items())]:
        console.print(line, markup=False, highlight=False)


def write_report(report: Report, rows: Sequence[Row], directory: Path) -> None:
    """Writes ``<title>_sheet.png``, ``<title>_pairs.csv`` and ``<title>.json``, each whole."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    contact_sheet([sheet for _, sheet in report.examples], directory / f"{report.title}_sheet.png")
    write_whole(directory / f"{report.title}_pairs.csv", table.getvalue())
    content = {name: value for name, value in vars(report).items() if name != "examples"}
    write_json(content, directory / f"{report.title}.json")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
