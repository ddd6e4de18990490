"""Instances of real photos: COCO's polygons with the color that a caption gives them, where that is beyond doubt."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lcoins.color.object_pairs import certain_object_colors
from lcoins.color.words import BASIC_COLORS, COLOR_CLASS, split_words
from lcoins.data.coco_format import (
    CocoAnnotation,
    Polygon,
    expect_same,
    expecting_coco,
    read_annotations,
    read_categories,
    read_images,
    run_lengths,
)
from lcoins.data.coco_instances import disjoint, draw_runs
from lcoins.data.types import Instances

SMALLEST_SHARE = 0.005  # of the picture: a smaller mask has too few pixels at the protocol's size

# Other names of COCO's categories in captions. "Man" and "woman" are missing: a color beside them is their clothes'.
OTHER_NAMES: dict[str, tuple[str, ...]] = {
    "airplane": ("plane", "aeroplane", "jet", "airliner"),
    "bicycle": ("bike",),
    "motorcycle": ("motorbike",),
    "couch": ("sofa",),
    "potted plant": ("plant",),
    "dining table": ("table",),
    "tv": ("television", "monitor"),
    "cell phone": ("phone", "cellphone"),
    "refrigerator": ("fridge",),
    "laptop": ("computer",),
    "car": ("sedan", "taxi"),
    "truck": ("lorry", "pickup"),
    "toilet": ("commode",),
    "donut": ("doughnut",),
    "hair drier": ("dryer",),
    "traffic light": ("stoplight",),
    "bear": ("cub",),
    "dog": ("puppy",),
    "cat": ("kitten",),
}
_IRREGULAR = {"person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice"} | {
    name: name for name in ("sheep", "deer", "fish", "broccoli")
}
UNPAIRED = ("person",)  # categories that a color never belongs to, for the same reason


@dataclass(frozen=True)
class Noun:
    """A name of a category in a caption: ``index`` is that of its first word."""

    index: int
    category: str
    plural: bool


class Nouns:
    """Finds the names of categories in captions, OTHER_NAMES among them."""

    def __init__(self, categories: Iterable[str]) -> None:
        self._meanings = names_in_captions(categories)
        longest_first = sorted(self._meanings, key=len, reverse=True)
        self._pattern = re.compile(rf"\b({'|'.join(map(re.escape, longest_first)) or '(?!)'})\b")

    def find(self, words: Sequence[str]) -> Iterator[Noun]:
        """The names among the words of a caption, in order."""
        text = " ".join(words)
        for match in self._pattern.finditer(text):
            yield Noun(text.count(" ", 0, match.start()), *self._meanings[match[0]])


@dataclass
class AnnotatedPhoto:
    """The annotations of one photo: its size (width, height) and its instances by category.

    ``crowds`` are the categories with a crowd in the photo, whose single instances nobody has outlined. ``captions``
    are the sentences that the file says the meaning of, if any, and ``meant`` the instances that they give a color.
    """

    size: tuple[int, int]
    objects: dict[str, list[CocoAnnotation]] = field(default_factory=dict)
    crowds: set[str] = field(default_factory=set)
    captions: tuple[str, ...] = ()
    meant: list[CocoAnnotation] = field(default_factory=list)


class Polygons:
    """Reads COCO's ``instances_*.json``, polygons and run lengths; skips crowds, which are no single instances.

    Raises FileNotFoundError without a file, and ValueError for a file of another form.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        with expecting_coco(path):
            names = read_categories(path)
            self.photos: dict[str, AnnotatedPhoto] = {}
            photos: dict[int, AnnotatedPhoto] = {}
            for image in read_images(path):
                photo = AnnotatedPhoto(image.size, captions=image.captions)
                photo = photos[image.number] = self.photos.setdefault(image.name, photo)
                expect_same(image.name, (photo.size, photo.captions), (image.size, image.captions))
            if not names or not photos:
                raise KeyError("images, categories")
            for annotation in read_annotations(path):
                photo, category = photos[annotation.image], names[annotation.category]
                if photo.captions and annotation.described:
                    photo.meant.append(annotation)
                if annotation.crowd:
                    photo.crowds.add(category)
                else:
                    if annotation.runs is not None:
                        run_lengths(annotation.runs, photo.size)  # refuses those of another photo now
                    photo.objects.setdefault(category, []).append(annotation)
        self.ids = {name: number for number, name in names.items()}
        self.nouns = Nouns(names.values())

    def instances(self, photo: str, caption: str, size: int) -> Instances | None:
        """The instances whose color the caption names, masks (K, size, size), or None without any.

        A color belongs to the category that :func:`certain_object_colors` pairs it with. It counts where the caption
        names that category once: in the singular where the photo has exactly one, in the plural for all of them, which
        are then one mask. Colors other than the eleven basic ones are left out, as are masks of less than 0.5 %. Where
        the file itself says what its captions mean, that counts instead, and for other captions there is none.
        """
        known = self.photos.get(photo)
        if known is None:
            return None
        masks, colors = [], []
        for mask, color in _meant(known, caption, size) if known.captions else self._named(known, caption, size):
            if mask.mean() >= SMALLEST_SHARE:
                masks.append(mask)
                colors.append(color)
        return Instances(torch.from_numpy(disjoint(np.stack(masks))), tuple(colors)) if masks else None

    def _named(self, photo: AnnotatedPhoto, caption: str, size: int) -> Iterator[tuple[NDArray[np.bool_], str]]:
        """The masks of what the caption names by its category, with the colors."""
        for category, color in self._certain_colors(photo, caption):
            masks = [_draw(one, photo.size, size) for one in photo.objects[category]]
            yield np.logical_or.reduce(masks), color

    def _certain_colors(self, photo: AnnotatedPhoto, caption: str) -> Iterator[tuple[str, str]]:
        """The categories whose color the caption names beyond doubt, with that color."""
        words = split_words(caption)
        nouns = {noun.index: noun for noun in self.nouns.find(words)}
        mentions = [noun.category for noun in nouns.values()]
        for index, color_index in certain_object_colors(caption, list(nouns)):
            category, color = nouns[index].category, COLOR_CLASS[words[color_index]]
            present = len(photo.objects.get(category, ()))
            if (
                color in BASIC_COLORS
                and mentions.count(category) == 1
                and category not in photo.crowds
                and (present == 1 or (nouns[index].plural and present > 1))
            ):
                yield category, color


