"""Runs the benchmark of obedience over photos with outlined things, and writes and prints what it found."""

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.data.photos_with_things import PhotosWithThings, PhotoWithThings
from lcoins.data.types import key
from lcoins.evaluation.asked_colors import COLORS, Question, questions
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet, pictures
from lcoins.evaluation.photo_obedience import (
    HIT_ANGLE,
    HIT_CHROMA,
    RING,
    WAY,
    Answer,
    PhotoThings,
    answers,
    breakdown,
    hinted_colors,
    painted,
    sentence_colors,
    summary,
)
from lcoins.evaluation.result import write_json
from lcoins.files import sha256_of, write_whole
from lcoins.models.colorizer import ColorizationSystem
from lcoins.progress import followed
from lcoins.wording import counted

TITLE = "obedience"
SHEET_ROWS = 12
HINTS = ("none", "masks", "places")
SYSTEMS = {"gray": "gray", "truth": "photo itself", "oracle": "oracle", "system": "the system"}
FIGURES = {"hit": "hit ↑", "hit_nbs": "NBS ↑", "way": "way ↑", "spill": "spill ↓", "stray": "stray ↓", "both": "both ↑"}


@dataclass
class ObedienceReport:
    """The result of the benchmark.

    Attributes:
        figures: System, task, then figure, each value with the ends of its 95 % interval (``photo_obedience.summary``).
        breakdown: The system's figures of the task ``named`` by color, size and kind.
        settings: What makes figures comparable: sizes, seed, files, and how much was asked.
        rows: One per asked thing and system.
    """

    figures: dict[str, dict[str, Any]]
    breakdown: dict[str, dict[str, Any]]
    settings: dict[str, Any]
    rows: list[Answer] = field(repr=False)


def judge_photos(
    system: ColorizationSystem,
    photos: PhotosWithThings,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    progress: bool = False,
    hints: str = "none",
    weights: Mapping[str, str] | None = None,
) -> ObedienceReport:
    """Asks all that the photos allow, and writes ``obedience.json``, ``obedience_things.csv``, ``obedience_sheet.png``.

    The files appear only at the end, each whole. Raises ValueError where the photos have nothing to ask for.

    Args:
        system: what is judged; it runs on ``device``.
        photos: what it is judged on.
        folder: where the files are written.
        device: where the system runs.
        progress: whether to show how far it is.
        hints: "masks" or "places" gives each asked thing its color by hand as well (:mod:`lcoins.color.hints`).
        weights: name and SHA-256 of the system's weights, for the settings.
    """
    if hints not in HINTS:
        raise ValueError(f"expected hints of {', '.join(HINTS)}, got {hints!r}")
    rows: list[Answer] = []
    sheet = QuestionSheet(photos.seed)
    pixels, asked, seen, counts = hashlib.sha256(), hashlib.sha256(), 0, Counter[str]()
    for photo in followed(photos, TITLE, len(photos)) if progress else photos:
        seen += 1
        pixels.update(photo.rgb.numpy().data)
        things = ask(photo, photos.seed)
        ab = sentence_colors(system, things, device)
        if hints != "none":
            ab = hinted_colors(things, ab, hints)
        rows += answers(things, ab)
        sheet.consider(things, ab)
        for question in things.questions:
            counts[question.task] += 1
            asked.update(f"{photo.name}\n{question.caption}\n".encode())
    if not rows:
        raise ValueError(
            f"nothing to ask for: of {len(photos)} photos of {photos.files['instances']} {photos.missing} are missing, "
            f"and no other shows a thing of at least 2 % of the photo; is data.root the folder of these photos?"
        )
    settings = {
        "photos": {"read": seen, "missing": photos.missing, "limit": photos.limit, "sha256": pixels.hexdigest()},
        "questions": dict(counts),
        "asked_sha256": asked.hexdigest(),
        "image_size": photos.image_size,
        "model_size": system.image_size,
        "seed": photos.seed,
        "augmentation": None if photos.augmentation is None else repr(photos.augmentation),
        "hints": hints,
        "files": {what: {"name": path.name, "sha256": sha256_of(path)} for what, path in photos.files.items()},
        "weights": dict(weights) if weights is not None else None,
        "colors": list(COLORS),
        "hit": {"degrees_of_hue": HIT_ANGLE, "least_chroma": HIT_CHROMA},
        "way": {"units_of_ab": WAY},
        "bleeding": {"pixels_around": RING},
        "intervals": "95 %, bootstrap over photos",
    }
    named = [row for row in rows if row["system"] == "system" and row["task"] == "named"]
    report = ObedienceReport(summary(rows), breakdown(named), settings, rows)
    contact_sheet(sheet.rows(), folder / f"{TITLE}_sheet.png", photos.image_size)
    write_whole(folder / f"{TITLE}_things.csv", _table_of(rows))
    write_json({"title": TITLE} | {k: v for k, v in vars(report).items() if k != "rows"}, folder / f"{TITLE}.json")
    return report


