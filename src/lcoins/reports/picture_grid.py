"""Lays pictures out in a grid with titles and captions, and writes figures for print as PNG and PDF."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray

from lcoins.evaluation.contact_sheet import Picture
from lcoins.files import open_whole

WIDTH = 6.9  # inches: the text width of a two-column paper
DPI = 300
TITLE_LINES = 3  # at most, above a column
FONT = 7  # points, the size of the paper's captions
STYLE = {"font.size": FONT, "pdf.fonttype": 42, "savefig.dpi": DPI}  # 42 keeps the text of a PDF as text


@dataclass
class PictureRow:
    """One row of a figure: pictures from left to right, and a caption under them."""

    pictures: list[Picture | NDArray[np.float64]]
    caption: str = ""


def picture_grid(titles: Sequence[str], rows: Sequence[PictureRow], path: Path, width: float = WIDTH) -> list[Path]:
    """Writes ``path`` as .png and .pdf: titles above the columns, captions wrapped under the rows.

    A two-dimensional array of floats is drawn as a map from 0 (dark) to its largest value.
    """
    if not rows:
        raise ValueError(f"no pictures for {path}; give at least one photo")
    letters = int(width * 72 / (FONT * 0.52))  # of a caption that fit into one line
    captions = [textwrap.wrap(row.caption, letters) for row in rows]
    side, line = width / len(titles), FONT * 1.3 / 72
    headings = [wrapped_title(title, int(side * 72 / (FONT * 0.6))) for title in titles]
    head = 0.05 + line * max(heading.count("\n") + 1 for heading in headings)  # inches
    heights = [
        [side * row.pictures[0].shape[0] / row.pictures[0].shape[1], line * len(text) + 0.06]
        for row, text in zip(rows, captions, strict=True)
    ]
    ratios = [height for pair in heights for height in pair]
    with rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, sum(ratios) + head + 0.02))
        top = 1 - head / (sum(ratios) + head + 0.02)
        grid = figure.add_gridspec(
            len(ratios), len(titles), height_ratios=ratios, left=0, right=1, bottom=0, top=top, wspace=0.03, hspace=0.02
        )
        for number, (row, text) in enumerate(zip(rows, captions, strict=True)):
            for column, picture in enumerate(row.pictures):
                axes = figure.add_subplot(grid[2 * number, column])
                axes.imshow(picture, interpolation="nearest", cmap="magma", vmin=0)
                axes.set_axis_off()
                if number == 0:
                    axes.set_title(headings[column], fontsize=FONT, pad=2)
            axes = figure.add_subplot(grid[2 * number + 1, :])
            axes.set_axis_off()
            axes.text(0.005, 0.95, "\n".join(text), va="top", linespacing=1.25)
        return save_figure(figure, path)


def wrapped_title(title: str, letters: int) -> str:
    """The title of a column in up to three lines of ``letters``, broken behind , / = . and - first, and then cut.

    >>> wrapped_title("ablation=no_la,epochs=2", 12)
    'ablation=\\nno_la,\\nepochs=2'
    """
    lines = [""]
    for part in re.findall(r"[^,/=. -]*[,/=. -]?", title):
        for piece in [part[at : at + letters] for at in range(0, len(part), letters)]:
            if len(lines[-1] + piece) <= letters:
                lines[-1] += piece
            else:
                lines.append(piece)
    if len(lines) > TITLE_LINES:
        lines = [*lines[: TITLE_LINES - 1], lines[TITLE_LINES - 1][: letters - 1] + "\N{HORIZONTAL ELLIPSIS}"]
    return "\n".join(lines)


def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Writes a figure as PNG and PDF; the same figure gives the same bytes."""
    written = []
    for ending, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        target = path.with_suffix(ending)
        with open_whole(target) as file:
            figure.savefig(file, format=ending[1:], metadata=metadata)
        written.append(target)
    return written
