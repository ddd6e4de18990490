"""The result of an evaluation: its report, its tables on the screen and its files, each written whole."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet
from lcoins.files import write_whole

PairRow = dict[str, Any]  # what is known of one (photo, caption) pair, by column of the CSV file
TEXT_COLUMNS = ("name", "photo", "caption", "recolored", "old", "new")  # the columns of a row that hold no number

QUALITY_COLUMNS = {  # figure -> heading and decimals
    "psnr": ("PSNR\ndB ↑", 2),
    "ssim": ("SSIM\n↑", 3),
    "lpips_alex": ("LPIPS\nalex ↓", 3),
    "lpips_vgg": ("LPIPS\nvgg ↓", 3),
    "lpips_squeeze": ("LPIPS\nsqueeze", 3),
    "colorfulness": ("color-\nful", 1),
    "color_word_accuracy": ("words\n↑", 3),
    "color_word_swapped": ("swapped\n↓", 3),
}
WORD_LINES = {
    "chance": "chance",
    "chance, named": "chance_among_named",
    "recolored": "recolored_word_accuracy",
}
RECOLORING_LINES = {
    "pairs": "{recolor_pairs:.0f}",
    "shift of the whole picture": "{recolor_shift:.2f}",
    "towards the new word": "{recolor_towards:.2f}",
    "towards the other words (control)": "{recolor_control:.2f}",
    "gain, 0 without reading": "{recolor_gain:.2f} ± {recolor_gain_error:.2f}",
    "share of pairs towards": "{recolor_toward_share:.2f}",
    "share of pairs nearer": "{recolor_nearer:.2f}",
    "new word recognized (chance)": "{recolor_hit:.2f} ({recolor_hit_chance:.2f})",
}


@dataclass
class EvaluationReport:
    """The result of one evaluation.

    Attributes:
        title: Name of the test set.
        figures: Figure by name, means over pairs or shares of all instances.
        settings: The definitions that make figures comparable.
        unavailable: Metric that could not be computed -> what to put where.
        notes: Remarks on the figures that a reader needs.
        confusion: Color asked for -> color that the instances have -> number of instances.
        examples: Row and pictures of the pairs on the contact sheet; they go to no JSON.
    """

    title: str
    figures: dict[str, float]
    settings: dict[str, Any]
    unavailable: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    confusion: dict[str, dict[str, int]] = field(default_factory=dict)
    examples: list[tuple[PairRow, SheetRow]] = field(default_factory=list, repr=False)


def flat_figures(reports: Iterable[EvaluationReport]) -> dict[str, float]:
    """All figures as ``title/figure``, and ``chance`` beside them if the reports with color words share one level."""
    reports = list(reports)
    values = {f"{report.title}/{name}": value for report in reports for name, value in report.figures.items()}
    chances = {report.figures["chance"] for report in reports if "chance" in report.figures}
    return values | ({"chance": chances.pop()} if len(chances) == 1 else {})


def write_json(content: Mapping[str, Any], path: Path) -> None:
    """Writes JSON whole; an infinite or undefined figure becomes null, which every JSON reader understands."""
    write_whole(path, json.dumps(_finite(content), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def sheet_file(directory: Path, title: str) -> Path:
    """The contact sheet that :func:`write_report` writes of a test set."""
    return directory / f"{title}_sheet.png"


def write_report(report: EvaluationReport, rows: Sequence[PairRow], directory: Path) -> None:
    """Writes ``<title>_sheet.png``, ``<title>_pairs.csv`` and ``<title>.json``, each whole."""
    table = io.StringIO()
    writer = csv.DictWriter(table, list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    contact_sheet([sheet for _, sheet in report.examples], sheet_file(directory, report.title))
    write_whole(directory / f"{report.title}_pairs.csv", table.getvalue())
    content = {name: value for name, value in vars(report).items() if name != "examples"}
    write_json(content, directory / f"{report.title}.json")


def print_reports(reports: Iterable[EvaluationReport], console: Console | None = None) -> None:
    """Prints the figures of all reports and, below the tables, notes and metrics that could not be computed."""
    reports = list(reports)
    console = console or Console()
    console.print(_quality_table(reports))
    if any("recolor_gain" in report.figures for report in reports):
        console.print(_recoloring_table(reports))
    notes = [f"{report.title}: {note}" for report in reports for note in report.notes]
    missing = {name: text for report in reports for name, text in report.unavailable.items()}
    for line in [*notes, *(f"{name} not computed: {text}" for name, text in missing.items())]:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _quality_table(reports: Sequence[EvaluationReport]) -> Table:
    """One block of lines per report: prediction, gray floor, truth, and chance of the color words.

    "words" is the share of instances in the color that their word asks for, "swapped" the share in the color of another
    instance of the picture.
    """
    shown = [name for name in QUALITY_COLUMNS if any(name in report.figures for report in reports)]
    table = Table(title="Mean over pairs", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("", no_wrap=True)
    for name in shown:
        table.add_column(QUALITY_COLUMNS[name][0], justify="right")
    for report in reports:
        first = f"{report.title}, {int(report.settings['pairs'])}"
        for label, pattern in ((first, "{}"), ("  gray", "gray_{}"), ("  truth", "{}_truth")):
            table.add_row(label, *(_cell(report, pattern.format(name), name) for name in shown))
        for label, figure in WORD_LINES.items():
            if figure in report.figures:
                cells = (_cell(report, figure, name) if name == "color_word_accuracy" else "" for name in shown)
                table.add_row(f"  {label}", *cells)
        table.add_section()
    return table


def _recoloring_table(reports: Sequence[EvaluationReport]) -> Table:
    """The response to one exchanged color word; gain = towards - control is 0 for a model that ignores the new word."""
    measured = [report for report in reports if "recolor_gain" in report.figures]
    table = Table(title="One color word exchanged (ab units; shares of the pairs)", box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    for report in measured:
        table.add_column(report.title, justify="right")
    for label, pattern in RECOLORING_LINES.items():
        table.add_row(label, *(pattern.format(**report.figures) for report in measured))
    return table


def _cell(report: EvaluationReport, figure: str, column: str) -> str:
    return f"{report.figures[figure]:.{QUALITY_COLUMNS[column][1]}f}" if figure in report.figures else ""


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
