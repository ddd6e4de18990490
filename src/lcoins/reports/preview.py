"""What a person looks at before training: photos with their captions, the colors named, the lengths of captions."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from lcoins.color.words import color_counts, find_colors
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
from lcoins.files import whole_file

COLUMNS = 4
PANEL = 260  # pixels of a photo's longer side, and of a column
CAPTIONS = 3  # shown of one photo
CHART_HEIGHT = 260
BINS = 5  # words per bar of the histogram
PALE = (225, 225, 225)


@dataclass
class PreviewPhoto:
    """One photo of the sheet with all its captions."""

    name: str
    picture: Picture
    captions: list[str]


def preview_sheet(title: str, photos: Sequence[PreviewPhoto], captions: Sequence[str], path: Path) -> None:
    """Writes one PNG: title, two charts over all ``captions``, then the ``photos``."""
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
    half = (width - 3 * GAP) // 2
    sheet.paste(_color_chart(captions, (half, CHART_HEIGHT), font), (GAP, 2 * GAP + LINE))
    sheet.paste(_length_chart(captions, (half, CHART_HEIGHT), font), (2 * GAP + half, 2 * GAP + LINE))
    for row, height in zip(rows, heights, strict=True):
        for place, cell in enumerate(row):
            sheet.paste(cell, (GAP + place * (PANEL + GAP), top))
        top += height
    with whole_file(path) as partial:
        sheet.save(partial, format="PNG")


def _cell(photo: PreviewPhoto, font: Font) -> Image.Image:
    """A photo, its name and the first captions, one column wide."""
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


def _color_chart(captions: Sequence[str], size: tuple[int, int], font: Font) -> Image.Image:
    counts = dict(color_counts(captions).most_common(11))
    silent = sum(not find_colors(caption) for caption in captions)
    bars = {color: (count, word_rgb(color)) for color, count in counts.items()} | {"none": (silent, PAPER)}
    chart = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(chart)
    draw.text((0, 0), "captions that name a color", fill=INK, font=font)
    left, right = 90, 130
    step = min(LINE, (size[1] - LINE) // len(bars))
    most = max(count for count, _ in bars.values()) or 1
    for place, (color, (count, fill)) in enumerate(bars.items()):
        top = LINE + GAP // 2 + place * step
        draw.text((0, top - 2), color, fill=INK, font=font)
        end = left + round((size[0] - left - right) * count / most)
        draw.rectangle((left, top, max(left + 1, end), top + step - 5), fill=fill, outline=(150, 150, 150))
        draw.text((end + GAP, top - 2), f"{count:,} ({_share(count, len(captions))})", fill=INK, font=font)
    return chart


def _share(count: int, total: int) -> str:
    return "<1%" if 0 < count / total < 0.005 else f"{count / total:.0%}"


def _length_chart(captions: Sequence[str], size: tuple[int, int], font: Font) -> Image.Image:
    bars = _bins([len(caption.split()) for caption in captions])
    chart = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(chart)
    draw.text((0, 0), "words in a caption", fill=INK, font=font)
    floor, most = size[1] - LINE, max(bars.values())
    step = min(60, size[0] // len(bars))
    for place, (label, count) in enumerate(bars.items()):
        left, top = place * step, floor - round((floor - 2 * LINE) * count / most)
        draw.rectangle((left, min(top, floor - 1), left + step - 4, floor), fill=PALE, outline=(150, 150, 150))
        draw.text((left, top - LINE), f"{count:,}", fill=INK, font=font)
        draw.text((left, floor + 2), label, fill=INK, font=font)
    return chart


def _bins(lengths: Sequence[int]) -> Mapping[str, int]:
    """Captions by length, in steps of five words; the longest tail in one bar."""
    last = 8
    places = Counter(min(max(0, length - 1) // BINS, last) for length in lengths)
    names = [f"{place * BINS + 1}-{(place + 1) * BINS}" for place in range(last)] + [f"{last * BINS + 1}+"]
    return {names[place]: places[place] for place in range(max(places) + 1)}
