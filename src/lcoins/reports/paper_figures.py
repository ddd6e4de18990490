"""The paper's figures from trained runs: augmentation, comparison, groups, attention, old photos (Figs. 3 to 6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.lab import from_network_ab, network_input, resize_ab, split_lab
from lcoins.color.words import find_colors
from lcoins.colorize.photo import colorize_photo
from lcoins.data.augment import Augmentation, Draws
from lcoins.data.types import Sample, collate, key
from lcoins.evaluation.contact_sheet import Picture, group_overlay, pictures, token_map
from lcoins.evaluation.quality import to_uint8
from lcoins.imaging.decode import load_photo
from lcoins.models.attention_maps import BlockAttention, attention_maps
from lcoins.models.checkpoint import load_checkpoint
from lcoins.models.colorizer import Colorization, Colorizer
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import Words
from lcoins.reports.comparison import Comparison
from lcoins.reports.load_runs import find_runs
from lcoins.reports.picture_grid import PictureRow, picture_grid
from lcoins.training.build import build_data
from lcoins.training.run_folder import read_run_config


def draw_figures(
    folders: Sequence[Path],
    output: Path,
    test_set: str,
    rows: int,
    word: str | None,
    baseline: str | None,
    photos: Sequence[tuple[Path, str]],
    device: str,
) -> Iterator[Path]:
    """Draws the figures of each variant's first seed and yields every file once it is written.

    Groups and attention are drawn for the baseline, if it is an L-CoIns with groups and grouping attention. Raises
    ValueError if the runs have no such test set.

    Args:
        folders: The runs lie in and below these.
        output: The folder for the figures.
        test_set: The test set that the pairs are taken from.
        rows: The number of pairs in each figure.
        word: The word whose attention is drawn, in the pairs that have it; None takes each caption's first color.
        baseline: The variant whose groups are drawn; None for "full" or "default".
        photos: Photos without a truth and their sentences, for a figure of their own.
        device: Where the models run.
    """
    comparison = Comparison(find_runs(folders), baseline)
    first = {variant: runs[0].folder for variant, runs in comparison.variants.items()}
    models = {name: _load(run, device) for name, run in first.items()}
    config = read_run_config(first[comparison.baseline])
    data = build_data(config.get("data"), output, tests_only=True)
    if test_set not in data.test_sets:
        raise ValueError(
            f"the runs have no test set {test_set!r}; choose one of {', '.join(data.test_sets)} with --set"
        )
    pairs = data.test_sets[test_set]
    samples = [pairs[index] for index in _spread(len(pairs), rows)]
    samples = [sample for sample in samples if word is None or word in sample.caption.split()]
    if not samples:
        raise ValueError(f"none of the {rows} pairs shown has the word {word!r}; take another word, or more --rows")

    yield from augmentation_figure(data.augmentation, samples, output / "augmentation")
    yield from comparison_figure(models, samples, output / f"comparison_{test_set}")
    model = models[comparison.baseline]
    if (
        isinstance(model, LCoIns)
        and model.transformer.n_groups
        and config["model"]["transformer"]["attention"] != "joint"
    ):
        colored = [color_sample(model, sample) for sample in samples]
        yield from groups_figure(colored, output / f"groups_{test_set}")
        words = [(sample, word or _first_color(sample.caption)) for sample in colored]
        if followed := [(sample, chosen) for sample, chosen in words if chosen is not None]:
            yield from attention_figure(model, followed, output / f"attention_{test_set}")
    if photos:
        yield from photos_figure(models, photos, output / "photos", device)


def _spread(pairs: int, rows: int) -> list[int]:
    """The indices of ``rows`` pairs, spread over a test set; of all its pairs where it has fewer."""
    shown = min(rows, pairs)
    return [row * pairs // shown for row in range(shown)]


def augmentation_figure(
    augmentation: Augmentation, samples: Sequence[Sample], path: Path, draws: int = 5
) -> list[Path]:
    """Fig. 3: photos, their lightness, and ``draws`` augmentations of it as training draws them."""
    rgb = collate(list(samples)).float_rgb()
    columns = [split_lab(rgb)[0]]
    for draw in range(draws):
        columns.append(augmentation(rgb, Draws(key("figure", draw, row) for row in range(len(rgb)))))
    gray = [pictures(lightness, torch.zeros(len(rgb), 2, *rgb.shape[-2:])) for lightness in columns]
    photos = to_uint8(rgb).permute(0, 2, 3, 1).numpy()
    rows = [PictureRow([photos[i], *(column[i] for column in gray)]) for i in range(len(samples))]
    return picture_grid(["photo", "lightness", *[f"augmented {n + 1}" for n in range(draws)]], rows, path)


def comparison_figure(models: dict[str, Colorizer], samples: Sequence[Sample], path: Path) -> list[Path]:
    """Figs. 4 and 5: each photo in gray, as each model colors it, and in its true colors, with its caption."""
    rgb = collate(list(samples)).float_rgb()
    lightness, truth = split_lab(rgb)
    captions = [sample.caption for sample in samples]
    columns = {"gray": pictures(lightness, torch.zeros_like(truth))}
    for title, model in models.items():
        columns[title] = _colored(lightness, model.colorize(_network_lightness(model, lightness), captions))
    columns["truth"] = pictures(lightness, truth)
    rows = [PictureRow([column[i] for column in columns.values()], captions[i]) for i in range(len(samples))]
    return picture_grid(list(columns), rows, path)


@dataclass
class ColoredSample:
    """A colored sample and how its colors came about: attention of every block, caption pieces, group assignment."""

    caption: str
    gray: Picture
    colored: Picture
    blocks: list[BlockAttention]
    words: Words
    assignment: Tensor | None


def color_sample(model: LCoIns, sample: Sample) -> ColoredSample:
    """Colors one sample and records the attention of every block."""
    lightness, truth = split_lab(collate([sample]).float_rgb())
    blocks, words, result = attention_maps(model, _network_lightness(model, lightness), sample.caption)
    gray = pictures(lightness, torch.zeros_like(truth))[0]
    assignment = None if result.assignment is None else result.assignment[0]
    return ColoredSample(sample.caption, gray, _colored(lightness, result)[0], blocks, words, assignment)


def groups_figure(samples: Sequence[ColoredSample], path: Path) -> list[Path]:
    """The group of each image token: by the attention of every block, and as the grouping layer assigns it."""
    rows = []
    for sample in samples:
        maps = [group_overlay(block.img_grp.T, sample.gray) for block in sample.blocks]
        last = sample.gray if sample.assignment is None else group_overlay(sample.assignment, sample.gray)
        rows.append(PictureRow([sample.gray, *maps, last, sample.colored], sample.caption))
    return picture_grid(["gray", *_block_titles(samples), "grouping layer", "colors"], rows, path)


def attention_figure(model: LCoIns, samples: Sequence[tuple[ColoredSample, str]], path: Path) -> list[Path]:
    """From a word through the groups to the image: the weight of the word for each image token, block by block.

    ``samples`` come with a word of their caption; all maps of a row have one scale.
    """
    rows = []
    for sample, word in samples:
        pieces = _find_pieces(sample.words.ids[0].tolist(), model.text_encoder.tokenize([word]).ids[0].tolist())
        if not pieces:
            raise ValueError(f"{word!r} is not in the caption {sample.caption!r}; choose one of its words")
        shape, last = sample.gray.shape[:2], sample.blocks[-1]
        weights = [token_map(block.to_words(pieces).double(), *shape) for block in sample.blocks]
        highest = max(float(weight.max()) for weight in weights)
        groups = last.grp_lag[:, pieces].sum(dim=1)
        strongest = int(groups.argmax())
        group_weights = token_map(last.img_grp[:, strongest].double(), *shape)
        caption = (
            f"{word!r} in: {sample.caption}. In the last block group {strongest} attends to it most, with "
            f"{100 * float(groups[strongest]):.0f} % of its attention."
        )
        maps = [np.minimum(weight / highest, 1.0) for weight in weights]
        rows.append(PictureRow([sample.gray, *maps, group_weights, sample.colored], caption))
    titles = _block_titles([sample for sample, _ in samples])
    return picture_grid(["gray", *titles, "that group", "colors"], rows, path)


def photos_figure(
    models: dict[str, Colorizer], photos: Sequence[tuple[Path, str]], path: Path, device: str
) -> list[Path]:
    """Fig. 6: photos without a truth, each in its own shape, as every model colors them."""
    rows = []
    for file, sentence in photos:
        photo = load_photo(file)
        colored = [colorize_photo(model, photo, sentence, device=device) for model in models.values()]
        rows.append(PictureRow([np.asarray(photo.convert("L").convert("RGB")), *map(np.asarray, colored)], sentence))
    return picture_grid(["photo", *models], rows, path)


def _load(run: Path, device: str) -> Colorizer:
    colorizer, _ = load_checkpoint(run / "checkpoints" / "best.ckpt", device)
    return cast(Colorizer, colorizer)


def _network_lightness(model: Colorizer, lightness: Tensor) -> Tensor:
    """The lightness (B, 1, H, W) as the network takes it, on the model's device."""
    return network_input(lightness, model.image_size).to(next(model.parameters()).device)


def _colored(lightness: Tensor, result: Colorization) -> NDArray[np.uint8]:
    """The pictures (B, H, W, 3) of a model's colors at the size of the lightness (B, 1, H, W)."""
    ab = resize_ab(from_network_ab(result.ab.float().cpu()), (lightness.shape[-2], lightness.shape[-1]))
    return pictures(lightness, ab)


def _block_titles(samples: Sequence[ColoredSample]) -> list[str]:
    return [f"block {number + 1}" for number in range(len(samples[0].blocks))]


def _first_color(caption: str) -> str | None:
    words = find_colors(caption)
    return words[0].word if words else None


def _find_pieces(caption: Sequence[int], word: Sequence[int]) -> list[int]:
    """The indices of a word's pieces where it first occurs in a caption, or none."""
    for start in range(len(caption) - len(word) + 1):
        if list(caption[start : start + len(word)]) == list(word):
            return list(range(start, start + len(word)))
    return []
