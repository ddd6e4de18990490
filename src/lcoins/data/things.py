"""What a sentence can speak of in a crop: its things by kind, told apart by place or size, or several as one."""

import random
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lcoins.data.coco_instances import CroppedInstances, disjoint
from lcoins.data.color_naming import color_word, inner

_PEOPLE = "person man woman girl boy child baby hair skin face skins"
NEVER_PAINTED = frozenset(_PEOPLE.split())
# What their outlines show is mostly other things: behind strings or glass, or on a screen.
SEEN_THROUGH = frozenset(("tennis racket", "wine glass", "glasses", "tv", "television", "mirror"))
_PLURALS = """shoes pants jeans stockings sandals shorts boots leggings socks sunglasses loafers heels sneakers pumps
gloves flats tights wedges glasses skis scissors"""
PAIRS = frozenset(_PLURALS.split())  # names of one thing that are plurals
LEAST = 0.003  # share of the crop: smaller ones are not seen
PAINTABLE = (0.008, 0.6)  # share of the crop
LEFT = 0.5  # share of an outline that nothing in front of it covers
APART = 0.16  # of the crop's side, between the centers of two things that are told apart by place
LARGER = 2.2  # times the area
TELL = 0.7  # how often several of a kind are told apart rather than named as one


@dataclass(frozen=True, eq=False)
class Thing:
    """One thing, or several of a kind as one: ``mask`` (H, W) bool, and how it is told from others of its kind.

    ``place`` is "", or "left", "middle", "right", "top", "bottom", "larger" or "smaller"; ``unique`` is False where the
    crop has others of the kind. ``lightness`` is the mean L* inside, ``ab`` the mean and ``spread`` the mean distance
    from it, ``color`` the word for it, None where unsure or not the thing's own. ``ones`` are the instances that it
    consists of, by their places in the crop's; ``complete`` says that the crop shows no other of the kind. ``beside``
    is the thing that only this one of its kind touches, where that tells it apart.
    """

    kind: str
    mask: NDArray[np.bool_]
    plural: bool = False
    place: str = ""
    unique: bool = True
    lightness: float = 0.0
    ab: tuple[float, float] = (0.0, 0.0)
    spread: float = 0.0
    color: str | None = None
    ones: tuple[int, ...] = ()
    complete: bool = True
    beside: "Thing | None" = None

    @property
    def share(self) -> float:
        """Of the crop, 0..1."""
        return float(self.mask.mean())

    @property
    def paintable(self) -> bool:
        """Whether it may get another color: nothing that is a person's own, nothing tiny or huge."""
        return self.kind not in NEVER_PAINTED and PAINTABLE[0] <= self.share <= PAINTABLE[1]


def find_things(
    found: CroppedInstances, lightness: Tensor, ab: Tensor, rng: random.Random, tell: float = TELL
) -> list[Thing]:
    """The things of a crop with L* (H, W) and ab (2, H, W), measured; of two that overlap the smaller is in front.

    ``tell`` is how often several of a kind are told apart, where they can be.
    """
    masks = disjoint(found.masks)
    visible = [bool(mask.any()) for mask in found.masks]
    by_kind: dict[str, list[int]] = {}
    for index, (name, mask) in enumerate(zip(found.names, masks, strict=True)):
        if mask.mean() >= LEAST and mask.sum() >= LEFT * found.masks[index].sum():
            by_kind.setdefault(name, []).append(index)
    things: list[Thing] = []
    for kind, ones in by_kind.items():
        crowd = any(found.crowd[one] for one in ones)
        complete = not crowd and len(ones) == sum(name == kind and visible[one] for one, name in enumerate(found.names))
        plural = kind in PAIRS
        if len(ones) == 1 and not crowd:
            mask = masks[ones[0]]
            place = _absolute(mask) if rng.random() < 0.15 else ""
            things.append(Thing(kind, mask, plural, place, ones=tuple(ones), complete=complete))
            continue
        places = _tell_apart([masks[one] for one in ones]) if not crowd and rng.random() < tell else None
        if places is None:
            whole = np.logical_or.reduce([masks[one] for one in ones])
            things.append(Thing(kind, whole, True, unique=False, ones=tuple(ones), complete=complete))
        else:
            things += [
                Thing(kind, masks[one], plural, place, False, ones=(one,), complete=complete)
                for one, place in zip(ones, places, strict=True)
            ]
    return [_measured(thing, masks, lightness, ab) for thing in things]


def _center(mask: NDArray[np.bool_]) -> tuple[float, float]:
    """x and y of the center, as shares of the crop."""
    rows, columns = np.nonzero(mask)
    return float(columns.mean()) / mask.shape[1], float(rows.mean()) / mask.shape[0]


def _absolute(mask: NDArray[np.bool_]) -> str:
    x, _ = _center(mask)
    return "left" if x < 0.35 else "right" if x > 0.65 else ""


def _tell_apart(masks: list[NDArray[np.bool_]]) -> list[str] | None:
    """A place, or a size, for each of two or three things of a kind; None where neither tells them beyond doubt."""
    centers = [_center(mask) for mask in masks]
    xs, ys = [x for x, _ in centers], [y for _, y in centers]
    if len(masks) == 2:
        dx, dy = abs(xs[0] - xs[1]), abs(ys[0] - ys[1])
        areas = [int(mask.sum()) for mask in masks]
        if dx >= APART and dx >= dy:
            return ["left", "right"] if xs[0] < xs[1] else ["right", "left"]
        if dy >= APART and dy > 1.3 * dx:
            return ["top", "bottom"] if ys[0] < ys[1] else ["bottom", "top"]
        if max(areas) >= LARGER * min(areas):
            return ["larger", "smaller"] if areas[0] > areas[1] else ["smaller", "larger"]
    if len(masks) == 3:
        order = sorted(range(3), key=xs.__getitem__)
        if all(xs[after] - xs[before] >= 0.8 * APART for before, after in pairwise(order)):
            return [("left", "middle", "right")[order.index(place)] for place in range(3)]
    return None


def _measured(thing: Thing, masks: NDArray[np.bool_], lightness: Tensor, ab: Tensor) -> Thing:
    """The thing with its means, and its color's word; ``masks`` (K, H, W) are those of all instances."""
    inside = torch.from_numpy(thing.mask)
    level, colors = float(lightness[inside].mean()), ab[:, inside]
    mean = colors.mean(dim=1)
    spread = float((colors - mean[:, None]).norm(dim=0).mean())
    a, b = mean.tolist()
    color = own_color(thing.kind, thing.mask, lightness, ab)
    if len(thing.ones) > 1 and {own_color(thing.kind, masks[one], lightness, ab) for one in thing.ones} - {color, None}:
        color = None  # they differ
    return replace(thing, lightness=level, ab=(a, b), spread=spread, color=color)


def own_color(kind: str, mask: NDArray[np.bool_], lightness: Tensor, ab: Tensor) -> str | None:
    """The word for the color of a thing with a mask (H, W) in a crop with L* (H, W) and ab (2, H, W).

    None where it is unsure, and for kinds whose outlines show something else: clothes, or what is behind.
    """
    if kind in NEVER_PAINTED or kind in SEEN_THROUGH:
        return None
    inside = inner(mask)
    return color_word(lightness.numpy()[inside], ab.numpy()[:, inside])
