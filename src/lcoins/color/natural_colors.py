"""The colors of plants, skies, waters, sand, fur and denim, which photos show as other colors than paint.

From regions of Flickr8k training photos whose captions call them so (55 lawns, 20 skies, 16 waters; 306 brown, 40 tan,
19 golden, 19 yellow, 6 blond and 4 orange animals, 10 brown lawns, 55 sands, 10 jeans): the median hue, and the upper
quartile of chroma, for who names a color wants to see it. In the green of a car a lawn looks painted, and a golden
retriever in the gold of a ring does, too.
"""

from lcoins.color.phrases import ColorPhrase
from lcoins.color.shades import shade_and_base
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
_STRAW, _SAND, _FUR = (3.7, 29.2), (4.1, 19.0), (8.8, 24.0)
_NATURAL: dict[str, tuple[tuple[frozenset[str], Ab], ...]] = {
    "green": ((PLANTS, (-21.0, 38.0)),),
    "blue": ((SKIES, (-2.0, -36.0)), (WATERS, (-12.0, -19.0)), (_DENIM, (2.8, -20.4))),
    "brown": ((_ANIMALS, (10.3, 20.6)), (GRASSES, _STRAW), (SANDS, _SAND)),
    "tan": ((_ANIMALS, _FUR), (GRASSES, _STRAW), (SANDS, _SAND)),
    "yellow": ((_PETS, _FUR), (GRASSES, _STRAW), (SANDS, _SAND)),
    "orange": ((_PETS, (12.1, 27.6)),),
} | dict.fromkeys(("gold", "golden", "golden brown", "blond"), ((_ANIMALS, _FUR), (GRASSES, _STRAW), (SANDS, _SAND)))


def natural_ab(phrase: ColorPhrase, thing: str) -> Ab | None:
    """CIELAB ab of a color of nature, for a color and the words that it speaks of; None for all others.

    A shade, "dark green trees", has the hue of its color, and more or less chroma by the rule of the shade.
    """
    noun = last_noun(thing)
    chroma, color = (1.0, phrase.color) if phrase.color in _NATURAL else shade_and_base(phrase.color)
    ab = next((ab for nouns, ab in _NATURAL.get(color, ()) if noun in nouns), None)
    return ab and (ab[0] * chroma, ab[1] * chroma)
