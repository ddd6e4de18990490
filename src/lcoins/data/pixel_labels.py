"""The class of each pixel of a photo, from COCO-Stuff's pixel maps or from the outlines of COCO's things."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from lcoins.data.captioned_instances import AnnotatedPhoto, Polygons
from lcoins.data.coco_format import outline_area, run_lengths
from lcoins.data.coco_instances import runs_mask
from lcoins.data.types import VOID
from lcoins.imaging.decode import DAMAGED
from lcoins.imaging.quiet import MAX_PIXELS, quiet_decoders

Size = tuple[int, int]  # width, height
Box = tuple[int, int, int, int]  # left, upper, right, lower

# Pillow's modes whose pixels keep the values of the file; gray of 1, 2 or 4 bits would be scaled to 0..255.
_CLASSES = ("L", "P", "P;1", "P;2", "P;4")


class PixelLabels:
    """The class of each pixel of ``photos``, 255 for none; ``known`` holds the photos that have classes.

    ``path`` is a folder of COCO-Stuff's maps ("stuffthingmaps": a.png for a.jpg, b/a.png for b/a.jpg, one channel of 8
    bits, classes 0 to 181) or COCO's ``instances_*.json``. The class of a thing is its category id - 1, as in those
    maps; of overlapping things the smaller one is in front, and crowds have no class. Raises FileNotFoundError, and
    ValueError for a file of another form or if no photo is known. Maps are decoded only when they are used.
    """

    def __init__(self, path: Path | str, photos: Collection[str]) -> None:
        self.path = Path(path)
        if not self.path.exists():
            raise FileNotFoundError(f"{path}: no folder of class maps, nor a COCO instances_*.json; give one, or null")
        self.polygons = Polygons(self.path) if self.path.is_file() else None
        if self.polygons is None:
            self.known = {photo for photo in photos if self._map(photo).is_file()}
        else:
            _expect_classes(self.path, self.polygons.ids.values())
            self.known = self.polygons.photos.keys() & photos
        if photos and not self.known:
            first = next(iter(photos))
            wanted = self._map(first).name if self.polygons is None else first
            raise ValueError(
                f"{path}: expected the classes of the {len(photos)} photos of the caption list ({wanted} ...), got "
                f"those of none; give the folder or file that was made for these photos, or null"
            )

    def crop(self, photo: str, size: Size, box: Box, side: int) -> Tensor | None:
        """The labels (side, side) uint8 of a ``box`` in a photo that was read at ``size``; None for an unknown photo.

        Each pixel gets the class at its center, looked up at the map's full size. Raises ValueError for a map that is
        damaged, of another kind, or of another size than the photo; of a photo that was read smaller, only the
        proportions can be compared.
        """
        if photo not in self.known:
            return None
        labels = self._load(photo, size)
        left, upper, right, lower = box
        centers = (np.arange(side) + 0.5) / side
        columns = (left + (right - left) * centers) * (labels.shape[1] / size[0])
        rows = (upper + (lower - upper) * centers) * (labels.shape[0] / size[1])
        return torch.from_numpy(labels[np.ix_(rows.astype(int), columns.astype(int))])

    def _map(self, photo: str) -> Path:
        return (self.path / photo).with_suffix(".png")

    def _load(self, photo: str, size: Size) -> NDArray[np.uint8]:
        if self.polygons is None:
            return _read_map(self._map(photo), size)
        known = self.polygons.photos[photo]
        _expect_size(f"{self.path}: {photo}", known.size, size)
        return _draw_things(known, self.polygons.ids)


def _read_map(path: Path, photo: Size) -> NDArray[np.uint8]:
    """The map in a file; its header is checked before its pixels are decoded."""
    with _damage_named(path):
        image = Image.open(BytesIO(path.read_bytes()), formats=["PNG"])
        mode = image.tile[0][3]
    if mode not in _CLASSES:
        expected = "expected one channel of 8 bits, the class of each pixel"
        raise ValueError(f"{path}: {expected}, got mode {mode}; save it as an 8-bit gray or palette PNG")
    _expect_size(str(path), image.size, photo)
    with _damage_named(path):
        image.load()
    return np.asarray(image)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    try:
        with quiet_decoders():
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"{path}: expected at most {MAX_PIXELS:,} pixels, got more; make it from its photo") from error
    except DAMAGED as error:
        expected = "expected a whole PNG with the class of each pixel"
        raise ValueError(f"{path}: {expected}, got another or damaged file ({error}); copy it again") from error


def _expect_size(where: str, labels: Size, photo: Size) -> None:
    """Accepts labels of the photo's size, or larger ones of its proportions: a photo that was decoded or packed smaller
    has both sides scaled alike and rounded by less than a pixel.
    """
    least = max((side - 1) / full for side, full in zip(photo, labels, strict=True))
    most = min((side + 1) / full for side, full in zip(photo, labels, strict=True))
    smaller = least < most and all(side < full for side, full in zip(photo, labels, strict=True))
    if labels[0] * labels[1] > MAX_PIXELS or not (labels == photo or smaller):
        raise ValueError(
            f"{where}: expected the classes of a photo of {photo[0]} x {photo[1]} pixels, got {labels[0]} x "
            f"{labels[1]}; give the labels of this very photo, uncropped"
        )


def _draw_things(photo: AnnotatedPhoto, ids: Mapping[str, int]) -> NDArray[np.uint8]:
    """Draws the things of a photo at its own size, the largest first."""
    things = [(ids[category], one) for category, several in photo.objects.items() for one in several]
    labels = Image.new("L", photo.size, VOID)
    draw = ImageDraw.Draw(labels)
    for number, one in sorted(things, key=lambda thing: outline_area(thing[1].polygons, thing[1].runs), reverse=True):
        if one.runs is not None:
            labels.paste(number - 1, mask=runs_mask(np.array(run_lengths(one.runs, photo.size)), photo.size))
        for polygon in one.polygons:
            if len(polygon) >= 6:
                draw.polygon(list(zip(polygon[::2], polygon[1::2], strict=True)), fill=number - 1)
    return np.asarray(labels)


def _expect_classes(path: Path, ids: Collection[int]) -> None:
    wrong = [number for number in ids if type(number) is not int or not 1 <= number <= VOID]
    if wrong:
        raise ValueError(f"{path}: expected category ids from 1 to {VOID}, got {wrong[0]!r}; number them as COCO does")
