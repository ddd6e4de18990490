"""Names that grounding is asked beside those of a sentence. Ours, not the paper's; no part of its protocol.

Grounding learned the names of things that masks show. A rare name, "jeep" or "bathrobe", is found worse than the usual
one, and what is worn on the head is taken for what the same person wears below.
"""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lcoins.color.sides import PLACE_WORDS
from lcoins.color.word_kinds import WORN_ABOVE, WORN_BELOW, WORN_ON_FEET, WORN_ON_HEAD
from lcoins.models.grounding import FOUND, SaidColor

# On masks of photos of COCO and of varied ones these rare names lose 0.1 to 0.5 of overlap against the usual one.
USUAL = {
    "jeep": "car",
    "van": "car",
    "coach": "bus",
    "tram": "train",
    "trolley": "train",
    "streetcar": "train",
    "scooter": "motorcycle",
    "moped": "motorcycle",
    "gull": "bird",
    "swan": "bird",
    "stool": "chair",
    "seat": "chair",
    "desk": "dining table",
    "counter": "dining table",
    "parasol": "umbrella",
    "jug": "vase",
    "jar": "bottle",
    "beaker": "cup",
    "houseplant": "potted plant",
}
_USUALLY_WORN = (
    (WORN_ABOVE, ("shirt", "sweater", "jacket", "coat", "clothes")),
    (WORN_BELOW, ("trousers", "jeans", "shorts")),
    (WORN_ON_FEET, ("shoes", "boots")),
)
_BELOW_HEADS = ("shirt", "jacket", "coat", "clothes", "trousers", "shoes")
_CONTRAST = 4  # power of the probabilities by which a hat and what is worn below it share a cell

Asked = list[tuple[int, str]]


def places_by_names(
    said: Sequence[SaidColor], grounded: Callable[[Asked], Float[Tensor, "n s s"]]
) -> Float[Tensor, "k s s"]:
    """The probability, 0..1, that a pixel belongs to what each color speaks of, by its name and others.

    Of a rare name and the usual one the surer is kept, unless the sentence names both. A piece of clothing that is not
    found goes by the names of others that are worn so, where the sentence names no other there. The place of what is
    worn on the head is less where other clothes are surer.

    Args:
        said: the colors, ordered by their captions.
        grounded: gives the places of names, each with the number of its caption, in ascending order of these.
    """
    beside = [_beside(color, [other for other in said if other.caption == color.caption]) for color in said]
    asked = {
        (color.caption, name) for color, others in zip(said, beside, strict=True) for name in (color.name, *others)
    }
    names = sorted(asked)
    maps = dict(zip(names, grounded(names), strict=True))
    places = []
    for color, others in zip(said, beside, strict=True):
        place = maps[color.caption, color.name]
        alternatives = [maps[color.caption, name] for name in others]
        if alternatives and color.noun in WORN_ON_HEAD:
            place = _against(place, torch.stack(alternatives).amax(dim=0))
        elif alternatives and (color.noun in USUAL or float(place.amax()) < FOUND):
            place = max(place, *alternatives, key=lambda one: float(one.amax()))
        places.append(place)
    return torch.stack(places)


def _beside(color: SaidColor, said: Sequence[SaidColor]) -> list[str]:
    """The names that are asked beside that of a color, among the colors of one caption."""
    word = color.noun
    others = {other.noun for other in said} - {word}
    if word in WORN_ON_HEAD:
        return [*_BELOW_HEADS]
    usual = [name for worn, names in _USUALLY_WORN if word in worn and others.isdisjoint(worn) for name in names]
    if word in USUAL and USUAL[word].rpartition(" ")[2] not in others:
        usual = [USUAL[word]]
    place = [part for part in color.name.split() if part == word or part in PLACE_WORDS]
    return [" ".join(name if part == word else part for part in place) for name in usual if name != word]


def _against(place: Float[Tensor, "s s"], others: Float[Tensor, "s s"]) -> Float[Tensor, "s s"]:
    """A place, less where others are surer, as sure as before where it is surest."""
    left = place * place.pow(_CONTRAST) / (place.pow(_CONTRAST) + others.pow(_CONTRAST)).clamp(min=1e-9)
    return left * (place.amax() / left.amax().clamp(min=1e-6))
