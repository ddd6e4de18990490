"""Compares two ways to enlarge the network's colors to the photo's size: along its edges, and bilinear."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageChops, ImageDraw, ImageFilter
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.nn.functional import max_pool2d

from lcoins.color import lab
from lcoins.color.edges import follow_edges
from lcoins.colorize.photo import lightness_for_network, recompose
from lcoins.data.captioned_instances import AnnotatedPhoto, Polygons
from lcoins.data.coco_format import run_lengths
from lcoins.data.coco_instances import runs_mask
from lcoins.data.pairs import Pair
from lcoins.evaluation.lpips import Lpips
from lcoins.evaluation.quality import psnr, to_uint8
from lcoins.imaging.decode import load_photo, to_tensor
from lcoins.imaging.read import photo_lightness
from lcoins.models.colorizer import ColorizationSystem

BAND = 4  # pixels on either side of an outline that count as its edge
METHODS = ("bilinear", "along edges")


@dataclass(frozen=True)
class EnlargementScores:
    """Means over pairs of one method.

    PSNR in dB, LPIPS (None without weights), and the distance to the true ab in CIELAB units: ``error`` over the whole
    photo, ``edge_error`` within BAND of the outlines of things (None if no photo has outlines).
    """

    psnr: float
    lpips: float | None
    error: float
    edge_error: float | None


def compare_enlargements(
    colorizer: ColorizationSystem, root: Path, pairs: Iterable[Pair], outlines: Polygons | None, lpips: Lpips | None
) -> dict[str, EnlargementScores]:
    """Colors every pair by both methods and compares the pictures with the photo, at its size and in 8 bits.

    Args:
        colorizer: The system, on the CPU.
        root: The folder of the photos.
        pairs: Photos and captions.
        outlines: The outlines of things in the photos, for the error along edges.
        lpips: The net for LPIPS.
    """
    rows: dict[str, list[tuple[float, ...]]] = {method: [] for method in METHODS}
    for pair in track(list(pairs), description="enlarging"):
        image = load_photo(root / pair.photo)
        reference = _Reference(to_tensor(image)[None], lpips)
        lightness = photo_lightness(image)
        small_lightness = lightness_for_network(colorizer, lightness, "cpu")
        small_ab = lab.from_network_ab(colorizer.colorize(small_lightness, [pair.caption]).ab.float())
        slope, offset = follow_edges(lab.from_network_lightness(small_lightness), small_ab)
        things = outlines.photos.get(pair.photo) if outlines is not None else None
        band = _band(things, image.size) if things is not None else None
        pictures = (recompose(lightness, small_ab), recompose(lightness, offset, slope))
        for method, picture in zip(METHODS, pictures, strict=True):
            rows[method].append(reference.scores(to_tensor(picture)[None], band))
    return {method: _means(np.array(scores)) for method, scores in rows.items()}


class _Reference:
    """A photo (1, 3, H, W) in [0, 1], prepared once for all pictures that are compared with it."""

    def __init__(self, rgb: Tensor, lpips: Lpips | None) -> None:
        self.pixels, self.ab, self.lpips = to_uint8(rgb), lab.split_lab(rgb)[1], lpips
        with torch.inference_mode():
            self.features = lpips.features(rgb) if lpips is not None else []

    @torch.inference_mode()
    def scores(self, picture: Tensor, band: Tensor | None) -> tuple[float, ...]:
        """PSNR, LPIPS, the error of ab and that within the band (H, W); NaN for what cannot be computed."""
        distance = (lab.split_lab(picture)[1] - self.ab).norm(dim=1)[0]
        return (
            float(psnr(to_uint8(picture), self.pixels)),
            float(self.lpips.distance(self.lpips.features(picture), self.features)) if self.lpips else np.nan,
            float(distance.mean()),
            float(distance[band].mean()) if band is not None and bool(band.any()) else np.nan,
        )


def _band(photo: AnnotatedPhoto, size: tuple[int, int]) -> Tensor:
    """The pixels (H, W) within BAND of a thing's outline."""
    outline = Image.new("L", size)
    draw = ImageDraw.Draw(outline)
    for one in (one for several in photo.objects.values() for one in several):
        for polygon in one.polygons:
            points = list(zip(polygon[::2], polygon[1::2], strict=True))
            draw.line([*points, points[0]], fill=1)
        if one.runs is not None:
            mask = runs_mask(np.array(run_lengths(one.runs, photo.size)), photo.size)
            mask = mask.resize(size, Image.Resampling.NEAREST)
            outline.paste(1, mask=ImageChops.difference(mask, mask.filter(ImageFilter.MinFilter(3))))
    return max_pool2d(torch.from_numpy(np.array(outline)).float()[None], 2 * BAND + 1, 1, BAND)[0] > 0


def _means(rows: np.ndarray) -> EnlargementScores:
    means = [float(np.nanmean(column)) if np.isfinite(column).any() else None for column in rows.T]
    assert means[0] is not None
    assert means[2] is not None
    return EnlargementScores(means[0], means[1], means[2], means[3])


def enlargement_table(scores: dict[str, EnlargementScores], pairs: int) -> Table:
    """The scores as a table to print, one row for each method."""
    result = Table(title=f"Colors enlarged to the photo's own size, means over {pairs} pairs")
    for heading in ("", "PSNR dB", "LPIPS", "error of ab", "along outlines"):
        result.add_column(heading, justify="right" if heading else "left")
    for method, own in scores.items():
        values = ((own.psnr, 2), (own.lpips, 4), (own.error, 2), (own.edge_error, 2))
        result.add_row(method, *("" if value is None else f"{value:.{digits}f}" for value, digits in values))
    return result
