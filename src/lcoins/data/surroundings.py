"""Sky, grass, trees, water, snow and sand in a photo, which no outlines show, by their colors and places.

Not part of the paper. Training sees photos in color, so that a blue, smooth region at the upper edge of a photo without
furniture is a sky beyond much doubt, and a green one below is grass. What is in doubt has no name here.
"""

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter, label

from lcoins.color.word_kinds import word_set
from lcoins.data.instance_sentences import GARMENTS
from lcoins.data.things import Thing

Mask = NDArray[np.bool_]

NAMES = {
    "sky": ("sky", "sky", "sky", "skies"),
    "grass": ("grass", "grass", "grass", "grass", "lawn", "field", "meadow"),
    "trees": ("trees", "trees", "leaves", "bushes", "forest"),
    "water": ("water", "water", "water", "water", "sea", "ocean", "lake"),
    "snow": ("snow",),
    "sand": ("sand", "beach"),
    "clothes": ("clothes", "clothes", "clothing", "outfit"),
}
_PLURAL = frozenset(("skies", "trees", "leaves", "bushes", "clothes"))
# Words of a caption without which blue is not said to be water, white snow, yellow sand and green trees.
_TOLD = {
    "water": word_set("water ocean sea lake river pool wave waves pond surf surfer swimming surfing boat"),
    "snow": word_set("snow snowy ski skis skiing skier snowboard snowboarder snowboarding sled"),
    "sand": word_set("sand sandy beach dune dunes desert"),
    "trees": word_set("tree trees forest wood woods wooded leaves foliage bush bushes branch jungle"),
}
_INDOORS = word_set(
    """bed couch tv toilet sink refrigerator oven microwave keyboard laptop mouse remote toaster fork knife spoon bowl
    cake pizza donut dining_table wine_glass potted_plant"""
)
LEAST, MOST = 0.03, 0.75  # share of the crop
NOTHING = 0.004  # share of pixels of the right color up to which a crop is said not to show it
BLUE = 0.4  # share of a sky whose b is below BLUISH: the rest may be clouds
BLUISH = -4.0
SMOOTH = 2.2  # units of L*: the spread around a pixel of a sky
EDGE = 0.25  # share of an edge of the crop that a sky or a ground touches


def surroundings(
    lightness: NDArray[np.float32],
    ab: NDArray[np.float32],
    taken: Mask,
    kinds: Collection[str],
    captions: Sequence[str],
) -> tuple[list[Thing], list[str]]:
    """What surrounds the things of a crop, each once, and the names of what it surely does not show.

    Args:
        lightness: L* (H, W).
        ab: CIELAB ab (2, H, W).
        taken: the pixels (H, W) of things and people.
        kinds: their names; a photo of furniture has no sky.
        captions: of the photo.
    """
    found: list[Thing] = []
    absent: list[str] = []
    if _INDOORS & {kind.replace(" ", "_") for kind in kinds}:
        return found, absent
    words = {word.strip(".,;").lower() for caption in captions for word in caption.split()}
    for kind, candidates in _candidates(lightness, ab):
        if candidates.mean() < NOTHING:
            absent.append(kind)
            continue
        told = kind not in _TOLD or bool(_TOLD[kind] & words)
        mask = _region(kind, candidates, ~taken) if told else None
        if mask is None or not LEAST <= mask.mean() <= MOST:
            continue
        if kind != "sky" or (ab[1][mask] < BLUISH).mean() >= BLUE:
            found.append(Thing(kind, mask))
    return found, absent


def clothes(things: Sequence[Thing]) -> Thing | None:
    """All that is worn in a crop as one thing; None where it is next to nothing."""
    worn = [thing.mask for thing in things if thing.kind in GARMENTS]
    mask = np.logical_or.reduce(worn) if len(worn) > 1 else None
    return Thing("clothes", mask) if mask is not None and LEAST <= mask.mean() <= MOST else None


def renamed(thing: Thing, rng: random.Random) -> Thing:
    """A thing under one of the names of its kind."""
    name = rng.choice(NAMES[thing.kind])
    return replace(thing, kind=name, plural=name in _PLURAL)


def _candidates(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> Iterator[tuple[str, Mask]]:
    """The pixels whose color each kind may have."""
    chroma, hue = np.hypot(*ab), np.degrees(np.arctan2(ab[1], ab[0])) % 360
    blurred = gaussian_filter(lightness, 2)
    spread = np.sqrt(np.maximum(gaussian_filter(lightness**2, 2) - blurred**2, 0))
    blue = (hue > 205) & (hue < 295) & (chroma > 5)
    green = (hue > 100) & (hue < 150) & (chroma > 9) & (lightness > 20) & (lightness < 85)
    clouded = (lightness > 70) & (chroma < 9)
    yield "sky", (blue & (lightness > 40) | clouded) & (spread < SMOOTH)
    yield "grass", green
    yield "trees", green
    yield "water", (hue > 170) & (hue < 295) & (chroma > 4)
    yield "snow", (lightness > 62) & (chroma < 14) & ((hue > 190) | (chroma < 5))
    yield "sand", (hue > 45) & (hue < 100) & (chroma > 7) & (chroma < 45) & (lightness > 40)


def _region(kind: str, candidates: Mask, free: Mask) -> Mask | None:
    """The largest connected region of the free candidates where the kind may be, and what else is as high or low.

    None where there is none.
    """
    candidates = candidates & free
    opened = binary_opening(candidates, iterations=2)
    numbers, count = label(opened)
    if not count:
        return None
    sizes = np.bincount(numbers.ravel())
    sizes[0] = 0
    largest = numbers == sizes.argmax()
    rows, _ = np.nonzero(largest)
    middle = rows.mean() / len(largest)
    top, bottom = largest[:3].any(axis=0).mean(), largest[-3:].any(axis=0).mean()
    fits = {
        "sky": top >= EDGE and middle < 0.5,
        "grass": bottom >= EDGE and middle > 0.5,
        "trees": middle < 0.5 and bottom < 0.1,
        "water": top < EDGE,
        "snow": bottom >= EDGE and middle > 0.4,
        "sand": bottom >= EDGE and middle > 0.5,
    }[kind]
    if not fits:
        return None
    level = np.arange(len(largest))[:, None]
    within = level <= rows.max() if kind in ("sky", "trees") else level >= rows.min()
    return binary_closing(candidates & within, iterations=2) & free
