"""What enlarging colors along the photo's edges is worth against bilinear enlargement, at the photos' own size."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw
from rich.progress import track
from rich.table import Table
from torch import Tensor
from torch.nn.functional import max_pool2d

from lcoins.color import lab
from lcoins.colorize.edges import follow_edges
from lcoins.colorize.photo import SupportsColorize, network_lightness, recompose
from lcoins.data.caption_lists import Pair
from lcoins.data.coco_instances import AnnotatedPhoto, Polygons
from lcoins.evaluation import quality as metrics
from lcoins.evaluation.lpips import Lpips
from lcoins.imaging.decode import load_photo, to_tensor
from lcoins.imaging.read import photo_lightness

BAND = 4  # pixels to either side of an outline that count as its edge
WAYS = ("bilinear", "along edges")


@dataclass(frozen=True)
class EdgeFigures:
    """Means over pairs: PSNR in dB, LPIPS (None without weights), and the distance to the true ab, all over and in the
    bands along the outlines of things (None where no photo has outlines)."""

    psnr: float
    lpips: float | None
    error: float
    edge_error: float | None


def study(
    colorizer: SupportsColorize, root: Path, pairs: Iterable[Pair], outlines: Polygons | None, lpips: Lpips | None
) -> dict[str, EdgeFigures]:
    """Colors every pair both ways and compares them with the photo, at its own size and after rounding to 8 bits."""
    rows: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
    for pair in track(list(pairs), description="enlarging"):
        image = load_photo(root / pair.photo)
        truth = _Truth(to_tensor(image)[None], lpips)
        lightness = photo_lightness(image)
        seen = network_lightness(colorizer, lightness, "cpu")
        small = lab.from_network_ab(colorizer.colorize(seen, [pair.caption]).ab.float())
        slope, offset = follow_edges(lab.from_network_lightness(seen), small)
        known = outlines.photos.get(pair.photo) if outlines is not None else None
        band = _band(known, image.size) if known is not None else None
        pictures = (recompose(lightness, small), recompose(lightness, offset, slope))
        for way, picture in zip(WAYS, pictures, strict=True):
            rows[way].append(truth.judge(to_tensor(picture)[None], band))
    return {way: _means(np.array(own)) for way, own in rows.items()}


class _Truth:
    """A photo (1, 3, H, W) in [0, 1], converted once for all pictures that are compared with it."""

    def __init__(self, rgb: Tensor, lpips: Lpips | None) -> None:
        self.pixels, self.ab, self.lpips = metrics.to_uint8(rgb), lab.split_lab(rgb)[1], lpips
        with torch.inference_mode():
            self.features = lpips.features(rgb) if lpips is not None else []

    @torch.inference_mode()
    def judge(self, picture: Tensor, band: Tensor | None) -> tuple[float, ...]:
        """PSNR, LPIPS, error of ab and the same in the band (H, W) of one picture; NaN for what there is not."""
        distance = (lab.split_lab(picture)[1] - self.ab).norm(dim=1)[0]
        return (
            float(metrics.psnr(metrics.to_uint8(picture), self.pixels)),
            float(self.lpips.distance(self.lpips.features(picture), self.features)) if self.lpips else np.nan,
            float(distance.mean()),
            float(distance[band].mean()) if band is not None and bool(band.any()) else np.nan,
        )


def _band(photo: AnnotatedPhoto, size: tuple[int, int]) -> Tensor:
    """Pixels (H, W) within BAND of the outline of a thing."""
    outline = Image.new("L", size)
    draw = ImageDraw.Draw(outline)
    for polygons in photo.objects.values():
        for polygon in (polygon for thing in polygons for polygon in thing):
            points = list(zip(polygon[::2], polygon[1::2], strict=True))
            draw.line([*points, points[0]], fill=1)
    return max_pool2d(torch.from_numpy(np.array(outline)).float()[None], 2 * BAND + 1, 1, BAND)[0] > 0


def _means(rows: np.ndarray) -> EdgeFigures:
    found = [float(np.nanmean(column)) if np.isfinite(column).any() else None for column in rows.T]
    assert found[0] is not None
    assert found[2] is not None
    return EdgeFigures(found[0], found[1], found[2], found[3])


def table(figures: dict[str, EdgeFigures], pairs: int) -> Table:
    """The figures to print, one row a way."""
    result = Table(title=f"Colors enlarged to the photo's own size, means over {pairs} pairs")
    for heading in ("", "PSNR dB", "LPIPS", "error of ab", "along outlines"):
        result.add_column(heading, justify="right" if heading else "left")
    for way, own in figures.items():
        values = ((own.psnr, 2), (own.lpips, 4), (own.error, 2), (own.edge_error, 2))
        result.add_row(way, *("" if value is None else f"{value:.{digits}f}" for value, digits in values))
    return result
