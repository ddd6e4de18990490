"""Contact sheets: for each caption the gray photo, the prediction, the truth and the groups, side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from lcoins.color.lab import join_lab
from lcoins.color.names import Lab
from lcoins.color.reading import read_sentence
from lcoins.evaluation.groups import grid_side, token_groups
from lcoins.evaluation.quality import to_uint8
from lcoins.files import open_whole

Picture = NDArray[np.uint8]  # (H, W, 3)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

GAP = 8
FONT_SIZE = 15
LINE = 21
INK = (24, 24, 24)
PAPER = (255, 255, 255)


@dataclass
class SheetRow:
    """One row: a caption and its pictures by column title.

    ``recolored``, the caption with other color words, is printed under the caption if given. ``groups`` is the group
    of each pixel (H, W), for a viewer that lays it over a picture.
    """

    caption: str
    panels: dict[str, Picture]
    recolored: str | None = None
    groups: NDArray[np.int64] | None = None


def contact_sheet(rows: Sequence[SheetRow], path: Path, panel_size: int = 224) -> None:
    """Writes rows as one PNG. Columns appear in the order in which the rows name them; missing panels stay empty.

    Pictures are scaled, keeping their shape, to at most ``panel_size`` in height and width. Color words are underlined
    in their color.
    """
    if not rows:
        raise ValueError(f"expected rows for the contact sheet {path}, got no rows; give a caption with its pictures")
    columns = list(dict.fromkeys(title for row in rows for title in row.panels))
    width = GAP + len(columns) * (panel_size + GAP)
    font = ImageFont.load_default(size=FONT_SIZE)
    texts = [_texts(row, font, width - 2 * GAP) for row in rows]
    fitted = [{title: fit(picture, panel_size) for title, picture in row.panels.items()} for row in rows]
    tops = [max(image.height for image in panels.values()) for panels in fitted]  # where the text of a row begins
    heights = [top + GAP // 2 + LINE * len(lines) + GAP for top, lines in zip(tops, texts, strict=True)]
    sheet = Image.new("RGB", (width, GAP + LINE + sum(heights)), PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, title in enumerate(columns):
        draw.text((GAP + index * (panel_size + GAP), GAP // 2), title, fill=INK, font=font)
    top = GAP + LINE
    for panels, text_top, lines, height in zip(fitted, tops, texts, heights, strict=True):
        for index, title in enumerate(columns):
            if title in panels:
                sheet.paste(panels[title], (GAP + index * (panel_size + GAP), top))
        for index, line in enumerate(lines):
            draw_caption(draw, (GAP, top + text_top + GAP // 2 + LINE * index), line, font)
        top += height
    with open_whole(path) as file:
        sheet.save(file, format="PNG")


def pictures(lightness: Tensor, ab: Tensor) -> NDArray[np.uint8]:
    """Lightness (B, 1, H, W) and ab (B, 2, H, W) in CIELAB units as 8-bit sRGB (B, H, W, 3)."""
    return to_uint8(join_lab(lightness, ab)).permute(0, 2, 3, 1).cpu().numpy()


def token_map(values: Tensor, height: int, width: int) -> NDArray[Any]:
    """Spreads one value per image token (N_I,), a square grid in reading order, over the pixels (height, width)."""
    side = grid_side(len(values))
    rows, columns = np.arange(height) * side // height, np.arange(width) * side // width
    return values.view(side, side).numpy()[rows[:, None], columns[None, :]]


def group_map(assignment: Tensor, height: int, width: int) -> NDArray[np.int64]:
    """The group of each pixel (height, width) by the assignment (N_G, N_I) of the image tokens."""
    return token_map(token_groups(assignment), height, width)


def group_overlay(assignment: Tensor, gray: Picture, strength: float = 0.6) -> Picture:
    """Colors the gray picture by the group of each image token: assignment (N_G, N_I) -> (H, W, 3).

    Group k has the same color in every picture. ``strength`` is the share of the group's color in the blend.
    """
    colors = group_colors(len(assignment))[group_map(assignment, *gray.shape[:2])]
    return (gray * (1 - strength) + colors * strength).round().astype(np.uint8)


def group_colors(groups: int) -> NDArray[np.float64]:
    """One color per group, sRGB (N, 3) in 0..255: even steps of hue; neighbors in hue differ in lightness too."""
    hue = torch.arange(groups) * (2 * math.pi / groups)
    lightness = torch.tensor([50.0, 82.0, 66.0]).repeat(groups // 3 + 1)[:groups]
    ab = torch.stack([hue.cos(), hue.sin()]) * 58
    rgb = join_lab(lightness.view(1, 1, 1, -1), ab.view(1, 2, 1, -1))
    return (rgb[0, :, 0].T * 255).double().numpy()


def _texts(row: SheetRow, font: Font, width: int) -> list[str]:
    lines = wrap(row.caption, font, width)
    if row.recolored is not None:
        lines += wrap(f"recolored: {row.recolored}", font, width)
    return lines


def wrap(text: str, font: Font, width: int) -> list[str]:
    """Breaks text between words into lines of at most ``width`` pixels; a longer word keeps a line of its own."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def draw_caption(draw: ImageDraw.ImageDraw, corner: tuple[int, int], line: str, font: Font) -> None:
    """Writes one line of a caption with each color word underlined in its color."""
    left, top = corner
    draw.text(corner, line, fill=INK, font=font)
    for found in read_sentence(line).colors:
        start, stop = (left + font.getlength(line[:end]) for end in (found.start, found.end))
        box = (start, top + FONT_SIZE + 2, stop, top + FONT_SIZE + 5)
        draw.rectangle(box, fill=word_rgb(found.lab), outline=(150, 150, 150))


def word_rgb(color: Lab) -> tuple[int, int, int]:
    """The 8-bit sRGB of a color word's CIELAB value, as contact sheets and the page show it."""
    lightness, a, b = color
    rgb = join_lab(torch.tensor(lightness).view(1, 1, 1, 1), torch.tensor([a, b]).view(1, 2, 1, 1)).flatten()
    red, green, blue = (round(float(value) * 255) for value in rgb)
    return red, green, blue


def fit(picture: Picture, size: int) -> Image.Image:
    """The picture scaled to at most ``size`` in height and width."""
    image = Image.fromarray(np.ascontiguousarray(picture))
    scale = size / max(image.size)
    shape = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    method = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR
    return image if image.size == shape else image.resize(shape, method)
