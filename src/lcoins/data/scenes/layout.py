"""What a drawn scene contains: its objects, their places, sizes, patterns and colors.

Lengths and positions are fractions of the picture's side, x to the right and y downwards, so that one plan serves every
picture size. All randomness comes from the generator that the caller passes. Nothing here touches a pixel.
"""

import random
from dataclasses import dataclass
from typing import Literal

# Natural CIELAB (L*, a*, b*) of each color word that a scene uses: yellow is bright, purple dark. Softer than a color
# chart, so that shading and jitter stay inside sRGB; any two lie at least 30 apart in ab.
SCENE_COLORS: dict[str, tuple[float, float, float]] = {
    "red": (50.0, 54.0, 31.0),
    "orange": (68.0, 31.0, 60.0),
    "yellow": (82.0, -5.0, 66.0),
    "green": (55.0, -44.0, 38.0),
    "teal": (52.0, -30.0, -8.0),
    "blue": (36.0, 10.0, -47.0),
    "purple": (32.0, 44.0, -46.0),
    "pink": (71.0, 44.0, -5.0),
    "brown": (31.0, 14.0, 28.0),
    "gray": (60.0, 0.0, 0.0),
}

# Ranges of L* in the ordinary splits: as in photographs the colors overlap, but yellow is bright and purple dark.
NATURAL_LIGHTNESS: dict[str, tuple[float, float]] = {
    "red": (30.0, 60.0),
    "orange": (57.0, 68.0),
    "yellow": (62.0, 84.0),
    "green": (35.0, 72.0),
    "teal": (34.0, 70.0),
    "blue": (22.0, 54.0),
    "purple": (20.0, 50.0),
    "pink": (52.0, 76.0),
    "brown": (20.0, 48.0),
    "gray": (42.0, 80.0),
}

# Ranges of L* at least 25 away from the natural one. There, too, sRGB allows so much chroma that every color stays
# nearer to its own word than to another.
CONTRADICTING_LIGHTNESS: dict[str, tuple[tuple[float, float], ...]] = {
    "red": ((21.0, 25.0),),
    "orange": ((37.0, 43.0),),
    "yellow": ((40.0, 57.0),),
    "green": ((18.0, 29.0), (80.0, 87.0)),
    "teal": ((23.0, 27.0), (77.0, 87.0)),
    "blue": ((61.0, 82.0),),
    "purple": ((57.0, 77.0),),
    "pink": ((20.0, 45.0),),
    "brown": ((56.0, 88.0),),
    "gray": ((18.0, 35.0),),
}

KINDS = ("circle", "square", "triangle", "star", "ring", "cross", "heart", "moon")
PATTERNS = ("plain", "striped", "dotted", "checked")
# One pair of color and kind for each color: the split "unobserved" draws only these, the other splits never do.
HELD_OUT: dict[str, str] = {
    "red": "moon",
    "orange": "square",
    "yellow": "ring",
    "green": "heart",
    "teal": "circle",
    "blue": "star",
    "purple": "triangle",
    "pink": "cross",
    "brown": "ring",
    "gray": "star",
}
COUNT_WEIGHTS = {2: 6, 3: 3, 4: 2}  # number of objects -> how often, in all splits but "many"
MANY_WEIGHTS = {4: 1, 5: 1, 6: 1}
DIAMETERS = {"small": (0.22, 0.245), "": (0.275, 0.297), "big": (0.38, 0.44)}
# Where an object has half of the picture.
ROOMY_DIAMETERS = {"small": (0.26, 0.285), "": (0.34, 0.37), "big": (0.43, 0.46)}
GAP = 0.035  # between two objects

