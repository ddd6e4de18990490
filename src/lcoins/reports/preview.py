"""A sheet to look at before training: photos with their captions, the colors named, the lengths of captions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw, ImageFont

from lcoins.color.words import COLOR_LAB, color_counts, find_colors
from lcoins.evaluation.contact_sheet import (
    FONT_SIZE,
    GAP,
    INK,
    LINE,
    PAPER,
    Font,
    Picture,
    draw_caption,
    fit,
    word_rgb,
    wrap,
)
from lcoins.files import open_whole

COLUMNS = 4
PANEL = 260  # pixels of a photo's longer side, and of a column
CAPTIONS = 3  # shown of each photo
CHART_HEIGHT = 300  # pixels
DPI = 100
MOST_COLORS = 11  # bars, beside the one for captions without a color
BIN = 5  # words per bar of the histogram
BINS = 9  # of which the last one holds all longer captions
PALE, EDGE = "#e1e1e1", "#969696"
CHART_STYLE: Any = {
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.spines.bottom": False,
    "xtick.bottom": False,
    "ytick.left": False,
}


@dataclass
class PreviewPhoto:
    """A photo of the sheet with all its captions."""

    name: str
    picture: Picture
    captions: list[str]


def preview_sheet(title: str, photos: Sequence[PreviewPhoto], captions: Sequence[str], path: Path) -> None:
    """Writes one PNG: the title, two charts of all ``captions``, then the ``photos``."""
    if not photos or not captions:
        raise ValueError(f"nothing to show in {path}; give at least one photo with a caption")
    font = ImageFont.load_default(size=FONT_SIZE)
    width = GAP + COLUMNS * (PANEL + GAP)
    cells = [_cell(photo, font) for photo in photos]
    rows = [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]
    heights = [max(cell.height for cell in row) + GAP for row in rows]
    top = 2 * GAP + LINE + CHART_HEIGHT + GAP
    sheet = Image.new("RGB", (width, top + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((GAP, GAP), title, fill=INK, font=ImageFont.load_default(size=FONT_SIZE + 3))
    sheet.paste(_charts(captions, width - 2 * GAP), (GAP, 2 * GAP + LINE))
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            sheet.paste(cell, (GAP + column * (PANEL + GAP), top))
        top += height
    with open_whole(path) as file:
        sheet.save(file, format="PNG")


def _cell(photo: PreviewPhoto, font: Font) -> Image.Image:
    """A photo, its name and its first captions, one column wide."""
    picture = fit(photo.picture, PANEL)
    lines = [line for caption in photo.captions[:CAPTIONS] for line in (*wrap(caption, font, PANEL), "")]
    more = len(photo.captions) - CAPTIONS
    lines += [f"and {more} more"] if more > 0 else []
    cell = Image.new("RGB", (PANEL, picture.height + GAP // 2 + LINE * (1 + len(lines))), PAPER)
    cell.paste(picture, (0, 0))
    draw = ImageDraw.Draw(cell)
    draw.text((0, picture.height + GAP // 2), _shortened(photo.name, font), fill=(120, 120, 120), font=font)
    for number, line in enumerate(lines, start=1):
        draw_caption(draw, (0, picture.height + GAP // 2 + LINE * number), line, font)
    return cell


def _shortened(name: str, font: Font) -> str:
    if font.getlength(name) <= PANEL:
        return name
    while name and font.getlength(f"…{name}") > PANEL:
        name = name[1:]
    return f"…{name}"


def _charts(captions: Sequence[str], width: int) -> Image.Image:
    """Two bar charts side by side: how many captions name each color, and how long captions are."""
    with rc_context(CHART_STYLE):
        figure = Figure(figsize=(width / DPI, CHART_HEIGHT / DPI), dpi=DPI, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        colors, lengths = figure.subplots(1, 2)
        _draw_colors(colors, captions)
        _draw_lengths(lengths, captions)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")


def _draw_colors(axes: Axes, captions: Sequence[str]) -> None:
    counts = dict(color_counts(captions).most_common(MOST_COLORS))
    fills = [_unit_rgb(word_rgb(COLOR_LAB[color])) for color in counts] + ["white"]
    counts["no color"] = sum(not find_colors(caption) for caption in captions)
    bars = axes.barh(list(counts), list(counts.values()), color=fills, edgecolor=EDGE, linewidth=0.8)
    axes.bar_label(bars, [f"{count:,} ({_share(count, len(captions))})" for count in counts.values()], padding=4)
    axes.set_title("Captions that name a color")
    axes.set_ylim(max(8, len(counts)) - 0.4, -0.6)  # the most frequent on top; few bars stay slim
    axes.set_xlim(0, 1.3 * max(1, *counts.values()))  # leaves room for the longest bar's label
    axes.set_xticks([])


def _draw_lengths(axes: Axes, captions: Sequence[str]) -> None:
    counts = _bins([len(caption.split()) for caption in captions])
    bars = axes.bar(list(counts), list(counts.values()), width=0.92, color=PALE, edgecolor=EDGE, linewidth=0.8)
    axes.bar_label(bars, [f"{count:,}" for count in counts.values()], padding=2)
    axes.set_title("Words in a caption")
    axes.set_xlim(-0.6, max(5, len(counts)) - 0.4)  # few bars stay slim
    axes.set_ylim(0, 1.1 * max(counts.values()))
    axes.set_yticks([])


def _unit_rgb(color: tuple[int, int, int]) -> tuple[float, ...]:
    return tuple(value / 255 for value in color)


def _share(count: int, total: int) -> str:
    return "<1%" if 0 < count / total < 0.005 else f"{count / total:.0%}"


def _bins(lengths: Sequence[int]) -> Mapping[str, int]:
    """Captions by length in words, in bins of BIN words; the last bin holds all longer ones."""
    last = BINS - 1
    counts = Counter(min(max(0, length - 1) // BIN, last) for length in lengths)
    names = [f"{index * BIN + 1}-{(index + 1) * BIN}" for index in range(last)] + [f"{last * BIN + 1}+"]
    return {names[index]: counts[index] for index in range(max(counts) + 1)}
