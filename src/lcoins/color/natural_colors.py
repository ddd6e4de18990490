"""The colors of plants, skies, waters, fur and denim, which photos show as other colors than paint of these names.

From regions of Flickr8k training photos whose captions call them so (55 lawns, 20 skies, 16 waters; 306 brown, 40 tan,
19 golden, 19 yellow, 6 blond and 4 orange animals, 10 brown lawns, 10 jeans): the median hue, and the upper quartile of
chroma, for who names a color wants to see it. In the green of a car a lawn looks painted, and a golden retriever in the
gold of a ring does, too.
"""

from lcoins.color.phrases import ColorPhrase
from lcoins.color.shades import shade_and_base
from lcoins.color.sides import noun_of
from lcoins.color.word_kinds import word_set

Ab = tuple[float, float]

_GRASSES = word_set("grass grasses lawn field fields meadow meadows turf pasture hay reeds")
_PLANTS = _GRASSES | word_set(
    """tree trees leaf leaves foliage bush bushes hedge forest forests woods jungle plant plants moss ivy vine vines
    hill hills"""
)
_SKIES = word_set("sky skies")
_WATERS = word_set("water waters sea ocean lake river pool pond waves")
_PETS = word_set(
    """dog dogs puppy puppies retriever retrievers labrador labradors lab labs terrier terriers hound hounds greyhound
    greyhounds poodle poodles spaniel shepherd collie cat cats kitten kittens"""
)
_ANIMALS = _PETS | word_set(
    """horse horses pony ponies foal donkey cow cows bull bulls calf calves goat goats deer bear bears lion lions monkey
    monkeys rabbit rabbits squirrel squirrels fox foxes camel camels"""
)
_DENIM = word_set("jeans denim")
_STRAW, _FUR = (3.7, 29.2), (8.8, 24.0)
_NATURAL: dict[str, tuple[tuple[frozenset[str], Ab], ...]] = {
    "green": ((_PLANTS, (-21.0, 38.0)),),
    "blue": ((_SKIES, (-2.0, -36.0)), (_WATERS, (-12.0, -19.0)), (_DENIM, (2.8, -20.4))),
    "brown": ((_ANIMALS, (10.3, 20.6)), (_GRASSES, _STRAW)),
    "tan": ((_ANIMALS, _FUR), (_GRASSES, _STRAW)),
    "yellow": ((_PETS, _FUR), (_GRASSES, _STRAW)),
    "orange": ((_PETS, (12.1, 27.6)),),
} | dict.fromkeys(("gold", "golden", "golden brown", "blond"), ((_ANIMALS, _FUR), (_GRASSES, _STRAW)))


def natural_ab(phrase: ColorPhrase, thing: str) -> Ab | None:
    """CIELAB ab of a color of nature, for a color and the words that it speaks of; None for all others.

    A shade, "dark green trees", has the hue of its color, and more or less chroma by the rule of the shade.
    """
    noun = noun_of(thing).rpartition(" ")[2]
    chroma, color = (1.0, phrase.color) if phrase.color in _NATURAL else shade_and_base(phrase.color)
    ab = next((ab for nouns, ab in _NATURAL.get(color, ()) if noun in nouns), None)
    return ab and (ab[0] * chroma, ab[1] * chroma)
