"""Figures for print from trained runs, as PNG and PDF: the pictures of the paper's Figs. 3 to 6."""

import math
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

from lcoins.augment import Augmentation
from lcoins.data.types import Sample, collate, key
from lcoins.files import whole_file
from lcoins.lab import from_network_ab, join_lab, split_lab, to_network_lightness
from lcoins.metrics import to_uint8
from lcoins.models.attention_maps import attention_maps
from lcoins.models.lcoins import LCoIns
from lcoins.reports.sheets import Picture, group_overlay

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
    heights = [[side * row.pictures[0].shape[0] / row.pictures[0].shape[1], line * len(text) + 0.06]
               for row, text in zip(rows, captions, strict=True)]  # fmt: skip
    ratios = [height for pair in heights for height in pair]
    with rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, sum(ratios) + 0.2))
        top = 1 - 0.18 / (sum(ratios) + 0.2)
        grid = figure.add_gridspec(len(ratios), len(titles), height_ratios=ratios, left=0, right=1, bottom=0, top=top,
                                   wspace=0.03, hspace=0.02)  # fmt: skip
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
    grey = [_pictures(lightness, torch.zeros(len(rgb), 2, *rgb.shape[-2:])) for lightness in seen]
    photos = to_uint8(rgb).permute(0, 2, 3, 1).numpy()
    rows = [PictureRow([photos[i], *(pictures[i] for pictures in grey)]) for i in range(len(samples))]
    return picture_grid(["photo", "lightness", *[f"augmented {n + 1}" for n in range(draws)]], rows, path)


def comparison_figure(models: dict[str, LCoIns], samples: Sequence[Sample], path: Path) -> list[Path]:
    """Figs. 4 and 5: each photo in grey, as each model colours it, and in truth, with its caption beneath."""
    rgb = collate(list(samples)).float_rgb()
    lightness, truth = split_lab(rgb)
    captions = [sample.caption for sample in samples]
    columns = {"grey": _pictures(lightness, torch.zeros_like(truth))}
    for title, model in models.items():
        device = next(model.parameters()).device
        ab = model.colorize(to_network_lightness(lightness).to(device), captions).ab
        columns[title] = _pictures(lightness, from_network_ab(ab.float().cpu()))
    columns["truth"] = _pictures(lightness, truth)
    rows = [PictureRow([pictures[i] for pictures in columns.values()], captions[i]) for i in range(len(samples))]
    return picture_grid(list(columns), rows, path)


def groups_figure(model: LCoIns, samples: Sequence[Sample], path: Path) -> list[Path]:
    """Group of each image token over depth: by the attention of each block, and as the grouping layer assigns it."""
    rows, depth = [], len(model.transformer.blocks)
    for sample in samples:
        lightness, network = _lightness(sample, model)
        blocks, _ = attention_maps(model, network, sample.caption)
        grey = _pictures(lightness, torch.zeros(1, 2, *lightness.shape[-2:]))[0]
        output = model.colorize(network, [sample.caption])
        maps = [group_overlay(block.img_grp.T, grey) for block in blocks]
        last = grey if output.assignment is None else group_overlay(output.assignment[0], grey)
        coloured = _pictures(lightness, from_network_ab(output.ab.float().cpu()))[0]
        rows.append(PictureRow([grey, *maps, last, coloured], sample.caption))
    titles = ["grey", *(f"block {n + 1}" for n in range(depth)), "grouping layer", "colours"]
    return picture_grid(titles, rows, path)


def attention_figure(model: LCoIns, samples: Sequence[Sample], words: Sequence[str], path: Path) -> list[Path]:
    """From a word to the groups to the image: how much each image token hears of the word, block by block.

    Row i shows ``words[i]`` in the caption of ``samples[i]``; all maps of a row have one scale.
    """
    rows, depth = [], len(model.transformer.blocks)
    for sample, word in zip(samples, words, strict=True):
        lightness, network = _lightness(sample, model)
        blocks, pieces = attention_maps(model, network, sample.caption)
        places = _places(pieces.ids[0].tolist(), model.text_encoder.tokenize([word]).ids[0].tolist())
        if not places:
            raise ValueError(f"{word!r} is not in the caption {sample.caption!r}; choose one of its words")
        size = lightness.shape[-1]
        heard = [_to_pixels(block.listening(places), size) for block in blocks]
        most = max(float(one.max()) for one in heard)
        groups = blocks[-1].grp_lag[:, places].sum(dim=1)
        loudest = int(groups.argmax())
        of_group = _to_pixels(blocks[-1].img_grp[:, loudest], size)
        grey = _pictures(lightness, torch.zeros(1, 2, size, size))[0]
        coloured = _pictures(lightness, from_network_ab(model.colorize(network, [sample.caption]).ab.float().cpu()))[0]
        caption = (f"{word!r} in: {sample.caption}. Group {loudest} listens to it most, with "
                   f"{100 * float(groups[loudest]):.0f} % of its attention in the last block.")  # fmt: skip
        maps = [np.minimum(one / most, 1.0) for one in heard]
        rows.append(PictureRow([grey, *maps, of_group, coloured], caption))
    titles = ["grey", *(f"block {n + 1}" for n in range(depth)), "that group", "colours"]
    return picture_grid(titles, rows, path)


def _places(ids: Sequence[int], word: Sequence[int]) -> list[int]:
    """Where the pieces of a word first stand in a caption, or nothing."""
    for start in range(len(ids) - len(word) + 1):
        if list(ids[start : start + len(word)]) == list(word):
            return list(range(start, start + len(word)))
    return []


def _lightness(sample: Sample, model: LCoIns) -> tuple[Tensor, Tensor]:
    lightness = split_lab(collate([sample]).float_rgb())[0]
    return lightness, to_network_lightness(lightness).to(next(model.parameters()).device)


def _to_pixels(values: Tensor, size: int) -> NDArray[np.float64]:
    """Values of image tokens (N_I,) as a square of pixels."""
    grid = math.isqrt(len(values))
    place = np.arange(size) * grid // size
    return values.double().view(grid, grid).numpy()[place[:, None], place[None, :]]


def _pictures(lightness: Tensor, ab: Tensor) -> NDArray[np.uint8]:
    return to_uint8(join_lab(lightness, ab)).permute(0, 2, 3, 1).numpy()
