"""All figures of a set of runs: which runs, which pairs, which words."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from omegaconf import OmegaConf

from lcoins.color.words import find_colors
from lcoins.colorize.photo import colorize_photo
from lcoins.imaging.decode import load_photo
from lcoins.models.checkpoint import load_checkpoint
from lcoins.models.lcoins import LCoIns
from lcoins.reports import paper_figures as figures
from lcoins.reports.comparison import Comparison
from lcoins.reports.load_runs import find_runs
from lcoins.reports.paper_figures import PictureRow
from lcoins.training import build as assembly


def draw_figures(
    places: Sequence[Path],
    output: Path,
    test_set: str,
    rows: int,
    word: str | None,
    baseline: str | None,
    photos: Sequence[tuple[Path, str]],
    device: str,
) -> Iterator[Path]:
    """Draws the figures of the first seed of every variant below ``places`` and gives each file as it is written.

    Groups and attention are those of the baseline; a baseline without groups is passed over there. Raises ValueError
    where the runs have no such test set.
    """
    comparison = Comparison(find_runs(places), baseline)
    folders = {variant: found[0].folder for variant, found in comparison.variants.items()}
    models = {name: _load(folder, device) for name, folder in folders.items()}
    own = models[comparison.baseline]
    config = cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(folders[comparison.baseline] / "config.yaml")))
    data = assembly.build_data({**config["data"], "train": None, "val": None}, output)
    if test_set not in data.test_sets:
        raise ValueError(
            f"the runs have no test set {test_set!r}; choose one of {', '.join(data.test_sets)} with --set"
        )
    chosen = data.test_sets[test_set]
    samples = [chosen[i * len(chosen) // rows] for i in range(min(rows, len(chosen)))]
    samples = [sample for sample in samples if word is None or word in sample.caption.split()]
    if not samples:
        raise ValueError(f"none of the {rows} pairs shown has the word {word!r}; take another word, or more --rows")

    yield from figures.augmentation_figure(data.augmentation, samples, output / "augmentation")
    yield from figures.comparison_figure(models, samples, output / f"comparison_{test_set}")
    if own.transformer.n_groups and config["model"]["transformer"]["attention"] == "grouping":
        looks, captions = [figures.look(own, sample) for sample in samples], [sample.caption for sample in samples]
        yield from figures.groups_figure(looks, captions, output / f"groups_{test_set}")
        named = [(seen, text, word or _first_color(text)) for seen, text in zip(looks, captions, strict=True)]
        followed = [(seen, text, chosen) for seen, text, chosen in named if chosen is not None]
        if followed:
            shown, texts, words = zip(*followed, strict=True)
            yield from figures.attention_figure(own, shown, texts, words, output / f"attention_{test_set}")
    if photos:
        yield from _own_photos(models, photos, output / "photos", device)


def _load(folder: Path, device: str) -> LCoIns:
    colorizer, _ = load_checkpoint(folder / "checkpoints" / "best.ckpt", device)
    return cast(LCoIns, colorizer)


def _first_color(caption: str) -> str | None:
    found = find_colors(caption)
    return found[0].word if found else None


def _own_photos(models: dict[str, LCoIns], photos: Sequence[tuple[Path, str]], path: Path, device: str) -> list[Path]:
    """Fig. 6: photos without a truth, each at its own shape, as every model colors them."""
    rows = []
    for place, sentence in photos:
        photo = load_photo(place)
        pictures = [colorize_photo(model, photo, sentence, device=device) for model in models.values()]
        rows.append(PictureRow([np.asarray(photo.convert("L").convert("RGB")), *map(np.asarray, pictures)], sentence))
    return figures.picture_grid(["photo", *models], rows, path)
