"""What a sentence denies, "not red" and "do not paint it red", and the sentence without it."""

from collections.abc import Sequence
from dataclasses import replace

from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.word_kinds import (
    ARTICLES,
    COLORING,
    COMMANDS,
    DEGREES,
    DOING,
    DRESSED,
    JOINTS,
    PAINTED,
    PREPOSITIONS,
    PRONOUNS,
    TO_BE,
    word_set,
)

_NEGATIONS = frozenset(("not", "no", "never", "nobody", "without", "neither", "nor", "nothing", "none", "cannot"))
_NEGATIONS_OF_TWO = frozenset(
    (("instead", "of"), ("rather", "than"), ("other", "than"), ("anything", "but"), ("free", "of"))
)
# Between a negation and what it denies: "not a very red car", "without any green".
_FILLERS = DEGREES | word_set(
    """like want need wears wear one a an the any some at longer much many either painted colored coloured is are was be
    been of them it in dyed wearing have has this that exactly single ever"""
)
_NO_ONE = word_set("no none neither nobody nothing")

_FORBIDDEN = COMMANDS - {"have"}
_ENDS = DOING | {"but", "and"}  # of what is forbidden
_FAR = 24  # words before a color in which "do not make" and "none of" are looked for
_BEFORE_A_PREDICATE = DEGREES | PAINTED | word_set("in be been being a an ever")


def negation(phrase: ColorPhrase, tokens: Sequence[Token]) -> int | None:
    """The index of the first word to leave out with a phrase that is denied, or None where it is not."""
    index = phrase.first
    while index > 0 and tokens[index].joined:
        index -= 1
        word = tokens[index].text
        if word == "from" and word_at(tokens, phrase.last + 1) == "to":  # "change it from white to green"
            return index if _is_demand(tokens[:index]) else None
        pair = (tokens[index - 1].text if index else "", word)
        if pair == ("far", "from") and (index == 1 or tokens[index - 2].text in TO_BE):
            return index - 1
        if pair in _NEGATIONS_OF_TWO:
            return index - 1
        if word in _NEGATIONS or word.endswith("n't"):
            only = tokens[index + 1].text in ("only", "just")
            return None if only else index
        if word not in _FILLERS:
            break
    if _forbidden(phrase, tokens):
        return phrase.first
    return _said_of_none(phrase, tokens)


def _is_demand(tokens: Sequence[Token]) -> bool:
    """Whether words begin a demand: "change the wall", "can you turn it", but not "the leaves turn"."""
    begins = ("please", "you", "to", "and")
    return any(
        token.text in COLORING and (at == 0 or not token.joined or tokens[at - 1].text in begins)
        for at, token in enumerate(tokens)
    )


def _forbidden(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether the phrase follows "do not make" or the like, with no comma, "and" or verb between."""
    for index in range(phrase.first, max(0, phrase.first - _FAR), -1):
        if not tokens[index].joined or tokens[index].text in _ENDS:
            return False
        before = tokens[index - 1].text
        denied = before in ("not", "never") or before.endswith("n't")
        if denied and tokens[index].text in _FORBIDDEN:
            return True
    return False


def _said_of_none(phrase: ColorPhrase, tokens: Sequence[Token]) -> int | None:
    """Where a clause begins that says a color of none: "none of the dogs are brown", "no man in the photo wears red".

    None where nothing of the like begins the clause, as in "a house with no roof is red", and where another clause
    begins in between, as in "no doubt the car is red".
    """
    index = phrase.first - 1
    while index > 0 and tokens[index].text in _BEFORE_A_PREDICATE and tokens[index + 1].joined:
        index -= 1
    if index <= 0 or tokens[index].text not in TO_BE | DRESSED or not tokens[index + 1].joined:
        return None
    for at in range(index - 1, max(-1, index - _FAR), -1):
        word, before = tokens[at].text, word_at(tokens, at - 1)
        if not tokens[at + 1].joined or word in TO_BE | DRESSED | JOINTS | PRONOUNS - {"them", "they"}:
            return None
        if word in _NO_ONE or (word == "not" and tokens[at + 1].text in ("one", "a")):
            return at if at == 0 or not tokens[at].joined or before in JOINTS else None
        if word in ARTICLES and before not in PREPOSITIONS | {"not"}:
            return None
    return None


def denied_span(
    begin: int, end: int, last: int, sentence: str, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]
) -> tuple[int, int]:
    """The span of a denied phrase with what falls away beside it: "but" before another color, and its brackets."""
    if (sentence[begin - 1 : begin], sentence[end : end + 1]) == ("(", ")"):
        return begin - 1, end + 1
    after = last + 1
    if word_at(tokens, after) == "but" and tokens[after].joined:
        follows = after + 1 + (word_at(tokens, after + 1) in ARTICLES)
        if any(other.first == follows for other in phrases):
            return begin, tokens[after].end
    return begin, end


def without_spans(
    spans: Sequence[tuple[int, int]], sentence: str, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]
) -> tuple[list[Token], list[ColorPhrase]]:
    """The words and color phrases of a sentence as if these spans of characters were not in it."""
    if not spans:
        return [*tokens], [*phrases]
    left = [*sentence]
    for begin, end in spans:
        left[begin:end] = [""] * (end - begin)
    kept: list[Token] = []
    place: dict[int, int] = {}  # of a token -> among those that are kept
    end = 0
    for index, token in enumerate(tokens):
        if left[token.start]:
            place[index] = len(kept)
            kept.append(replace(token, gap="".join(left[end : token.start]) or token.gap))
            end = token.end
    return kept, [replace(phrase, first=place[phrase.first], last=place[phrase.last]) for phrase in phrases]
