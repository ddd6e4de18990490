"""The green of plants, and the blue of skies and water, which photos show as other colors than paint of these names.

From regions of Flickr8k training photos whose captions call them so (55 lawns, 20 skies, 16 waters): the median hue,
and the upper quartile of chroma, for who names a color wants to see it. In the green of a car a lawn looks painted.
"""

from lcoins.color.sides import noun_of
from lcoins.color.word_kinds import word_set

Ab = tuple[float, float]

_PLANTS = word_set(
    """grass grasses lawn field fields meadow meadows turf pasture tree trees leaf leaves foliage bush bushes hedge
    forest forests woods jungle plant plants moss ivy vine vines hill hills"""
)
_SKIES = word_set("sky skies")
_WATERS = word_set("water waters sea ocean lake river pool pond waves")
_NATURAL: dict[str, tuple[tuple[frozenset[str], Ab], ...]] = {
    "green": ((_PLANTS, (-21.0, 38.0)),),
    "blue": ((_SKIES, (-2.0, -36.0)), (_WATERS, (-12.0, -19.0))),
}


def natural_ab(color: str, thing: str) -> Ab | None:
    """CIELAB ab of a color of nature, for a plain color's name and the words that it speaks of; None for all others.

    >>> natural_ab("green", "grass in foreground"), natural_ab("green", "grass skirt")
    ((-21.0, 38.0), None)
    """
    noun = noun_of(thing).rpartition(" ")[2]
    return next((ab for nouns, ab in _NATURAL.get(color, ()) if noun in nouns), None)
