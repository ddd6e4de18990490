"""Shades and forms of a named color: "pale crimson", "reddish", "bluish green", and the painted name nearest to it.

The table of :mod:`lcoins.color.names` comes first. A combination that it lacks is computed from its base by the rule of
its shade, whose figures are medians over the shades of the table, against the survey's own basic colors.
"""

import math
from typing import NamedTuple

from lcoins.color.names import ISH, KNOWN_LAB, PAINTED_LAB, Lab


class _Rule(NamedTuple):
    """L* moves by ``lift`` of its way to white, or of its way to black where negative; chroma takes a factor."""

    lift: float
    chroma: float


_RULES = {
    "light": _Rule(0.52, 0.83),
    "dark": _Rule(-0.49, 0.61),
    "pale": _Rule(0.48, 0.6),
    "deep": _Rule(-0.41, 0.74),
    "bright": _Rule(0.17, 1.11),
    "ish": _Rule(0.0, 0.6),  # reddish is paler than red
}
_MIXED = 1 / 3  # how much of blue is in bluish green
# What people write for a shade. Nothing is painted with these words, so they are read as the shade.
SHADE_WORDS = {
    "light": "light",
    "lighter": "light",
    "dark": "dark",
    "darker": "dark",
    "darkish": "dark",
    "pale": "pale",
    "paler": "pale",
    "pastel": "pale",
    "faded": "pale",
    "deep": "deep",
    "bright": "bright",
    "brighter": "bright",
    "vivid": "bright",
    "brilliant": "bright",
    "neon": "bright",
    "fluorescent": "bright",
    "rich": "deep",
    "medium": "",
    "warm": "",
    "pure": "",
    "plain": "",
    "solid": "",
    "half": "",
}
ISH_WORDS = {form: color for color, form in ISH.items()} | {
    "orangeish": "orange",
    "blueish": "blue",
    "purpleish": "purple",
    "whitish": "white",
    "blackish": "black",
    "grayish": "gray",
    "greyish": "gray",
}
PAINTED_WORDS = {word for name in PAINTED_LAB for word in name.split()} | {*ISH.values()}


def lab_of(name: str) -> Lab:
    """CIELAB of a name as :mod:`lcoins.color.phrases` writes it: shades, forms in "-ish", and a name of the table.

    Raises KeyError for a name that ends in none of these.

    >>> lab_of("red"), lab_of("pale red"), lab_of("pale crimson")
    ((45.0, 62.0, 42.0), (53.6, 51.7, 31.5), (62.8, 30.9, 21.1))
    """
    if name in KNOWN_LAB:
        return KNOWN_LAB[name]
    if name in ISH_WORDS:
        return _shaded(KNOWN_LAB[ISH_WORDS[name]], _RULES["ish"])
    first, _, rest = name.partition(" ")
    if first in _RULES and rest:
        return _shaded(lab_of(rest), _RULES[first])
    if first in ISH_WORDS and rest:
        tint = KNOWN_LAB[ISH_WORDS[first]]
        mixed = [own + _MIXED * (other - own) for own, other in zip(lab_of(rest), tint, strict=True)]
        return _rounded(*mixed)
    raise KeyError(name)


def shade_and_base(name: str) -> tuple[float, str]:
    """The factor that the shade of a name puts to chroma, and the name of its base; 1 and the name where it has none.

    >>> shade_and_base("dark green"), shade_and_base("green")
    ((0.61, 'green'), (1.0, 'green'))
    """
    first, _, rest = name.partition(" ")
    return (_RULES[first].chroma, rest) if first in _RULES and rest else (1.0, name)


def _shaded(lab: Lab, rule: _Rule) -> Lab:
    lightness, a, b = lab
    lifted = lightness + rule.lift * (100 - lightness if rule.lift > 0 else lightness)
    return _rounded(lifted, a * rule.chroma, b * rule.chroma)


def _rounded(lightness: float, a: float, b: float) -> Lab:
    return round(lightness, 1), round(a, 1), round(b, 1)


def painted_name(name: str) -> str:
    """The name itself if training paints with each of its words, else the painted name that is nearest in CIELAB.

    >>> painted_name("pale crimson"), painted_name("hunter green")
    ('pale crimson', 'forest green')
    """
    if set(name.split()) <= PAINTED_WORDS:
        return name
    if name in ISH_WORDS:  # "whitish" is a white, whatever lies nearer to its value
        return ISH_WORDS[name]
    lab = lab_of(name)
    return min(PAINTED_LAB, key=lambda other: math.dist(PAINTED_LAB[other], lab))
