"""Where the phrases and clauses of a sentence begin and end. A rule, not a parser.

A phrase ends at commas and joining words, at articles, at what tells what a thing does, at prepositions that begin no
place in the photo, and where the next of a list begins; a clause at commas and joining words, and behind a color that
stands behind a form of "to be".
"""

from collections.abc import Sequence

from lcoins.color.color_or_thing import is_paintable
from lcoins.color.phrases import ColorPhrase, Token, word_at
from lcoins.color.sides import PLACES
from lcoins.color.verbs import tells_what_it_does
from lcoins.color.word_kinds import (
    ARTICLES,
    COMMANDS,
    DEGREES,
    FUNCTION_WORDS,
    HAVING,
    INDEFINITE,
    JOINTS,
    NATURE,
    NO_NOUN,
    PERSONS,
    PREPOSITIONS,
    RELATIVE,
    TO_BE,
    word_set,
)

_BEFORE_COLORS = DEGREES | word_set("and or painted colored coloured dyed")  # of a predicate
_POINTING = word_set("there here these those this that what")  # "there are red cars"
_BEGINNING, _NAMING = PREPOSITIONS | HAVING, ARTICLES | INDEFINITE  # a phrase
_BREAKS = frozenset(".,;:!?()\u2013\u2014")
_BEFORE_ADJECTIVES = ARTICLES | word_set("two three four five some")
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


def is_predicate(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the color at ``index`` is said by a form of "to be", perhaps after another color of the same thing.

    Not so in "there are red cars" and "on the table are white plates", where it speaks of what follows.
    """
    for at in range(index - 1, -1, -1):
        if at not in colors and _BREAKS & {*tokens[at + 1].gap} and tokens[at].text != tokens[at + 1].text:
            return False  # not of "the cap turned backwards, red shoes", but of "it is very, very red"
        if tokens[at].text in TO_BE:
            return not _comes_after(at, index, tokens, colors)
        if _is_adjective_of(at, tokens, colors):  # "the fence is rusty brown"
            return True
        if (at not in colors and tokens[at].text not in _BEFORE_COLORS) or _is_of_what_follows(at + 1, tokens, colors):
            return False
    return False


def _is_adjective_of(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a word stands between a form of "to be" and the color that ends what is said: "camouflage green"."""
    word, follows = tokens[index].text, index + 2
    while (
        follows < len(tokens)
        and tokens[follows].joined
        and (follows in colors or tokens[follows].text in ("and", "or"))
    ):
        follows += 1
    ends = follows >= len(tokens) or not tokens[follows].joined or tokens[follows].text in JOINTS
    said = word_at(tokens, index - 1) in TO_BE and index - 2 >= 0 and tokens[index - 2].text not in _POINTING
    names_nothing = word in NO_NOUN | COMMANDS | PERSONS or word.endswith(("ing", "'s"))
    return said and ends and index not in colors and index + 1 in colors and not names_nothing


def _is_of_what_follows(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color behind a comma has its own thing, and the one before has one, too: "his hat is yellow, blue sky".

    So in "jeans blue, green trees" and "a man in white, brown dirt", and not in "red, white and blue".
    """
    if index not in colors or index - 1 not in colors or "," not in tokens[index].gap:
        return False
    after = index + 1
    while after in colors:
        after += 1
    follows = after < len(tokens) and tokens[after].joined and tokens[after].text not in NO_NOUN | {"and", "or"}
    if not follows or tokens[after].text.endswith("ing"):
        return False
    return is_predicate(index - 1, tokens, colors) or _is_behind_its_thing(index - 1, tokens, colors)


def _is_behind_its_thing(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color stands directly behind a noun, or behind "in": "his pants navy", "a man in white"."""
    while index > 0 and index - 1 in colors:
        index -= 1
    before = word_at(tokens, index - 1)
    return tokens[index].joined and (before == "in" or before in NATURE or is_paintable(before))


def _comes_after(verb: int, color: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether what a form of "to be" is said of comes behind it and a color, and nothing is named before it."""
    after = color + 1
    while after < len(tokens) and (after in colors or tokens[after].text in ("and", "or")):
        after += 1
    if after >= len(tokens) or not tokens[after].joined or tokens[after].text in NO_NOUN:
        return False
    if verb == 0 or tokens[verb - 1].text in _POINTING:
        return True
    first = verb
    while first > 0 and tokens[first].joined and tokens[first - 1].text not in JOINTS | TO_BE:
        first -= 1
    return tokens[first].text in PREPOSITIONS and subject_begin(first, verb - 1, tokens) >= verb


def subject_begin(first: int, last: int, tokens: Sequence[Token]) -> int:
    """Where the subject begins of a clause that a phrase opens: at "our" of "in 1950 our car"; beyond it if nowhere."""
    if tokens[first].text not in PREPOSITIONS:
        return first
    start = first + 1
    while start <= last and (tokens[start].text not in ARTICLES or tokens[start - 1].text in PREPOSITIONS | ARTICLES):
        start += 1
    return start


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
    if _BREAKS & set(token.gap):
        listed = index in colors or (word in ("and", "or") and index + 1 in colors)
        goes_on = listed or _is_second_adjective(index, tokens, colors)
        return not (index - 1 in colors and goes_on) or _is_of_what_follows(index, tokens, colors)
    if word in ("and", "or"):
        return not (index - 1 in colors and index + 1 < len(tokens) and index + 1 in colors)
    if word in JOINTS:
        return not (clause and word in RELATIVE)
    if word in ("there", "here") and word_at(tokens, index + 1) in TO_BE:  # "behind the fence there are flowers"
        return True
    behind_color = index - 1 in colors and index not in colors and word not in _BEFORE_COLORS
    if behind_color and is_predicate(index - 1, tokens, colors):  # "the sky is blue the grass is green"
        return True
    if clause:
        return False
    if index in colors and tokens[index - 1].text in TO_BE:  # "on the table are white plates"
        return not is_predicate(index, tokens, colors)
    if _is_next_of_list(index, tokens, colors):
        return True
    if word in _BEGINNING:
        return not (_is_place(index, tokens) or word_at(tokens, index + 1) == "been")
    if word in _NAMING:
        return not _is_place(index - 1, tokens)
    return index - 1 not in colors and tells_what_it_does(index, tokens, colors)


def _is_second_adjective(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the word behind a comma goes on with what a color began: "a blue, flowery dress"."""
    first = index - 1
    while first > 0 and first - 1 in colors:
        first -= 1
    if first == 0 or not tokens[first].joined or "," not in tokens[index].gap:
        return False
    word = tokens[index].text
    return (
        tokens[first - 1].text in _BEFORE_ADJECTIVES
        and word not in _NOT_IN_A_LIST | _BEFORE_ADJECTIVES
        and not word.endswith("ing")
    )


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
