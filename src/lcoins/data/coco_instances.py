"""Instances of real photos: COCO's polygons, given the color words of a caption where that is beyond doubt."""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ijson
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from lcoins.color.words import BASIC_COLORS, COLOR_CLASS, ColorWord, find_colors
from lcoins.data.types import Instances

SMALLEST_SHARE = 0.005  # of the picture: below it a mask has too few pixels at the protocol's size
REACH = 3  # words between a color word and its noun: "a yellow commercial passenger airplane"

# Other names of COCO's categories in captions. "Man" and "woman" are not among them: their color is their clothes'.
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
NO_OBJECT = ("person",)

# What ends the reach of a color word, and two colors of one thing: "black and white bear".
_BREAK = re.compile(
    r"[,.;]|\b(a|an|the|and|or|with|of|in|on|at|to|by|near|next|under|over|behind|is|are)\b", re.IGNORECASE
)
_SHARED = re.compile(r"#\s*(,|,? and|,? or|-)?\s*@|@\s*(,|,? and|,? or|-)?\s*#", re.IGNORECASE)

Noun = tuple[int, str, bool]  # place in the caption, category, whether it is a plural
Polygon = Sequence[float]  # x0, y0, x1, y1 ... in pixels of the photo


@dataclass
class Photo:
    """The annotations of one photo: its size (width, height) and the polygons of each instance by category.

    ``crowds`` are the categories of which there are crowds, whose single instances nobody has outlined.
    """

    size: tuple[int, int]
    objects: dict[str, list[list[Polygon]]] = field(default_factory=dict)
    crowds: set[str] = field(default_factory=set)


class Polygons:
    """Reads COCO's ``instances_*.json``, photo by photo; crowds (run lengths, not single instances) are left out.

    Raises ValueError where the file has another form.
    """

    def __init__(self, path: Path | str) -> None:
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no file of instances at {path}; give COCO's instances_*.json, or null")
        try:
            names = {entry["id"]: entry["name"] for entry in _entries(path, "categories")}
            self.ids = {name: number for number, name in names.items()}
            self.words = vocabulary(names.values())
            longest_first = sorted(self.words, key=len, reverse=True)
            self.noun = re.compile(rf"\b({'|'.join(map(re.escape, longest_first))})\b")
            photos = {
                entry["id"]: (entry["file_name"], Photo((entry["width"], entry["height"])))
                for entry in _entries(path, "images")
            }
            if not names or not photos:
                raise KeyError("images, categories")
            self.photos = dict(photos.values())
            for entry in _entries(path, "annotations"):
                photo, category = photos[entry["image_id"]][1], names[entry["category_id"]]
                if entry["iscrowd"]:
                    photo.crowds.add(category)
                else:
                    photo.objects.setdefault(category, []).append([*map(_polygon, entry["segmentation"])])
        except (ijson.JSONError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise ValueError(f"{path} is not of the form of COCO's instances_*.json: {error!r}") from error

    def instances(self, photo: str, caption: str, size: int) -> Instances | None:
        """The instances whose color the caption names, masks (K, size, size), or None without any.

        A color word belongs to the first category named after it, with no other color word, "and" or comma between.
        It counts where that category is named once, as one thing of which the photo has exactly one, or as several,
        which are then one mask. Words other than the eleven basic ones are left out, as are masks of less than 0.5 %.
        """
        known = self.photos.get(photo)
        if known is None:
            return None
        found, masks = list(self._named(known, caption)), []
        for category, _ in found:
            shapes = [polygon for polygons in known.objects[category] for polygon in polygons]
            masks.append(draw_polygons(shapes, known.size, size))
        kept = [place for place, mask in enumerate(masks) if mask.mean() >= SMALLEST_SHARE]
        if not kept:
            return None
        stacked = torch.from_numpy(np.stack([masks[place] for place in kept]))
        return Instances(_disjoint(stacked), tuple(found[place][1] for place in kept))

    def _named(self, photo: Photo, caption: str) -> Iterator[tuple[str, str]]:
        """Category and color of what is named beyond doubt."""
        nouns = [(match.start(), *self.words[match[0]]) for match in self.noun.finditer(caption.lower())]
        mentions = [category for _, category, _ in nouns]
        for word in find_colors(caption):
            noun = _noun_of(word, caption, nouns)
            if noun is None or word.color not in BASIC_COLORS:
                continue
            _, category, plural = noun
            present = len(photo.objects.get(category, ()))
            if (
                mentions.count(category) == 1
                and category not in photo.crowds
                and (present == 1 or (plural and present > 1))
            ):
                yield category, word.color


def _polygon(values: list[float]) -> Polygon:
    """An array takes a quarter of a list's memory, and COCO's training photos have millions of points."""
    if len(values) % 2:
        raise TypeError(f"a polygon of {len(values)} numbers, which are no points")
    return array("d", values)


def draw_polygons(polygons: Sequence[Polygon], photo: tuple[int, int], size: int) -> NDArray[np.bool_]:
    """Polygons in pixels of a photo (width, height) as a mask (size, size) of the squashed photo."""
    scale = (size / photo[0], size / photo[1])
    mask = Image.new("1", (size, size))
    draw = ImageDraw.Draw(mask)
    for polygon in polygons:
        points = [(x * scale[0], y * scale[1]) for x, y in zip(polygon[::2], polygon[1::2], strict=True)]
        if len(points) >= 3:
            draw.polygon(points, fill=1)
    return np.asarray(mask).copy()


def _disjoint(masks: torch.Tensor) -> torch.Tensor:
    """Where masks overlap, the smaller thing is in front: it keeps the pixels."""
    order = masks.flatten(1).sum(dim=1).argsort()
    taken = torch.zeros_like(masks[0])
    result = masks.clone()
    for place in order.tolist():
        result[place] &= ~taken
        taken |= masks[place]
    return result


def _entries(path: Path, key: str) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        yield from ijson.items(file, f"{key}.item", use_float=True)


def vocabulary(categories: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Name in a caption -> category and whether the name is a plural.

    >>> words = vocabulary(["bus", "person"])
    >>> words["buses"], words["bus"], "person" in words
    (('bus', True), ('bus', False), False)
    """
    known = [category for category in categories if category not in NO_OBJECT]
    named = {name: category for category in known for name in (category, *OTHER_NAMES.get(category, ()))}
    return {_plural(name): (category, True) for name, category in named.items()} | {
        name: (category, False)
        for name, category in named.items()
        if name not in COLOR_CLASS  # an orange may be a color
    }


def _plural(name: str) -> str:
    for ending, plural in (("fe", "ves"), ("y", "ies"), ("s", "ses"), ("ch", "ches"), ("sh", "shes"), ("x", "xes")):
        if name.endswith(ending) and not name.endswith(("ay", "ey", "oy")):
            return name.removesuffix(ending) + plural
    return f"{name}s"


def _noun_of(word: ColorWord, caption: str, nouns: Sequence[Noun]) -> Noun | None:
    """The noun that a color word belongs to, or None where another color shares it or something stands between."""
    if _SHARED.search(_masked(caption, word)):
        return None
    noun = next((noun for noun in nouns if noun[0] >= word.end), None)
    if noun is None:
        return None
    between = caption[word.end : noun[0]].lower()
    broken = bool(find_colors(between)) or bool(_BREAK.search(between))
    return None if broken or len(between.split()) > REACH else noun


def _masked(caption: str, word: ColorWord) -> str:
    """The caption with the color word as "@" and every other one as "#"."""
    text = caption
    for found in reversed(find_colors(caption)):
        text = text[: found.start] + ("@" if found.start == word.start else "#") + text[found.end :]
    return text