_HALVES = {
    "left": (0.0, 0.0, 0.5, 1.0),
    "right": (0.5, 0.0, 1.0, 1.0),
    "top": (0.0, 0.0, 1.0, 0.5),
    "bottom": (0.0, 0.5, 1.0, 1.0),
}
_QUARTERS = {
    "top left": (0.0, 0.0, 0.5, 0.5),
    "top right": (0.5, 0.0, 1.0, 0.5),
    "bottom left": (0.0, 0.5, 0.5, 1.0),
    "bottom right": (0.5, 0.5, 1.0, 1.0),
}
_TOP, _BOTTOM, _LEFT, _RIGHT = (
    {"top": (0.2, 0.0, 0.8, 0.5)},
    {"bottom": (0.2, 0.5, 0.8, 1.0)},
    {"left": (0.0, 0.2, 0.5, 0.8)},
    {"right": (0.5, 0.2, 1.0, 0.8)},
)
_THIRD = 1 / 3

Box = tuple[float, float, float, float]


def _only(word: str) -> dict[str, Box]:
    return {place: box for place, box in _QUARTERS.items() if word in place}


# Number of objects -> arrangements. Each maps a place to its box (x0, y0, x1, y1), so that the place is always true.
ARRANGEMENTS: dict[int, tuple[dict[str, Box], ...]] = {
    2: (
        {place: _HALVES[place] for place in ("left", "right")},
        {place: _HALVES[place] for place in ("top", "bottom")},
    ),
    3: (
        {"left": (0, 0, _THIRD, 1), "middle": (_THIRD, 0, 1 - _THIRD, 1), "right": (1 - _THIRD, 0, 1, 1)},
        {"top": (0, 0, 1, _THIRD), "middle": (0, _THIRD, 1, 1 - _THIRD), "bottom": (0, 1 - _THIRD, 1, 1)},
        _TOP | _only("bottom"),
        _BOTTOM | _only("top"),
        _LEFT | _only("right"),
        _RIGHT | _only("left"),
    ),
    4: (_QUARTERS,),
    # Five and six are in the split "many" only.
    5: (
        {
            "top left": (0, 0, _THIRD, _THIRD),
            "top right": (1 - _THIRD, 0, 1, _THIRD),
            "middle": (_THIRD, _THIRD, 1 - _THIRD, 1 - _THIRD),
            "bottom left": (0, 1 - _THIRD, _THIRD, 1),
            "bottom right": (1 - _THIRD, 1 - _THIRD, 1, 1),
        },
    ),
    6: (
        {
            "top left": (0, 0, _THIRD, 0.5),
            "top": (_THIRD, 0, 1 - _THIRD, 0.5),
            "top right": (1 - _THIRD, 0, 1, 0.5),
            "bottom left": (0, 0.5, _THIRD, 1),
            "bottom": (_THIRD, 0.5, 1 - _THIRD, 1),
            "bottom right": (1 - _THIRD, 0.5, 1, 1),
        },
        {
            "top left": (0, 0, 0.5, _THIRD),
            "left": (0, _THIRD, 0.5, 1 - _THIRD),
            "bottom left": (0, 1 - _THIRD, 0.5, 1),
            "top right": (0.5, 0, 1, _THIRD),
            "right": (0.5, _THIRD, 1, 1 - _THIRD),
            "bottom right": (0.5, 1 - _THIRD, 1, 1),
        },
    ),
}

DistinguishedBy = Literal["place", "size", "pattern", "kind"]


@dataclass(frozen=True)
class SceneObject:
    """``size`` is "small", "big" or "" (neither), ``lab`` the mean color, ``angle`` a small turn in radians."""

    kind: str
    color: str
    pattern: str
    size: str
    place: str
    center: tuple[float, float]
    diameter: float
    angle: float
    lab: tuple[float, float, float]


