"""What a color that stands behind its thing is said of: "the sky is blue", "his pants navy", "a man in white".

A rule, not a parser. Each question is answered in one pass over the colors before, however many a sentence lists.
"""

from collections.abc import Sequence

from lcoins.color.color_or_thing import is_paintable
from lcoins.color.phrases import Token, word_at
from lcoins.color.word_kinds import (
    ARTICLES,
    COMMANDS,
    DEGREES,
    JOINTS,
    NATURE,
    NO_NOUN,
    PAINTED,
    PERSONS,
    PREPOSITIONS,
    TO_BE,
    WORN,
    word_set,
)

BEFORE_COLORS = DEGREES | PAINTED | {"and", "or"}  # of a predicate
# Ends of a phrase, also a stroke, a bullet and brackets: "blue sky / green grass", "blue sky [green grass]".
BREAKS = frozenset(".,;:!?()[]{}<>/|\\\u2013\u2014\u2026\u2022\u2023\u25aa\u25cf\u00b7")
_FAR = 24  # words of a list of colors within which it is looked what they are said of
_POINTING = word_set("there here these those this that what")  # "there are red cars"
_MATERIALS = word_set("leather cotton wool silk velvet fur lace denim linen satin suede snow sea")  # "a sea blue shirt"


def is_predicate(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the color at ``index`` is said by a form of "to be", perhaps after another color of the same thing.

    Between them may stand degrees, or one word that tells of the color: "very red", "rusty brown". Not so in "there are
    red cars" and "on the table are white plates", where the color speaks of what follows, and not behind a comma if it
    has its own thing.
    """
    first = index
    while first > max(0, index - _FAR) and (first - 1 in colors or tokens[first - 1].text in BEFORE_COLORS):
        first -= 1
    if _is_parted(first, tokens, colors) or not _is_said(first, index, tokens, colors):
        return False
    after = first  # the first word behind the colors that follow each other here
    for at in range(first + 1, index + 1):
        after = after if at < after else _end_of_colors(at, colors)
        if _is_parted(at, tokens, colors) or _is_before_a_thing(at, after, tokens, colors):
            return False
    return True


def is_of_what_follows(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color behind a comma has its own thing, and the one before has one, too: "his hat is yellow, blue sky".

    So in "jeans blue, green trees" and "a man in white, brown dirt", and not in "red, white and blue".
    """
    after = _end_of_colors(index, colors)
    if not _is_before_a_thing(index, after, tokens, colors):
        return False
    return is_predicate(index - 1, tokens, colors) or _is_behind_its_thing(index, after, tokens, colors)


def _end_of_colors(index: int, colors: set[int]) -> int:
    """The index of the first word from a word on that is no color."""
    last = index + _FAR
    while index in colors and index < last:
        index += 1
    return index


def _is_parted(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a mark parts a word from one before it that is no color, as in "it turned backwards, red"."""
    if index == 0 or index - 1 in colors or not BREAKS & {*tokens[index].gap}:
        return False
    return tokens[index - 1].text != tokens[index].text


def _is_said(first: int, index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a form of "to be" that is said of what stands before it precedes the first of several colors."""
    if first == 0:
        return False
    if tokens[first - 1].text in TO_BE:
        return not _comes_after(first - 1, index, tokens, colors)
    return first in colors and _tells_of_a_color(first - 1, tokens, colors)


def _tells_of_a_color(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a word stands between a form of "to be" and a color that ends what is said, as in "is camouflage green".

    Not a noun of its own, as in "the clothes are shirt white, trousers black".
    """
    word, follows = tokens[index].text, index + 2
    while follows < len(tokens) and tokens[follows].joined:
        if follows not in colors and not (tokens[follows].text in ("and", "or") and follows + 1 in colors):
            break
        follows += 1
    ends = follows >= len(tokens) or not tokens[follows].joined or tokens[follows].text in JOINTS | PREPOSITIONS
    said = index > 1 and tokens[index - 1].text in TO_BE and tokens[index - 2].text not in _POINTING - {"that"}
    is_noun = word in NO_NOUN | COMMANDS | PERSONS | WORN | NATURE or word.endswith(("ing", "'s", "s"))
    return said and ends and not is_noun and not is_paintable(word)


def _is_before_a_thing(index: int, after: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color behind another and a comma, with ``after`` the word behind it and its like, is before a noun."""
    if index not in colors or index - 1 not in colors or "," not in tokens[index].gap:
        return False
    follows = after < len(tokens) and tokens[after].joined and tokens[after].text not in NO_NOUN | {"and", "or"}
    return follows and not tokens[after].text.endswith("ing")


def _is_behind_its_thing(index: int, after: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the color before a comma stands directly behind what has it: "his pants navy", "a man in white".

    ``index`` is the color behind the comma, ``after`` the word behind that. "In red, white shirts" names shirts alone.
    """
    first = index - 1
    while first > 0 and first - 1 in colors:
        first -= 1
    before = word_at(tokens, first - 1)
    if not tokens[first].joined or before in _MATERIALS:
        return False
    if before == "in":
        listed = sum("," in tokens[at].gap for at in range(first + 1, after))
        return listed == 1 and not any(is_paintable(token.text) for token in tokens[after : after + 3])
    return before in NATURE or is_paintable(before)


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
