"""What a sentence names by its owner alone: "the right one's" and "that of the woman on the right", of two dresses."""

from collections.abc import Sequence

from lcoins.color.clauses import begin_of
from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.sides import noun_of, side_in
from lcoins.color.word_kinds import PERSONS, STANDING_FOR


def named_by_owner(
    words: list[str], previous: str, phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]
) -> list[str]:
    """The words that a color speaks of, with the noun of the thing before where they name an owner alone.

    Args:
        words: those that the sentence has for it.
        previous: what the color before speaks of, or "".
        phrase: the color.
        tokens: the words of the sentence.
        colors: the indices of all words of its colors.
    """
    begin = begin_of(phrase.first, tokens, colors, clause=True)
    for at in range(begin, phrase.first - 1):
        if tokens[at].text in ("that", "those") and word_at(tokens, at + 1) == "of":
            side, noun = side_in(words), noun_of(previous.partition(" of ")[0])
            return [side, *noun.split()] if side and noun else words
    if not words or not words[-1].endswith("'s"):
        return words
    owner = words[-1].removesuffix("'s")
    had = previous.rpartition("'s ")[2] if "'s " in previous else noun_of(previous) if owner in PERSONS else ""
    if not had:
        return words if owner in PERSONS | STANDING_FOR else [*words[:-1], owner]  # "the sky's blue"
    return [*words[:-1], *([] if owner in STANDING_FOR else [words[-1]]), *had.split()]
