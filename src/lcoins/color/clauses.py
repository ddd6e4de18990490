"""Where the phrases and clauses of a sentence begin and end. A rule, not a parser.

A phrase ends at commas and joining words, at articles, at what tells what a thing does, at prepositions that begin no
place in the photo, and where the next of a list begins; a clause at commas and joining words, and behind a color that
stands behind a form of "to be".
"""

from collections.abc import Sequence

from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.predicates import BEFORE_COLORS, BREAKS, is_of_what_follows, is_predicate
from lcoins.color.sides import PLACES
from lcoins.color.verbs import tells_what_it_does
from lcoins.color.word_kinds import (
    ARTICLES,
    COMMANDS,
    DEGREES,
    DESCRIBING,
    FUNCTION_WORDS,
    HAVING,
    INDEFINITE,
    JOINTS,
    NO_NOUN,
    PREPOSITIONS,
    RELATIVE,
    TO_BE,
    word_set,
)

_BEGINNING, _NAMING = PREPOSITIONS | HAVING, ARTICLES | INDEFINITE  # a phrase
_BEFORE_ADJECTIVES = ARTICLES | word_set("two three four five some")
_SENTENCE_ENDS = frozenset(".;!?")
_RUN = 12  # words on either side within which a list without commas is looked for
_NOT_IN_A_LIST = FUNCTION_WORDS | COMMANDS | {"not", "no", "never"}


def begin_of(index: int, tokens: Sequence[Token], colors: set[int], *, clause: bool) -> int:
    """Where the phrase, or the clause, of the word at ``index`` begins."""
    while index > 0 and not begins(index, tokens, colors, clause=clause):
        index -= 1
    return index


def end_of(index: int, tokens: Sequence[Token], colors: set[int]) -> int:
    """Where the phrase of the word at ``index`` ends."""
    while index + 1 < len(tokens) and not begins(index + 1, tokens, colors, clause=False):
        index += 1
    return index


def is_behind_colon(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color stands behind a colon and before nothing else: "car: red", but not "a photo: red cars"."""
    return phrase.first > 0 and ":" in tokens[phrase.first].gap and ends_with(phrase, tokens, colors)


def ends_with(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color is the last that its phrase says."""
    return phrase.last + 1 >= len(tokens) or begins(phrase.last + 1, tokens, colors, clause=False)


def begins(index: int, tokens: Sequence[Token], colors: set[int], *, clause: bool) -> bool:
    """Whether the word at ``index`` begins another phrase than that of the word before it; or another clause."""
    token = tokens[index]
    word = token.text
    if BREAKS & set(token.gap):
        is_like = index in colors or (word in ("and", "or") and index + 1 in colors)
        goes_on = (index - 1 in colors and is_like) or _is_further_adjective(index, tokens, colors)
        return not goes_on or is_of_what_follows(index, tokens, colors)
    if word in ("and", "or"):
        return not (index - 1 in colors and index + 1 < len(tokens) and index + 1 in colors)
    if word in JOINTS:
        return not (clause and word in RELATIVE)
    if word in ("there", "here") and word_at(tokens, index + 1) in TO_BE:  # "behind the fence there are flowers"
        return True
    behind_color = index - 1 in colors and index not in colors and word not in BEFORE_COLORS
    if behind_color and is_predicate(index - 1, tokens, colors):  # "the sky is blue the grass is green"
        return True
    if clause:
        return False
    if index in colors and tokens[index - 1].text in TO_BE:  # "on the table are white plates"
        return not is_predicate(index, tokens, colors)
    if _is_next_of_list(index, tokens, colors):
        return True
    if word in _BEGINNING:
        if index in colors and tokens[index - 1].text in ("and", "or"):  # "red and off-white"
            return False
        return not (_is_place(index, tokens) or word_at(tokens, index + 1) == "been")
    if word in _NAMING:
        return not _is_place(index - 1, tokens)
    return index - 1 not in colors and tells_what_it_does(index, tokens, colors)


def _is_further_adjective(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the word behind a comma goes on with what a color is one adjective of: "a blue, flowery dress".

    So in "a big, red, old car" and in "red, old car". Without an article the words must be known adjectives, before
    what they tell of: "red, trees" speaks of two things.
    """
    word, first = tokens[index].text, index - 1
    if "," not in tokens[index].gap or word in _NOT_IN_A_LIST | _BEFORE_ADJECTIVES or word.endswith("ing"):
        return False
    while first > 0 and first not in colors and _is_between_commas(first, tokens):
        first -= 1
    if first not in colors:
        return False
    while first > 0 and (first - 1 in colors or (tokens[first - 1].text in ("and", "or") and first - 2 in colors)):
        first -= 1
    begin = first
    while begin > 0 and tokens[begin].gap.strip() == "," and tokens[begin - 1].text in DESCRIBING:
        begin -= 1
    while 0 < begin < first and tokens[begin].joined and tokens[begin - 1].text in DEGREES | DESCRIBING:
        begin -= 1  # "a very big"
    if begin > 0 and tokens[begin].joined:
        return tokens[begin - 1].text in _BEFORE_ADJECTIVES | (_BEGINNING | {"and"} if begin < first else set())
    last = index
    while last + 1 < len(tokens) and _is_between_commas(last, tokens):
        last += 1
    ends = last + 1 >= len(tokens) or not tokens[last + 1].joined or tokens[last + 1].text in NO_NOUN
    return word in DESCRIBING and not ends and (begin == 0 or not _SENTENCE_ENDS.isdisjoint(tokens[begin].gap))


def _is_between_commas(index: int, tokens: Sequence[Token]) -> bool:
    """Whether an adjective stands between two commas: "wooden" of "a white, wooden, old door"."""
    return tokens[index].text in DESCRIBING and all("," in tokens[at].gap for at in (index, index + 1))


def _is_place(index: int, tokens: Sequence[Token]) -> bool:
    """Whether the preposition at ``index`` begins a place in the photo: "on the left", "in the middle"."""
    after, then = word_at(tokens, index + 1), word_at(tokens, index + 2)
    if (after, then) == ("front", "of"):
        return False
    return tokens[index].text in PREPOSITIONS and (after in PLACES or (after in ARTICLES and then in PLACES))


def _is_next_of_list(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the next of a list without commas begins: "red car | blue sky", "car red | sky blue"."""
    if (index in colors) == (index - 1 in colors):
        return False

    def runs_on(at: int) -> bool:
        return tokens[at].joined and _NOT_IN_A_LIST.isdisjoint((tokens[at].text, tokens[at - 1].text))

    first = last = index
    while first > max(0, index - _RUN) and runs_on(first):
        first -= 1
    while last + 1 < min(len(tokens), index + _RUN) and runs_on(last + 1):
        last += 1
    begun = [at for at in range(first, last + 1) if at in colors and (at == first or at - 1 not in colors)]
    if len(begun) < 2 or (first in colors) == (last in colors):
        return False
    return index in begun[1:] if first in colors else index > first and index not in colors
