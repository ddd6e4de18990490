"""Figures for print from trained runs, as PNG and PDF: the pictures of the paper's Figs. 3 to 6."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from matplotlib import rc_context
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.lab import from_network_ab, network_input, resize_ab, split_lab
from lcoins.data.augment import Augmentation
from lcoins.data.types import Sample, collate, key
from lcoins.evaluation.contact_sheet import Picture, group_overlay, pictures, token_map
from lcoins.evaluation.quality import to_uint8
from lcoins.files import whole_file
from lcoins.models.attention_maps import BlockAttention, attention_maps
from lcoins.models.colorizer import Colorization
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words

WIDTH = 6.9  # inches: the text width of a two-column paper
DPI = 300
FONT = 7  # points, the size of the paper's captions
STYLE = {"font.size": FONT, "pdf.fonttype": 42, "savefig.dpi": DPI}  # 42: text in a PDF stays text


@dataclass
class PictureRow:
    """One row of a figure: pictures from left to right, and a caption beneath them."""

    pictures: list[Picture | NDArray[np.float64]]
    caption: str = ""


def picture_grid(titles: Sequence[str], rows: Sequence[PictureRow], path: Path, width: float = WIDTH) -> list[Path]:
    """Writes ``path`` as .png and .pdf: titles above the columns, captions wrapped beneath the rows.

    A two-dimensional picture of floats is drawn as a map from 0 (dark) to its largest value.
    """
    if not rows:
        raise ValueError(f"no pictures for {path}; give at least one photo")
    letters = int(width * 72 / (FONT * 0.52))  # what fits into a line of the width
    captions = [textwrap.wrap(row.caption, letters) for row in rows]
    side, line = width / len(titles), FONT * 1.3 / 72
    heights = [
        [side * row.pictures[0].shape[0] / row.pictures[0].shape[1], line * len(text) + 0.06]
        for row, text in zip(rows, captions, strict=True)
    ]
    ratios = [height for pair in heights for height in pair]
    with rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, sum(ratios) + 0.2))
        top = 1 - 0.18 / (sum(ratios) + 0.2)
        grid = figure.add_gridspec(
            len(ratios), len(titles), height_ratios=ratios, left=0, right=1, bottom=0, top=top, wspace=0.03, hspace=0.02
        )
        for number, (row, text) in enumerate(zip(rows, captions, strict=True)):
            for place, picture in enumerate(row.pictures):
                axes = figure.add_subplot(grid[2 * number, place])
                axes.imshow(picture, interpolation="nearest", cmap="magma", vmin=0)
                axes.set_axis_off()
                if number == 0:
                    axes.set_title(titles[place], fontsize=FONT, pad=2)
            axes = figure.add_subplot(grid[2 * number + 1, :])
            axes.set_axis_off()
            axes.text(0.005, 0.95, "\n".join(text), va="top", linespacing=1.25)
        return save(figure, path)


def save(figure: Figure, path: Path) -> list[Path]:
    """Writes a figure as PNG and PDF, each whole; the same figure gives the same bytes."""
    written = []
    for ending, metadata in ((".png", {"Software": None}), (".pdf", {"CreationDate": None})):
        target = path.with_suffix(ending)
        with whole_file(target) as partial:
            figure.savefig(partial, format=ending[1:], metadata=metadata)
        written.append(target)
    return written


def augmentation_figure(
    augmentation: Augmentation, samples: Sequence[Sample], path: Path, draws: int = 5
) -> list[Path]:
    """Fig. 3: photos, their lightness, and lightness as training sees it, drawn ``draws`` times."""
    rgb = collate(list(samples)).float_rgb()
    seen = [split_lab(rgb)[0]]
    for draw in range(draws):
        seen.append(augmentation(rgb, torch.Generator().manual_seed(key("figure", draw))))
    gray = [pictures(lightness, torch.zeros(len(rgb), 2, *rgb.shape[-2:])) for lightness in seen]
    photos = to_uint8(rgb).permute(0, 2, 3, 1).numpy()
    rows = [PictureRow([photos[i], *(column[i] for column in gray)]) for i in range(len(samples))]
    return picture_grid(["photo", "lightness", *[f"augmented {n + 1}" for n in range(draws)]], rows, path)


def comparison_figure(models: dict[str, LCoIns], samples: Sequence[Sample], path: Path) -> list[Path]:
    """Figs. 4 and 5: each photo in gray, as each model colors it, and in truth, with its caption beneath."""
    rgb = collate(list(samples)).float_rgb()
    lightness, truth = split_lab(rgb)
    captions = [sample.caption for sample in samples]
    columns = {"gray": pictures(lightness, torch.zeros_like(truth))}
    for title, model in models.items():
        seen = network_input(lightness, model.image_size).to(next(model.parameters()).device)
        columns[title] = _colored(lightness, model.colorize(seen, captions))
    columns["truth"] = pictures(lightness, truth)
    rows = [PictureRow([column[i] for column in columns.values()], captions[i]) for i in range(len(samples))]
    return picture_grid(list(columns), rows, path)


@dataclass
class Look:
    """What the figures of groups show of one sample: its gray and colored picture, and how its colors came about."""

    gray: Picture
    colored: Picture
    blocks: list[BlockAttention]
    words: Words
    assignment: Tensor | None


def look(model: LCoIns, sample: Sample) -> Look:
    """Colors one sample and reads the attention of every block on the way."""
    lightness, truth = split_lab(collate([sample]).float_rgb())
    seen = network_input(lightness, model.image_size).to(next(model.parameters()).device)
    blocks, words, result = attention_maps(model, seen, sample.caption)
    gray = pictures(lightness, torch.zeros_like(truth))[0]
    assignment = None if result.assignment is None else result.assignment[0]
    return Look(gray, _colored(lightness, result)[0], blocks, words, assignment)


def groups_figure(looks: Sequence[Look], captions: Sequence[str], path: Path) -> list[Path]:
    """Group of each image token over depth: by the attention of each block, and as the grouping layer assigns it."""
    rows = []
    for seen, caption in zip(looks, captions, strict=True):
        maps = [group_overlay(block.img_grp.T, seen.gray) for block in seen.blocks]
        last = seen.gray if seen.assignment is None else group_overlay(seen.assignment, seen.gray)
        rows.append(PictureRow([seen.gray, *maps, last, seen.colored], caption))
    return picture_grid(["gray", *_block_titles(looks), "grouping layer", "colors"], rows, path)


def attention_figure(
    model: LCoIns, looks: Sequence[Look], captions: Sequence[str], words: Sequence[str], path: Path
) -> list[Path]:
    """From a word to the groups to the image: how much each image token hears of the word, block by block.

    Row i shows ``words[i]`` in ``captions[i]``; all maps of a row have one scale.
    """
    rows = []
    for seen, caption, word in zip(looks, captions, words, strict=True):
        places = _places(seen.words.ids[0].tolist(), model.text_encoder.tokenize([word]).ids[0].tolist())
        if not places:
            raise ValueError(f"{word!r} is not in the caption {caption!r}; choose one of its words")
        shape, last = seen.gray.shape[:2], seen.blocks[-1]
        heard = [token_map(block.to_words(places).double(), *shape) for block in seen.blocks]
        most = max(float(one.max()) for one in heard)
        groups = last.grp_lag[:, places].sum(dim=1)
        loudest = int(groups.argmax())
        of_group = token_map(last.img_grp[:, loudest].double(), *shape)
        text = (
            f"{word!r} in: {caption}. Group {loudest} listens to it most, with "
            f"{100 * float(groups[loudest]):.0f} % of its attention in the last block."
        )
        maps = [np.minimum(one / most, 1.0) for one in heard]
        rows.append(PictureRow([seen.gray, *maps, of_group, seen.colored], text))
    return picture_grid(["gray", *_block_titles(looks), "that group", "colors"], rows, path)


def _colored(lightness: Tensor, result: Colorization) -> NDArray[np.uint8]:
    """The pictures (B, H, W, 3) of a model's colors at the size of the lightness (B, 1, H, W)."""
    ab = resize_ab(from_network_ab(result.ab.float().cpu()), (lightness.shape[-2], lightness.shape[-1]))
    return pictures(lightness, ab)


def _block_titles(looks: Sequence[Look]) -> list[str]:
    return [f"block {number + 1}" for number in range(len(looks[0].blocks))]


def _places(ids: Sequence[int], word: Sequence[int]) -> list[int]:
    """Where the pieces of a word first stand in a caption, or nothing."""
    for start in range(len(ids) - len(word) + 1):
        if list(ids[start : start + len(word)]) == list(word):
            return list(range(start, start + len(word)))
    return []