def plan_scene(split: str, rng: random.Random) -> tuple[tuple[SceneObject, ...], DistinguishedBy]:
    """Draws the objects of a scene, of different colors, and by what their sentence tells them apart.

    They are two to four, in "many" four to six. Objects of one kind differ in the attribute that is returned; it is
    "kind" only where no kind occurs twice. No two objects have the same place. In "unobserved" every object is a pair
    of :data:`HELD_OUT`; elsewhere none is.
    """
    counts = MANY_WEIGHTS if split == "many" else COUNT_WEIGHTS
    (count,) = rng.choices(tuple(counts), weights=tuple(counts.values()))
    repeats = split == "instances" or (split in ("train", "val", "many") and rng.random() < 0.5)
    alike = rng.randint(2, min(count, len(PATTERNS))) if repeats else 0
    distinguished_by: DistinguishedBy = rng.choice(_distinctions(alike, count))
    kinds, colors = _draw_held_out(count, rng) if split == "unobserved" else _draw_known(count, alike, rng)
    patterns = rng.sample(PATTERNS, alike) if distinguished_by == "pattern" else []
    patterns += [rng.choice(("plain", *PATTERNS)) for _ in range(count - len(patterns))]
    arrangement = rng.choice([a for a in ARRANGEMENTS[count] if distinguished_by != "size" or not _is_narrow(a)])
    free_sizes = ("small", "") if _is_narrow(arrangement) else ("small", "", "big")
    sizes = rng.sample(("small", "big"), 2) if distinguished_by == "size" else []
    sizes += [rng.choice(free_sizes) for _ in range(count - len(sizes))]
    places = rng.sample(tuple(arrangement), count)
    objects = tuple(
        _place_object(kind, color, pattern, size, place, arrangement[place], split == "counter", rng)
        for kind, color, pattern, size, place in zip(kinds, colors, patterns, sizes, places, strict=True)
    )
    return objects, distinguished_by


def _draw_known(count: int, alike: int, rng: random.Random) -> tuple[list[str], list[str]]:
    """Kinds, the first ``alike`` of them the same, and different colors; no pair of them is held out."""
    kinds = rng.sample(KINDS, count - alike + min(alike, 1))
    kinds = [kinds[0]] * alike + kinds[min(alike, 1) :]
    while True:
        colors = rng.sample(tuple(SCENE_COLORS), count)
        if all(HELD_OUT[color] != kind for color, kind in zip(colors, kinds, strict=True)):
            return kinds, colors


def _draw_held_out(count: int, rng: random.Random) -> tuple[list[str], list[str]]:
    """Kinds, all different, and their held-out colors."""
    while True:
        colors = rng.sample(tuple(HELD_OUT), count)
        kinds = [HELD_OUT[color] for color in colors]
        if len(set(kinds)) == count:
            return kinds, colors


def _distinctions(alike: int, count: int) -> tuple[DistinguishedBy, ...]:
    """What can tell objects apart of which ``alike`` are of one kind; big ones have no room among five."""
    if alike == 0:
        return ("kind", "place")
    return ("place", "pattern", "size") if alike == 2 and count < 5 else ("place", "pattern")


def _is_narrow(arrangement: dict[str, Box]) -> bool:
    """Whether the boxes are too narrow for a big object."""
    return any(min(x1 - x0, y1 - y0) < 0.4 for x0, y0, x1, y1 in arrangement.values())


def _place_object(
    kind: str, color: str, pattern: str, size: str, place: str, box: Box, contradict: bool, rng: random.Random
) -> SceneObject:
    x0, y0, x1, y1 = box
    roomy = (x1 - x0) * (y1 - y0) == 0.5
    diameter = rng.uniform(*(ROOMY_DIAMETERS if roomy else DIAMETERS)[size])
    reach = (diameter + GAP) / 2
    center = (rng.uniform(x0 + reach, x1 - reach), rng.uniform(y0 + reach, y1 - reach))
    angle = rng.uniform(-0.15, 0.15)
    return SceneObject(kind, color, pattern, size, place, center, diameter, angle, _draw_lab(color, contradict, rng))


def _draw_lab(color: str, contradict: bool, rng: random.Random) -> tuple[float, float, float]:
    """The color's ab with a jitter of a few units, and a lightness that is natural for it or contradicts it."""
    _, a, b = SCENE_COLORS[color]
    ranges = CONTRADICTING_LIGHTNESS[color] if contradict else (NATURAL_LIGHTNESS[color],)
    lightness = rng.uniform(*rng.choice(ranges))
    return lightness, a + rng.uniform(-3, 3), b + rng.uniform(-3, 3)
