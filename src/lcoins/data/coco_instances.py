"""Instances of photos from a file in COCO's format, kept small: names, and outlines to be drawn at any size and crop.

What stays in memory are flat arrays, four bytes a corner and four a run, and the photos' names: 1.5 KB a photo with
seven outlines of thirty corners each, and 2.4 KB while the file is read (measured with 200,000 photos).
"""

from array import array
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lcoins.data.coco_format import (
    CocoAnnotation,
    expect_same,
    expecting_coco,
    read_annotations,
    read_categories,
    read_images,
    run_lengths,
)

FULL = 65535  # corners are kept on a grid of so many steps over the photo, which may be stored at any size
FINER = 2  # polygons are drawn so many times larger and then averaged
Box = tuple[float, float, float, float]  # left, upper, right, lower as shares of the photo, 0..1
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class CroppedInstances:
    """The K instances of one crop: ``names`` of their categories and ``masks`` (K, size, size) bool, which may overlap.

    ``crowd`` says which outlines hold several things.
    """

    names: tuple[str, ...]
    masks: NDArray[np.bool_]
    crowd: tuple[bool, ...]


class CocoInstances:
    """The instances of photos, which are known by file name: polygons, run lengths and pycocotools' strings of them.

    Raises FileNotFoundError without a file, and ValueError for a file of another form.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        with expecting_coco(path):
            names = read_categories(path)
            numbers = {category: index for index, category in enumerate(names)}
            self.categories = tuple(names.values())
            self.photos: dict[str, int] = {}  # file name -> index
            indices: dict[int, int] = {}  # number in the file -> index
            sizes = array("I")
            for image in read_images(path):
                index = indices[image.number] = self.photos.setdefault(image.name, len(self.photos))
                if 2 * index == len(sizes):
                    sizes.extend(image.size)
                expect_same(image.name, tuple(sizes[2 * index : 2 * index + 2]), image.size)
            if not self.photos or not self.categories:
                raise KeyError("images, categories")
            self._outlines = _Outlines()
            photos, categories, crowds, shares = array("I"), array("H"), array("B"), array("f")
            for one in read_annotations(path):
                photo = indices[one.image]
                size = (sizes[2 * photo], sizes[2 * photo + 1])
                self._outlines.append(one, size)
                photos.append(photo)
                categories.append(numbers[one.category])
                crowds.append(one.crowd)
                shares.append(one.area / (size[0] * size[1]))
        self._outlines.freeze()
        self._sizes = np.array(sizes).reshape(-1, 2)
        self._categories, self._crowds, self._shares = np.array(categories), np.array(crowds, bool), np.array(shares)
        by_photo = np.array(photos)
        self._order = np.argsort(by_photo, kind="stable")
        self._starts = np.searchsorted(by_photo[self._order], np.arange(len(self.photos) + 1))

    def __contains__(self, photo: str) -> bool:
        return photo in self.photos

    def named_shares(self, photo: str) -> list[tuple[str, float]]:
        """Category and share of the photo (0..1, by the file's areas) of each instance; empty for an unknown photo."""
        return [(self.categories[self._categories[one]], float(self._shares[one])) for one in self._of(photo)]

    def crop(self, photo: str, size: int, box: Box = WHOLE, *, flipped: bool = False) -> CroppedInstances:
        """The instances of a crop of the photo, squashed to ``size`` x ``size`` pixels; those outside have no pixel."""
        ones = self._of(photo)
        masks = np.zeros((len(ones), size, size), bool)
        for index, one in enumerate(ones):
            mask = self._outlines.draw(int(one), self._sizes[self.photos[photo]], size, box)
            masks[index] = mask[:, ::-1] if flipped else mask
        names = tuple(self.categories[self._categories[one]] for one in ones)
        return CroppedInstances(names, masks, tuple(bool(self._crowds[one]) for one in ones))

    def only(self, photo: str) -> "CocoInstances":
        """The instances of one known photo, which can be sent to another process."""
        alone, ones = copy(self), self._of(photo)
        alone.photos, alone._sizes = {photo: 0}, self._sizes[[self.photos[photo]]]
        alone._categories, alone._crowds, alone._shares = self._categories[ones], self._crowds[ones], self._shares[ones]
        alone._outlines = self._outlines.only(ones)
        alone._order, alone._starts = np.arange(len(ones)), np.array([0, len(ones)])
        return alone

    def size(self, photo: str) -> tuple[int, int]:
        """Width and height of a known photo, for which its outlines are made."""
        width, height = self._sizes[self.photos[photo]].tolist()
        return width, height

    def annotations(self, photo: str) -> list[dict[str, Any]]:
        """The instances of a known photo as they stand in a file, without the numbers of photo and instance.

        Categories are numbered from 1 in the order of ``categories``, corners rounded to a hundredth of a pixel, and
        strings of run lengths written out.
        """
        width, height = self.size(photo)
        return [
            {
                "category_id": int(self._categories[one]) + 1,
                "iscrowd": int(self._crowds[one]),
                "area": round(float(self._shares[one]) * width * height, 1),
                "segmentation": self._outlines.segmentation(int(one), (width, height)),
            }
            for one in self._of(photo)
        ]

    def _of(self, photo: str) -> NDArray[np.int64]:
        index = self.photos.get(photo)
        return self._order[self._starts[index] : self._starts[index + 1]] if index is not None else self._order[:0]


class _Outlines:
    """Outlines in flat arrays: the corners of all polygons, where each polygon and each outline ends, and all runs."""

    def __init__(self) -> None:
        self.corners, self.polygon_ends, self.outline_ends = array("H"), array("Q", [0]), array("Q", [0])
        self.runs, self.run_ends = array("I"), array("Q", [0])

    def append(self, one: CocoAnnotation, size: tuple[int, int]) -> None:
        if one.runs is not None:
            self.runs.extend(run_lengths(one.runs, size))
        for polygon in one.polygons:
            points = np.asarray(polygon, np.float64).reshape(-1, 2) / size
            self.corners.frombytes(np.round(points.clip(0, 1) * FULL).astype(np.uint16).tobytes())
            self.polygon_ends.append(len(self.corners) // 2)
        self.outline_ends.append(len(self.polygon_ends) - 1)
        self.run_ends.append(len(self.runs))

    def freeze(self) -> None:
        """Trims the arrays to their content."""
        self._corners = np.array(self.corners).reshape(-1, 2)
        self._polygon_ends, self._outline_ends = np.array(self.polygon_ends), np.array(self.outline_ends)
        self._runs, self._run_ends = np.array(self.runs), np.array(self.run_ends)
        del self.corners, self.polygon_ends, self.outline_ends, self.runs, self.run_ends

    def draw(self, one: int, photo: NDArray[np.uint32], size: int, box: Box) -> NDArray[np.bool_]:
        runs = self._runs_of(one)
        return draw_runs(runs, photo, size, box) if len(runs) else _draw_polygons(self._polygons(one), size, box)

    def segmentation(self, one: int, size: tuple[int, int]) -> Any:
        """An outline as it stands in a file for a photo of ``size`` (width, height)."""
        if len(runs := self._runs_of(one)):
            return {"counts": runs.tolist(), "size": [size[1], size[0]]}
        return [(polygon * size).round(2).ravel().tolist() for polygon in self._polygons(one)]

    def only(self, ones: NDArray[np.int64]) -> "_Outlines":
        """Some of the outlines, in the order given."""
        some = _Outlines()
        for one in ones:
            for corners in (
                self._corners[self._polygon_ends[k] : self._polygon_ends[k + 1]] for k in self._numbers(one)
            ):
                some.corners.frombytes(corners.tobytes())
                some.polygon_ends.append(len(some.corners) // 2)
            some.runs.frombytes(self._runs_of(one).tobytes())
            some.outline_ends.append(len(some.polygon_ends) - 1)
            some.run_ends.append(len(some.runs))
        some.freeze()
        return some

    def _numbers(self, one: int) -> range:
        return range(self._outline_ends[one], self._outline_ends[one + 1])

    def _polygons(self, one: int) -> list[NDArray[np.float64]]:
        """The polygons (N, 2) of an outline, x and y as shares of the photo."""
        ends = self._polygon_ends
        return [self._corners[ends[number] : ends[number + 1]] / FULL for number in self._numbers(one)]

    def _runs_of(self, one: int) -> NDArray[np.uint32]:
        return self._runs[self._run_ends[one] : self._run_ends[one + 1]]


def _draw_polygons(polygons: list[NDArray[np.float64]], size: int, box: Box) -> NDArray[np.bool_]:
    """Polygons (N, 2) of x and y as shares of the photo, as the mask (size, size) of a crop; half a pixel counts."""
    left, upper, right, lower = box
    finer = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(finer)
    scale = np.array([size * FINER / (right - left), size * FINER / (lower - upper)])
    for polygon in polygons:
        if len(polygon) >= 3:
            points = (polygon - (left, upper)) * scale - 0.5
            draw.polygon([*map(tuple, points.tolist())], fill=255)
    return np.asarray(finer.reduce(FINER)) >= 128


def disjoint(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Masks (K, H, W) of which no two share a pixel: the smaller thing is in front, of two alike the first."""
    result, taken = masks.copy(), np.zeros(masks.shape[1:], bool)
    for index in np.argsort(masks.sum(axis=(1, 2)), kind="stable"):  # the same on every processor
        result[index] &= ~taken
        taken |= masks[index]
    return result


def runs_mask(runs: NDArray[np.integer], photo: tuple[int, int]) -> Image.Image:
    """Run lengths, column by column, off and on in turn, as a mask of mode L of the photo's size (width, height)."""
    columns = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(photo)
    return Image.fromarray(np.ascontiguousarray(columns.T).view(np.uint8) * 255)


def draw_runs(runs: NDArray[np.integer], photo: Iterable[int], size: int, box: Box = WHOLE) -> NDArray[np.bool_]:
    """Run lengths as the mask (size, size) of a crop."""
    width, height = (int(side) for side in photo)
    mask = runs_mask(runs, (width, height))
    pixels = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    return np.asarray(mask.resize((size, size), Image.Resampling.BILINEAR, box=pixels)) >= 128
