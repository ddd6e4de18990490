"""Which words of a sentence tell what a thing does, and are no part of its name: "driving", "rides", "parked by"."""

from collections.abc import Sequence

from lcoins.color.phrases import Token, word_at
from lcoins.color.word_kinds import (
    ARTICLES,
    COUNTS,
    DOING,
    INDEFINITE,
    JOINTS,
    NO_NOUN,
    PERSONS,
    PLURALS_WORN,
    PREPOSITIONS,
    WORN_ABOVE,
    WORN_BELOW,
    WORN_ON_HEAD,
    word_set,
)
from lcoins.color.words import BASIC_COLORS

# Nouns in "-ing"; any other word in "-ing" begins to tell what a thing does.
_NOUNS_IN_ING = word_set(
    """building ceiling clothing painting wedding earring string railing awning frosting icing topping pudding
    lightning lighting sibling dumpling stocking sling swing spring siding flooring drawing bedding thing"""
)
# Words in "-ing" that are nouns before a noun alone: "a sleeping bag".
_BEFORE_NOUNS = word_set(
    """rocking rowing bathing sleeping cooking swimming parking dining living sewing washing boxing skiing hunting
    fishing racing"""
)
_NOUNS_IN_ED = word_set("moped sunbed flowerbed daybed seabed newlywed hundred")
_AFTER_VERBS = (
    ARTICLES
    | INDEFINITE
    | PREPOSITIONS
    | COUNTS
    | {"another", "away", "around", "quickly", "happily", "outdoors", "indoors"}
)
# Of these, and of what "a" or "an" opens, a word in "-s" is a verb.
_DOING_ONE = {*(WORN_ABOVE | WORN_BELOW | WORN_ON_HEAD) - PLURALS_WORN, "dog", "puppy"}
_BEFORE_NOUN = word_set("and light dark little small big large bright")


def tells_what_it_does(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a word is a verb or a participle: "driving", "rides a bike", "parked by the road"."""
    word, before, after = (word_at(tokens, at) for at in (index, index - 1, index + 1))
    if word in DOING:
        if _is_said_of_later(index, tokens):  # "the water slides in the park are blue"
            return False
        by_many = word.endswith("s") or before.endswith("s") or before in PERSONS
        return by_many and before not in ARTICLES and (after in _AFTER_VERBS or index + 1 in colors)
    return is_done_by(index, tokens) or is_doing(index, tokens) or _is_done_by_one(index, tokens, colors)


def _is_done_by_one(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a word in "-s" is what a single thing does: "a dog in a red vest races", not "a red shirt and socks"."""
    word, before, after = (word_at(tokens, at) for at in (index, index - 1, index + 1))
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")) or word in PLURALS_WORN:
        return False
    if not tokens[index].joined or (before.endswith("s") and not before.endswith("ss")):
        return False
    if _is_said_of_later(index, tokens):
        return False
    first = index - 1
    while first > 0 and first not in colors:
        first -= 1
    while first > 0 and (first - 1 in colors or tokens[first - 1].text in _BEFORE_NOUN):
        first -= 1
    is_one = before in _DOING_ONE or word_at(tokens, first - 1) in ("a", "an")
    goes_on = after and tokens[index + 1].joined and after not in _AFTER_VERBS | {"and", "while", "as", "hands"}
    return is_one and (not goes_on or index + 1 in colors)


def _is_said_of_later(index: int, tokens: Sequence[Token]) -> bool:
    """Whether a form of "to be" follows in the same clause, so that no word before it is its verb."""
    for token in tokens[index + 1 :]:
        if not token.joined or token.text in JOINTS:
            return False
        if token.text in ("is", "are", "was", "were"):
            return True
    return False


def is_done_by(index: int, tokens: Sequence[Token]) -> bool:
    """Whether a word is a participle that tells more of a thing: "surrounded by trees", "parked on the road"."""
    word, after = tokens[index].text, word_at(tokens, index + 1)
    return len(word) > 4 and word.endswith("ed") and word not in _NOUNS_IN_ED and after in PREPOSITIONS


def is_doing(index: int, tokens: Sequence[Token]) -> bool:
    """Whether a word in "-ing" begins to tell what a thing does, and is no "building" and no "sleeping bag"."""
    word, after = tokens[index].text, word_at(tokens, index + 1)
    if word in _BEFORE_NOUNS and after not in NO_NOUN | {""} and tokens[index + 1].joined and after not in BASIC_COLORS:
        return False
    return len(word) > 4 and word.endswith("ing") and word not in _NOUNS_IN_ING