def _meant(photo: AnnotatedPhoto, caption: str, size: int) -> Iterator[tuple[NDArray[np.bool_], str]]:
    """The masks of what the file says that the caption means, with the colors."""
    if caption not in photo.captions:
        return
    number, masks = photo.captions.index(caption), dict[tuple[int, str], NDArray[np.bool_]]()
    for one in photo.meant:
        for own, word, color in one.described:
            if own == number and color in BASIC_COLORS:
                mask = _draw(one, photo.size, size)
                masks[word, color] = mask | masks.get((word, color), False)
    yield from ((mask, color) for (_, color), mask in masks.items())


def _draw(one: CocoAnnotation, photo: tuple[int, int], size: int) -> NDArray[np.bool_]:
    if one.runs is None:
        return draw_polygons(one.polygons, photo, size)
    return draw_runs(np.array(run_lengths(one.runs, photo)), photo, size)


def draw_polygons(polygons: Sequence[Polygon], photo: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """The mask (size, size) of polygons in pixels of a photo (width, height) that is squashed to a square."""
    scale = (size / photo[0], size / photo[1])
    mask = Image.new("1", (size, size))
    draw = ImageDraw.Draw(mask)
    for polygon in polygons:
        points = [(x * scale[0], y * scale[1]) for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
        if len(points) >= 3:
            draw.polygon(points, fill=1)
    return np.asarray(mask).copy()


def names_in_captions(categories: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Name in a caption -> category and whether the name is a plural.

    >>> names = names_in_captions(["bus", "person"])
    >>> names["buses"], names["bus"], "person" in names
    (('bus', True), ('bus', False), False)
    """
    paired = [category for category in categories if category not in UNPAIRED]
    singular = {name: category for category in paired for name in (category, *OTHER_NAMES.get(category, ()))}
    return {plural(name): (category, True) for name, category in singular.items()} | {
        name: (category, False)
        for name, category in singular.items()
        if name not in COLOR_CLASS  # "an orange" may be a color
    }


def plural(name: str) -> str:
    """The plural of the name of a thing, by its ending or its last word.

    >>> plural("bus"), plural("knife"), plural("giraffe"), plural("toy"), plural("computer mouse")
    ('buses', 'knives', 'giraffes', 'toys', 'computer mice')
    """
    *before, last = name.split(" ")
    if last in _IRREGULAR:
        return " ".join([*before, _IRREGULAR[last]])
    for ending, new in (
        ("ife", "ives"),
        ("y", "ies"),
        ("s", "ses"),
        ("ch", "ches"),
        ("sh", "shes"),
        ("x", "xes"),
    ):
        if name.endswith(ending) and not name.endswith(("ay", "ey", "oy")):
            return name.removesuffix(ending) + new
    return f"{name}s"
