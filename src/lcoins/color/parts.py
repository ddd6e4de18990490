"""Parts of which a word in "-ed" tells: "hair" of "a red-haired girl" and "shirt" of "a blue-shirted man"."""

from collections.abc import Sequence

from lcoins.color.ambiguous_names import PARTS, PARTS_OF_ONE
from lcoins.color.clauses import end_of
from lcoins.color.phrases import Token, word_at
from lcoins.color.verbs import is_done_by
from lcoins.color.word_kinds import PERSONS, word_set

_ANIMALS = word_set(
    "dog dogs puppy puppies cat cats kitten horse horses pony cow cows calf bull bulls goat goats sheep"
)


def part_behind(last: int, tokens: Sequence[Token], colors: set[int]) -> str:
    """What a word behind a color, or behind several, says has it, "hair" of "a red-haired girl"; "" for none.

    Args:
        last: the index of the last word of the color.
        tokens: the words of the sentence.
        colors: the indices of all words of its colors.
    """
    at = last + 1
    while at < len(tokens) and tokens[at].joined and (at in colors or (tokens[at].text == "and" and at + 1 in colors)):
        at += 1
    word = word_at(tokens, at)
    if word not in PARTS or not tokens[at].joined:
        return ""
    if word not in PARTS_OF_ONE and is_done_by(at, tokens):  # "a man in red framed by trees"
        return ""
    whose = {token.text for token in tokens[at + 1 : end_of(last, tokens, colors) + 1]}
    if word == "headed" and not PERSONS.isdisjoint(whose):
        return "hair"
    # The hair of "a golden haired dog" is all of it.
    return "" if word == "haired" and not _ANIMALS.isdisjoint(whose) else PARTS[word]
