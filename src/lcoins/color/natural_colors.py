"""The ab that a color takes on a thing: nature, hair, denim and off-whites have other colors in photos than by name.

From regions of Flickr8k training photos whose captions call them so (55 lawns, 20 skies, 16 waters; 306 brown, 40 tan,
19 golden, 19 yellow, 6 blond, 6 red and 4 orange animals, 10 brown lawns, 55 sands, 10 jeans; 33 heads of blond and 15
of brown hair, 10 green and 5 brown waters, 19 beige, 5 khaki and 16 tan things): the median hue, and the upper quartile
of chroma, for who names a color wants to see it. In the green of a car a lawn looks painted, and a golden retriever in
the gold of a ring does, too. Too few regions were found of red hair, birds and cream: these follow red animals, fur and
beige.
"""

from math import hypot

from lcoins.color.lab import ab_at_lightness
from lcoins.color.phrases import ColorPhrase
from lcoins.color.shades import lab_of, shade_and_base
from lcoins.color.sides import last_noun
from lcoins.color.word_kinds import GRASSES, PLANTS, SANDS, SKIES, WATERS, word_set

Ab = tuple[float, float]

_PETS = word_set(
    """dog dogs puppy puppies retriever retrievers labrador labradors lab labs terrier terriers hound hounds greyhound
    greyhounds poodle poodles spaniel shepherd collie cat cats kitten kittens"""
)
_ANIMALS = _PETS | word_set(
    """horse horses pony ponies foal donkey cow cows bull bulls calf calves goat goats deer bear bears lion lions monkey
    monkeys rabbit rabbits squirrel squirrels fox foxes camel camels"""
)
_DENIM = word_set("jeans denim")
_BIRDS = word_set(
    """bird birds duck ducks goose geese owl owls eagle eagles hawk hawks chicken chickens hen hens sparrow sparrows"""
)
_HAIR = word_set("hair beard mustache moustache ponytail ponytails pigtails curls braids")
_STRAW, _SAND, _FUR, _COPPER = (3.7, 29.2), (4.1, 19.0), (8.8, 24.0), (13.9, 29.9)
_FAIR = ((_ANIMALS | _BIRDS, _FUR), (GRASSES, _STRAW), (SANDS, _SAND))
_BLOND = ((_HAIR, (9.6, 29.5)), *_FAIR)
_NATURAL: dict[str, tuple[tuple[frozenset[str], Ab], ...]] = {
    "green": ((PLANTS, (-21.0, 38.0)), (WATERS, (-12.0, 20.0))),
    "blue": ((SKIES, (-2.0, -36.0)), (WATERS, (-12.0, -19.0)), (_DENIM, (2.8, -20.4))),
    "brown": (
        (_ANIMALS | _BIRDS, (10.3, 20.6)),
        (_HAIR, (7.1, 22.0)),
        (GRASSES, _STRAW),
        (SANDS, _SAND),
        (WATERS, (6.0, 22.0)),
    ),
    "yellow": ((_PETS | _HAIR, _FUR), (GRASSES, _STRAW), (SANDS, _SAND)),
    "orange": ((_PETS, (12.1, 27.6)), (_HAIR, _COPPER)),
    "red": ((_HAIR, _COPPER),),  # a red dog may be meant to be as red as paint
    "tan": _FAIR,
    **dict.fromkeys(("blond", "gold", "golden", "golden brown"), _BLOND),
    **dict.fromkeys(("auburn", "reddish", "reddish brown", "rust"), ((_ANIMALS | _HAIR, _COPPER),)),
}
# Of all else. The survey's values of the off-whites are greenish on what is not nearly white.
_OF_ANYTHING: dict[str, Ab] = {
    **dict.fromkeys(("beige", "cream", "ivory"), (3.2, 16.7)),
    "off white": (2.6, 13.4),
    "khaki": (6.5, 17.9),
    "tan": (8.7, 34.9),
}


def ab_on(phrase: ColorPhrase, thing: str, lightness: float) -> Ab:
    """CIELAB ab that a color takes on what it speaks of, which has this mean L*.

    That of photos, where they show another color than the name has; else that of the name, its hue kept at this
    lightness. A light or pale color is paler than the color without that word.
    """
    if natural := natural_ab(phrase, thing):
        return natural
    a, b = ab_at_lightness(phrase.lab, lightness)
    if phrase.color.startswith(("light ", "pale ")):
        share, base = shade_and_base(phrase.color)
        most = share * hypot(*lab_of(base)[1:])
        paler = min(1.0, most / max(hypot(a, b), 1e-6))
        a, b = a * paler, b * paler
    return a, b


def natural_ab(phrase: ColorPhrase, thing: str) -> Ab | None:
    """CIELAB ab of a color that photos show, for a color and the words that it speaks of; None for all others.

    A shade, "dark green trees", has the hue of its color, and more or less chroma by the rule of the shade.
    """
    noun, color, chroma = last_noun(thing), phrase.color, 1.0
    if color not in _NATURAL.keys() | _OF_ANYTHING.keys():
        chroma, color = shade_and_base(color)
    ab = next((ab for nouns, ab in _NATURAL.get(color, ()) if noun in nouns), _OF_ANYTHING.get(color))
    return ab and (ab[0] * chroma, ab[1] * chroma)