def ask(photo: PhotoWithThings, seed: int) -> PhotoThings:
    """The lightness that a system sees, the photo's color, and the questions, which are about the photo as it is."""
    lightness, ab = split_lab(photo.rgb[None].float() / 255)
    level = lightness[0, 0].numpy()
    found = list(questions(photo.name, photo.kinds, photo.masks, level, photo.captions, seed))
    return PhotoThings(photo.name, photo.lightness[None], ab, photo.masks, found)


class QuestionSheet:
    """Chooses SHEET_ROWS questions, as many of each task as there are, at random but the same whatever the order."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.kept: dict[str, list[tuple[int, SheetRow]]] = {}

    def consider(self, photo: PhotoThings, ab: Mapping[str, Tensor]) -> None:
        """Keeps the photo's questions that are among the first of their task in the random order."""
        for question in photo.questions:
            place = key(self.seed, "sheet", photo.name, question.caption)
            kept = self.kept.setdefault(question.task, [])
            if len(kept) < SHEET_ROWS or place < kept[-1][0]:
                kept.append((place, _sheet_row(photo, question, ab)))
                kept.sort(key=lambda one: one[0])
                del kept[SHEET_ROWS:]

    def rows(self) -> list[SheetRow]:
        """The rows, of the tasks in turn; a sentence that two tasks ask of a photo is shown once."""
        ranked = [(rank, *one) for kept in self.kept.values() for rank, one in enumerate(kept)]
        rows = {place: row for _, place, row in sorted(ranked, key=lambda one: one[0])}
        return list(rows.values())[:SHEET_ROWS]


def _sheet_row(photo: PhotoThings, question: Question, ab: Mapping[str, Tensor]) -> SheetRow:
    shown = {
        "gray": torch.zeros_like(photo.ab[0]),
        'answer to "gray"': ab[question.reference],
        "answer": ab[question.caption],
        "oracle": painted(photo, question)[0],
        "photo": photo.ab[0],
    }
    rgb = pictures(photo.lightness.expand(len(shown), -1, -1, -1), torch.stack(list(shown.values())))
    return SheetRow(question.caption, dict(zip(shown, np.asarray(rgb), strict=True)))


def _table_of(rows: Sequence[Answer]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def print_obedience(report: ObedienceReport, console: Console | None = None) -> None:
    """Prints one table, a block of lines for each task: gray, the photo itself, the oracle and the system."""
    console = console or Console()
    narrow: dict[str, Any] = {"box": SIMPLE_HEAD, "padding": 0, "show_edge": False}  # intervals fit into 80 columns
    table = Table(title="Does the named thing take the named color?", **narrow)
    table.add_column("", no_wrap=True)
    for heading in FIGURES.values():
        table.add_column(heading, justify="right", overflow="fold")  # a wide interval is shown whole
    for task in report.settings["questions"]:
        things = report.figures["system"][task]["things"]
        table.add_row(f"{task}, {things:,} {'thing' if things == 1 else 'things'}")
        for system, name in SYSTEMS.items():
            own = report.figures[system][task]
            table.add_row(f"  {name}", *(_cell(own.get(figure), system == "system") for figure in FIGURES))
        table.add_section()
    console.print(table)
    for line in _notes(report.settings):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _cell(value: Sequence[float | None] | None, interval: bool) -> str:
    if value is None:
        return ""
    mean, low, high = value
    return f"{mean:.2f}" + (f" {low:.2f}-{high:.2f}" if interval and low is not None else "")


def _notes(settings: Mapping[str, Any]) -> Iterator[str]:
    yield "beside the system's figures: their 95 % intervals over photos; spill: movement outside over that inside"
    if settings["augmentation"]:
        yield f"photos were seen after {settings['augmentation']}"
    if missing := settings["photos"]["missing"]:
        yield f"left out: {counted(missing, 'photo')} of the file of instances that the folder lacks"
