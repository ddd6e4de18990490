"""Nouns that a sentence says once for several colors: "car" of "an old red and a new blue car"."""

from collections.abc import Sequence

from lcoins.color.clauses import end_of
from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.sides import PLACES, noun_of
from lcoins.color.subjects import words_named
from lcoins.color.verbs import is_doing
from lcoins.color.word_kinds import COUNTS, DEGREES, DESCRIBING, DOING, PAINTED, STANDING_FOR, TO_BE, word_set

_DETERMINERS = (word_set("a an"), word_set("the"), COUNTS | word_set("one another"))
_ADJECTIVES = DESCRIBING | PLACES
_MOST = 8  # colors of one noun


def named_behind_next(
    index: int, tokens: Sequence[Token], phrases: Sequence[ColorPhrase], colors: set[int]
) -> list[str]:
    """The words that a color speaks of where their noun stands behind a color after it: "old car" of the first of two.

    So where "and", "or" or a comma joins them, each behind an article or a number of one kind. Else there are none:
    "the wall is a light blue and the brown floor" speaks of one floor.

    Args:
        index: that of the color among ``phrases``.
        tokens: the words of the sentence.
        phrases: its color phrases.
        colors: the indices of all their words.
    """
    last = index
    while last < min(index + _MOST, len(phrases) - 1) and _is_joined(phrases[last], phrases[last + 1], tokens):
        last += 1
    after = phrases[last].last + 1
    if last == index or after >= len(tokens) or not tokens[after].joined:
        return []
    if tokens[after].text in DOING or is_doing(after, tokens):  # "two black and two white playing"
        return []
    end = end_of(phrases[last].last, tokens, colors)
    nouns = words_named(tokens[at].text for at in range(after, end + 1) if at not in colors)
    if not noun_of(" ".join(nouns)) or not STANDING_FOR.isdisjoint(nouns):
        return []
    begin = _determiner(phrases[index], tokens) + 1
    return [*(token.text for token in tokens[begin : phrases[index].first] if token.text in _ADJECTIVES), *nouns]


def _is_joined(one: ColorPhrase, other: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether nothing but "and", "or" or a comma, an article or a number, and adjectives part a color from the next."""
    first, second = _determiner(one, tokens), _determiner(other, tokens)
    joint = one.last + 1
    is_and = tokens[joint].text in ("and", "or")
    if min(first, second) < 0 or second != joint + is_and or not (is_and or "," in tokens[joint].gap):
        return False
    alike = any({tokens[first].text, tokens[second].text} <= kind for kind in _DETERMINERS)
    return alike and word_at(tokens, first - 1) not in TO_BE | PAINTED


def _determiner(phrase: ColorPhrase, tokens: Sequence[Token]) -> int:
    """The index of the article or number before a color and its adjectives; -1 where there is none."""
    at = phrase.first - 1
    while at >= 0 and tokens[at + 1].joined and tokens[at].text in _ADJECTIVES | DEGREES:
        at -= 1
    known = at >= 0 and tokens[at + 1].joined and any(tokens[at].text in kind for kind in _DETERMINERS)
    return at if known else -1
