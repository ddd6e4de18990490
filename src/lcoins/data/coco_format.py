"""Reads files in COCO's format (``instances_*.json``) entry by entry, however large they are.

Whoever needs instances chooses what to keep: :mod:`lcoins.data.coco_instances` keeps all outlines in flat arrays,
:mod:`lcoins.data.captioned_instances` exact polygons of single things.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ijson
import numpy as np

from lcoins.data.pairs import leads_outside

Polygon = Sequence[float]  # x0, y0, x1, y1 ... in pixels of the photo


@dataclass(frozen=True)
class CocoImage:
    """An entry of ``images``: the photo's number, its file name, and the size that the outlines are made for.

    ``captions`` are the sentences that the file's instances are the meaning of, in files that `lcoins data describe`
    writes.
    """

    number: int
    name: str
    size: tuple[int, int]  # width, height
    captions: tuple[str, ...] = ()


@dataclass(frozen=True)
class CocoAnnotation:
    """An entry of ``annotations``, an instance: the numbers of its photo and category, and its outline.

    The outline is polygons, or run lengths (``runs``, see :func:`run_lengths`); ``crowd`` tells several things in one.
    ``area`` is in pixels of the photo; where the file lacks it, it comes from the outline. ``described`` says, in the
    files named above, which sentences mean it: the sentence's place in ``captions``, the word there that names it,
    counted from 1, and the basic color that the sentence gives it, or None. What one word names is meant together.
    """

    image: int
    category: int
    crowd: bool
    area: float
    polygons: tuple[Polygon, ...] = ()
    runs: list[int] | str | None = None
    described: tuple[tuple[int, int, str | None], ...] = ()


@contextmanager
def expecting_coco(path: Path) -> Iterator[None]:
    """Raises FileNotFoundError without a file, and ValueError where what is read inside shows another form."""
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no file of instances; give COCO's instances_*.json, or null")
    try:
        yield
    except (
        ijson.JSONError,
        KeyError,
        TypeError,
        AttributeError,
        IndexError,
        ValueError,
        OverflowError,
        ZeroDivisionError,
    ) as error:
        raise ValueError(f"{path} is not of the form of COCO's instances_*.json: {error!r}") from error


def read_categories(path: Path) -> dict[int, str]:
    """The names of categories by their numbers, in the file's order."""
    return {entry["id"]: entry["name"] for entry in _entries(path, "categories")}


def read_images(path: Path) -> Iterator[CocoImage]:
    """The photos of a file, in its order."""
    for entry in _entries(path, "images"):
        if leads_outside(entry["file_name"]):
            raise ValueError(f"the photo {entry['file_name']!r} lies outside the folder of photos")
        size = (entry["width"], entry["height"])
        yield CocoImage(entry["id"], entry["file_name"], size, tuple(entry.get("captions", ())))


def photo_names(path: Path) -> list[str]:
    """The file names of all photos of a file, each once; raises as :func:`expecting_coco` does."""
    with expecting_coco(path):
        return list(dict.fromkeys(image.name for image in read_images(path)))


def expect_same(name: str, first: object, again: object) -> None:
    """Raises ValueError where two entries of one photo do not say the same of it, so that their things do not fit."""
    if again != first:
        raise ValueError(
            f"expected all entries of the photo {name!r} to agree, got {first} and {again}; give it one entry"
        )


def read_annotations(path: Path) -> Iterator[CocoAnnotation]:
    """The instances of a file, in its order."""
    for entry in _entries(path, "annotations"):
        outline, crowd = entry["segmentation"], bool(entry.get("iscrowd", 0))
        runs = outline["counts"] if isinstance(outline, dict) else None
        polygons = tuple(map(_checked, outline)) if runs is None else ()
        area = entry["area"] if "area" in entry else outline_area(polygons, runs)
        described = tuple((caption, word, color) for caption, word, color in entry.get("described", ()))
        yield CocoAnnotation(entry["image_id"], entry["category_id"], crowd, area, polygons, runs, described)


def _checked(polygon: list[float]) -> Polygon:
    """As an array, which takes a quarter of a list's memory and holds numbers only."""
    if len(polygon) % 2:
        raise TypeError(f"expected x and y of each point of a polygon, got {len(polygon)} numbers")
    return array("d", polygon)


def polygon_area(polygon: Polygon) -> float:
    """The area that a polygon encloses, in pixels of the photo.

    >>> polygon_area([0, 0, 4, 0, 4, 3])
    6.0
    """
    x, y = np.asarray(polygon[::2]), np.asarray(polygon[1::2])
    return abs(float(x @ np.roll(y, 1) - y @ np.roll(x, 1))) / 2


def outline_area(polygons: tuple[Polygon, ...], runs: list[int] | str | None) -> float:
    """The area of polygons or run lengths, in pixels of the photo."""
    if runs is None:
        return sum(map(polygon_area, polygons))
    return float(sum((_decoded(runs) if isinstance(runs, str) else runs)[1::2]))


def run_lengths(runs: list[int] | str, size: tuple[int, int]) -> list[int]:
    """The run lengths of an outline: pixels off and on in turn, column by column, through a photo of ``size``.

    A string is decoded as pycocotools encodes it: base 32, low digits first, each value from the fourth on a difference
    to the one two before. Raises ValueError where the runs do not cover the photo.

    >>> run_lengths("52203", (4, 4)), run_lengths("0<2", (7, 2))
    ([5, 2, 2, 2, 5], [0, 12, 2])
    """
    counts = _decoded(runs) if isinstance(runs, str) else runs
    if sum(counts) != size[0] * size[1]:
        raise ValueError(f"expected run lengths of {size[0]} x {size[1]} pixels, got {sum(counts)} pixels")
    return counts


def _decoded(text: str) -> list[int]:
    counts: list[int] = []
    value = shift = 0
    for character in text:
        digit = ord(character) - 48
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:  # the last digit of a value
            if digit & 16:
                value -= 1 << shift
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    return counts


def _entries(path: Path, key: str) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from ijson.items(file, f"{key}.item", use_float=True)
