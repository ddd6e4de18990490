"""What a description can speak of in a whole photo: its things, some told apart by a neighbor, and its background."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lcoins.color.words import find_colors
from lcoins.data.coco_instances import CroppedInstances, disjoint
from lcoins.data.color_naming import grown
from lcoins.data.things import NEVER_PAINTED, Thing, find_things, own_color

# Background by its name, COCO-Stuff's without "-other" and the like: how it is said with a color put in, the
# preposition of things that stand on it, and what stands before and after it where they do not.
BACKGROUND: dict[str, tuple[str, str, str, str]] = {
    "sky": ("a {} sky", "", "under", ""),
    "grass": ("{} grass", "on", "with", "around"),
    "sand": ("{} sand", "on", "with", "around"),
    "snow": ("{} snow", "on", "with", "around"),
    "dirt": ("{} dirt", "on", "with", "around"),
    "gravel": ("{} gravel", "on", "with", "around"),
    "water": ("{} water", "on", "with", "around"),
    "sea": ("a {} sea", "on", "by", ""),
    "river": ("a {} river", "on", "by", ""),
    "road": ("a {} road", "on", "near", ""),
    "pavement": ("a {} pavement", "on", "near", ""),
    "playingfield": ("a {} field", "on", "near", ""),
    "floor": ("a {} floor", "on", "with", ""),
    "wall": ("a {} wall", "", "in front of", ""),
    "tree": ("{} trees", "", "with", "around"),
    "bush": ("{} bushes", "", "with", "around"),
    "mountain": ("{} mountains", "", "with", "in the background"),
    "hill": ("{} hills", "", "with", "in the background"),
    "building": ("a {} building", "", "near", ""),
}
# Names that are neither: COCO-Stuff's materials, parts and collections, and parts of a person.
_NO_THINGS = """branch cage cardboard ceiling cloth clothes clouds counter fog food fruit furniture ground house leaves
light metal moss mud net paper plant plastic platform railing roof salad shelf skyscraper solid stairs stone straw
structural textile vegetable waterdrops wood window door rock railroad hair skin face skins"""
_UNSAID = frozenset(_NO_THINGS.split())
_ENDINGS = re.compile(r"-(other|merged|stuff)\b.*|[ _]*\(.*\)$")
SEEN = 0.04  # share of the photo: less background is not spoken of
TOUCHING, AWAY = 0.02, 0.1  # of the photo's side: the gaps between neighbors, and between things that are none
AS_ONE = 0.8  # how often several of a kind and a color are "three red cars", not each told by its place
UNDER = 0.25  # share of the pixels right below a thing that belong to what it stands on


@dataclass(frozen=True)
class SceneParts:
    """The things of a photo and its background, each kind of which is one thing. Both may be empty."""

    things: Sequence[Thing]
    background: Sequence[Thing]


def spoken_kind(name: str) -> str | None:
    """A category's name as a sentence has it, or None where it would name no thing, or a color.

    >>> spoken_kind("wall-brick"), spoken_kind("Traffic_light"), spoken_kind("orange"), spoken_kind("textile-other")
    ('wall', 'traffic light', None, None)
    """
    kind = _ENDINGS.sub("", name.replace("_", " ").lower()).strip()
    base = kind.split("-")[0]
    kind = base if base in BACKGROUND or base in _UNSAID else kind
    if not kind or kind in _UNSAID or kind.startswith("human ") or find_colors(kind):
        return None
    return kind


def find_parts(found: CroppedInstances, lightness: Tensor, ab: Tensor, rng: random.Random) -> SceneParts:
    """The parts of a photo with L* (H, W) and ab (2, H, W), measured, with the words for their colors."""
    kinds = [spoken_kind(name) for name in found.names]
    is_background = [kind in BACKGROUND for kind in kinds]
    ours = [index for index, kind in enumerate(kinds) if kind is not None and not is_background[index]]
    chosen = CroppedInstances(
        tuple(str(kinds[index]) for index in ours), found.masks[ours], tuple(found.crowd[index] for index in ours)
    )
    things = [
        replace(thing, ones=tuple(ours[one] for one in thing.ones))
        for thing in find_things(chosen, lightness, ab, rng, tell=1)
    ]
    free = ~np.logical_or.reduce([*found.masks[[not back for back in is_background]], np.zeros(ab.shape[1:], bool)])
    background = []
    for kind in dict.fromkeys(kind for kind, back in zip(kinds, is_background, strict=True) if back):
        ones = tuple(index for index, other in enumerate(kinds) if other == kind)
        mask = np.logical_or.reduce(found.masks[list(ones)]) & free
        if mask.mean() >= SEEN:
            color = own_color(str(kind), mask, lightness, ab)
            background.append(Thing(str(kind), mask, color=color, ones=ones))
    return SceneParts(_told_by_neighbors(_joined(things, rng), found, lightness, ab), background)


def _joined(things: Sequence[Thing], rng: random.Random) -> list[Thing]:
    """Things of a kind as one where their places tell nothing: people, and those of one color or of none."""
    by_kind: dict[str, list[Thing]] = {}
    for thing in things:
        by_kind.setdefault(thing.kind, []).append(thing)
    result = []
    for kind, several in by_kind.items():
        colors = {thing.color for thing in several}
        pointless = kind in NEVER_PAINTED or colors == {None} or (len(colors) == 1 and rng.random() < AS_ONE)
        if len(several) == 1 or not pointless:
            result += [replace(thing, place="") if kind in NEVER_PAINTED else thing for thing in several]
            continue
        mask = np.logical_or.reduce([thing.mask for thing in several])
        ones = tuple(one for thing in several for one in thing.ones)
        level = float(np.mean([thing.lightness for thing in several]))
        result.append(replace(several[0], mask=mask, plural=True, place="", lightness=level, ones=ones))
    return result


def _told_by_neighbors(things: list[Thing], found: CroppedInstances, lightness: Tensor, ab: Tensor) -> list[Thing]:
    """Where exactly one of several touches a thing whose color is known, that one alone, instead of all as one."""
    masks = disjoint(found.masks)
    landmarks = [thing for thing in things if thing.unique and thing.complete and thing.color is not None]
    result = []
    for thing in things:
        told = None
        if thing.color is None and len(thing.ones) > 1 and thing.complete and thing.kind not in NEVER_PAINTED:
            told = next(
                filter(None, (_beside(thing, mark, masks) for mark in landmarks if mark.kind != thing.kind)), None
            )
        if told is not None:
            thing = replace(told, color=own_color(told.kind, told.mask, lightness, ab))
        result.append(thing)
    return result


def _beside(several: Thing, mark: Thing, masks: NDArray[np.bool_]) -> Thing | None:
    side = masks.shape[-1]
    close = [one for one in several.ones if near(masks[one], mark.mask, TOUCHING * side)]
    others = [one for one in several.ones if one not in close]
    if len(close) != 1 or any(near(masks[one], mark.mask, AWAY * side) for one in others):
        return None
    return replace(several, mask=masks[close[0]], plural=False, ones=(close[0],), beside=mark)


def near(first: NDArray[np.bool_], second: NDArray[np.bool_], gap: float) -> bool:
    """Whether two masks (H, W) are at most ``gap`` pixels apart, counted along rows and columns."""
    return bool((grown(first, max(1, round(gap))) & second).any())


def stands_on(thing: Thing, ground: Thing) -> bool:
    """Whether what is right below a thing is mostly the ground."""
    below = np.zeros_like(thing.mask)
    reach = max(2, thing.mask.shape[0] // 40)
    below[reach:] = thing.mask[:-reach]
    below &= ~thing.mask
    rows = np.nonzero(thing.mask.any(axis=1))[0]
    below[: (rows[0] + rows[-1]) // 2] = False  # the lower half of the thing
    return bool(below.any()) and float(ground.mask[below].mean()) >= UNDER
