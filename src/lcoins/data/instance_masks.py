"""Instances of photos from a JSON in COCO's format, kept small: names, and outlines to be drawn at any size and crop.

Outlines may be polygons, run lengths, or run lengths compressed as pycocotools writes them. The file is streamed;
what stays in memory are flat arrays, four bytes a corner and four a run, and the photos' names. A million photos with
seven outlines of thirty corners each are 0.9 GB.
"""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

FULL = 65535  # a corner is kept in parts of 1/65535 of the photo's sides, so photos may be stored at any size
FINER = 2  # polygons are drawn so many times larger and then averaged
Box = tuple[float, float, float, float]  # left, upper, right, lower as shares of the photo, 0..1
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True)
class PhotoInstances:
    """The instances of one crop: K category names, ``masks`` (K, size, size) bool, and the photo's share that each is.

    ``crowd`` tells which are several things in one outline.
    """

    names: tuple[str, ...]
    masks: NDArray[np.bool_]
    crowd: tuple[bool, ...]


class CocoInstances:
    """Reads ``images``, ``categories`` and ``annotations`` of a file in COCO's format; photos are known by file name.

    Raises FileNotFoundError, or ValueError where the file has another form.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no file of instances at {path}; give a JSON in COCO's format, or null")
        try:
            self._read(path)
        except (ijson.JSONError, KeyError, TypeError, IndexError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not of the form of COCO's instances_*.json: {error!r}") from error

    def _read(self, path: Path) -> None:
        category_names = {entry["id"]: entry["name"] for entry in _entries(path, "categories")}
        self.categories = tuple(category_names.values())
        number = {category: place for place, category in enumerate(category_names)}
        self.place: dict[str, int] = {}
        sizes, by_id = array("I"), {}
        for entry in _entries(path, "images"):
            by_id[entry["id"]] = self.place[entry["file_name"]] = len(self.place)
            sizes.extend((entry["width"], entry["height"]))
        photo, category, crowd, share = array("I"), array("H"), array("B"), array("f")
        corners, rings, ring_ends = array("H"), array("Q", [0]), array("Q", [0])
        runs, run_ends = array("I"), array("Q", [0])
        for entry in _entries(path, "annotations"):
            at = by_id[entry["image_id"]]
            width, height = sizes[2 * at], sizes[2 * at + 1]
            shape = entry["segmentation"]
            if isinstance(shape, dict):
                counts = shape["counts"]
                runs.extend(decode_counts(counts) if isinstance(counts, str) else counts)
            else:
                for ring in shape:
                    points = np.asarray(ring, np.float64).reshape(-1, 2) / (width, height)
                    corners.frombytes(np.round(points.clip(0, 1) * FULL).astype(np.uint16).tobytes())
                    rings.append(len(corners) // 2)
            ring_ends.append(len(rings) - 1)
            run_ends.append(len(runs))
            photo.append(at)
            category.append(number[entry["category_id"]])
            crowd.append(bool(entry.get("iscrowd", 0)))
            share.append(entry.get("area", 0.0) / (width * height))
        if not self.place or not self.categories:
            raise KeyError("images, categories")
        self.sizes = np.array(sizes).reshape(-1, 2)
        self._category, self._crowd, self.shares = np.array(category), np.array(crowd, bool), np.array(share)
        self._corners = np.array(corners).reshape(-1, 2)
        self._rings, self._ring_ends = np.array(rings), np.array(ring_ends)
        self._runs, self._run_ends = np.array(runs), np.array(run_ends)
        photos = np.array(photo)
        self._order = np.argsort(photos, kind="stable")
        self._starts = np.searchsorted(photos[self._order], np.arange(len(self.place) + 1))

    def __contains__(self, photo: str) -> bool:
        return photo in self.place

    def of(self, photo: str) -> list[tuple[str, float]]:
        """Name and share of the photo (0..1, by the file's own areas) of each instance; empty for an unknown photo."""
        return [(self.categories[self._category[one]], float(self.shares[one])) for one in self._of(photo)]

    def crop(self, photo: str, size: int, box: Box = WHOLE, *, flipped: bool = False) -> PhotoInstances:
        """The instances of a crop of the photo, squashed to ``size`` x ``size`` pixels; those outside have no pixel."""
        ones = self._of(photo)
        masks = np.zeros((len(ones), size, size), bool)
        for place, one in enumerate(ones):
            mask = self._draw(int(one), self.place[photo], size, box)
            masks[place] = mask[:, ::-1] if flipped else mask
        names = tuple(self.categories[self._category[one]] for one in ones)
        return PhotoInstances(names, masks, tuple(bool(self._crowd[one]) for one in ones))

    def _of(self, photo: str) -> NDArray[np.int64]:
        at = self.place.get(photo)
        return self._order[self._starts[at] : self._starts[at + 1]] if at is not None else self._order[:0]

    def _draw(self, one: int, photo: int, size: int, box: Box) -> NDArray[np.bool_]:
        first, last = self._run_ends[one], self._run_ends[one + 1]
        if last > first:
            return _draw_runs(self._runs[first:last], self.sizes[photo], size, box)
        rings = range(self._ring_ends[one], self._ring_ends[one + 1])
        outlines = [self._corners[self._rings[ring] : self._rings[ring + 1]] / FULL for ring in rings]
        return draw_outlines(outlines, size, box)


def draw_outlines(outlines: list[NDArray[np.float64]], size: int, box: Box = WHOLE) -> NDArray[np.bool_]:
    """Outlines (N, 2) of x and y as shares of the photo, as the mask (size, size) of a crop; half a pixel counts."""
    left, upper, right, lower = box
    finer = Image.new("L", (size * FINER, size * FINER))
    draw = ImageDraw.Draw(finer)
    scale = np.array([size * FINER / (right - left), size * FINER / (lower - upper)])
    for outline in outlines:
        if len(outline) >= 3:
            points = (outline - (left, upper)) * scale - 0.5
            draw.polygon([*map(tuple, points.tolist())], fill=255)
    return np.asarray(finer.reduce(FINER)) >= 128


def _draw_runs(runs: NDArray[np.uint32], photo: NDArray[np.uint32], size: int, box: Box) -> NDArray[np.bool_]:
    """Run lengths, column by column, off and on in turn, as the mask (size, size) of a crop."""
    width, height = (int(side) for side in photo)
    values = np.arange(len(runs)) % 2 == 1
    columns = np.repeat(values, runs).reshape(width, height)
    mask = Image.fromarray(np.ascontiguousarray(columns.T).view(np.uint8) * 255)
    pixels = (box[0] * width, box[1] * height, box[2] * width, box[3] * height)
    return np.asarray(mask.resize((size, size), Image.Resampling.BILINEAR, box=pixels)) >= 128


def decode_counts(text: str) -> list[int]:
    """The run lengths of pycocotools' compressed form: base 32, low digits first, each from the fourth run on a
    difference to the one two before.

    >>> decode_counts("0<2"), decode_counts("52203")
    ([0, 12, 2], [5, 2, 2, 2, 5])
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            if digit & 16:
                value -= 1 << shift
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    return counts


def _entries(path: Path, key: str) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from ijson.items(file, f"{key}.item", use_float=True)
