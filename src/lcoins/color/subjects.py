"""What phrases and clauses name: "cake" of "a piece of the cake", and what a clause is about."""

from collections.abc import Iterable, Sequence

from lcoins.color.clauses import begin_of, begins, end_of
from lcoins.color.phrases import ColorPhrase, Token, color_indices
from lcoins.color.predicates import subject_begin
from lcoins.color.sides import PLACES, noun_of, side_in
from lcoins.color.word_kinds import (
    ARTICLES,
    COMMANDS,
    COUNTS,
    DEGREES,
    DOING,
    HAVING,
    JOINTS,
    PAINTED,
    PERSONS,
    PREPOSITIONS,
    PRONOUNS,
    STANDING_FOR,
    TO_BE,
    word_set,
)

# What stands between a thing and its color, or before it, and names nothing: "the car should be painted red".
_AUXILIARIES = PAINTED | word_set(
    """should must could will would shall may might has have had used like being to
    please pls always more itself themselves"""
)
# What a sentence may begin with before it names anything: "I'd like all the cars to be red".
OPENING = word_set(
    """i'd i'll i'm can like love need think believe remember guess know sure maybe perhaps all every each also no
    wait oh well okay then here there sorry"""
)
SPEAKING = word_set("i we you")
COLOR_ITSELF = word_set("color colour shade tone hue")  # "the color of the bus"
SETS = word_set("pair set couple bunch group lot pile")
_AMOUNTS = SETS | word_set("piece slice bowl cup glass box bag bottle basket row team top side rest")

# What names nothing: anywhere in a phrase, at its beginning, and at the beginning of a clause.
_INSIDE = ARTICLES | TO_BE | _AUXILIARIES | JOINTS | PRONOUNS | DEGREES | {"there"}
_COUNTED = STANDING_FOR | COUNTS  # what stands for a thing, and how many there are
_LEADING = JOINTS | PREPOSITIONS | HAVING | COMMANDS | ARTICLES | COLOR_ITSELF
_UNNAMED = _INSIDE | COMMANDS | COLOR_ITSELF | OPENING | HAVING


def subject(first: int, last: int, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What a clause begins with: "flowers" of "make the flowers on the table" and "left coat" of "the coat of the left
    man".

    All that the clause names where it begins with a place, or with a part or an amount, "the top of the cake".
    """

    def named(start: int, end: int) -> list[str]:
        return words_named(tokens[index].text for index in range(start, end + 1) if index not in colors)

    start = subject_begin(first, last, tokens)
    if start > last or not PLACES.isdisjoint(token.text for token in tokens[first:start]):
        return named(first, last)
    while start < last and (tokens[start].text in _UNNAMED or "of" in (tokens[start].text, tokens[start + 1].text)):
        if tokens[start].text not in _UNNAMED | _COUNTED | {"of"}:
            break
        spoken = tokens[start].text in SPEAKING and start + 2 <= last and tokens[start + 2].text in ARTICLES
        start += 2 if spoken else 1  # "most of the balloons", "I see a house"
    end = start
    while end < last and tokens[end + 1].text not in TO_BE and not begins(end + 1, tokens, colors, clause=False):
        end += 1
    words = named(start, end)
    belongs = end < last and tokens[end + 1].text == "of"
    is_amount = belongs and tokens[end].text in _AMOUNTS
    if not noun_of(" ".join(words)) or is_amount:
        return named(first, last)
    side = side_in(named(end + 1, last)) if belongs else ""
    return [side, *words] if side else words


def joined_subjects(first: int, tokens: Sequence[Token], colors: set[int]) -> tuple[int, list[str]]:
    """What "and" or a comma joins to the subject of a clause that begins at a word, and the word at which it begins.

    "Curtains" and "sofa" of "the curtains, the sofa and the carpet are red". Nothing where it is not all that the
    sentence says before, as in "a man holds a cup and the plates are red", and no persons.
    """
    found: list[str] = []
    while first > 0 and (tokens[first].text == "and" or "," in tokens[first].gap):
        start = begin_of(first - 1, tokens, colors, clause=False)
        piece = {token.text for token in tokens[start:first]}
        named = [word for word in words_named(token.text for token in tokens[start:first]) if word not in _COUNTED]
        says_more = (piece - ARTICLES) & (TO_BE | HAVING | PREPOSITIONS | DOING | PERSONS)
        if not named or says_more or colors & {*range(start, first)}:
            if "," not in tokens[first].gap:
                return first, []
            break
        found.insert(0, " ".join(named))
        first = start
    behind_color = first > 1 and tokens[first - 1].text == "and" and first - 2 in colors
    is_first = first == 0 or not tokens[first].joined or tokens[first - 1].text in COMMANDS or behind_color
    return (first, found) if is_first else (first, [])


def words_named(words: Iterable[str]) -> list[str]:
    """The words that name something, of a phrase or clause without its colors."""
    words = list(words)
    if len(words) > 1 and words[0] in DOING:
        words = words[1:]
    while words and words[0] in _LEADING:
        words = words[1:]
    return [word for word in words if word not in _INSIDE]


def named_before(index: int, tokens: Sequence[Token], phrases: Sequence[ColorPhrase], *, he: bool = False) -> list[str]:
    """What the nearest clause before a word begins with that names anything, "house" of "I see a house and it".

    Of a clause about persons what it names last, unless "he" or "she" stands for one of them.
    """
    colors = color_indices(phrases)
    last = index - 1
    while last >= 0:
        first = begin_of(last, tokens, colors, clause=True)
        about = subject(first, last, tokens, colors)
        named = [word for word in about if word not in _COUNTED | PREPOSITIONS | OPENING]
        if noun_of(" ".join(named)):
            return named if he or PERSONS.isdisjoint(named) else _held_by(first, last, tokens, colors) or named
        last = first - 1
    return []


def _held_by(first: int, last: int, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What the last phrase of a clause about persons names that is no person: "car" of "my father is by his car"."""
    while last > first:
        start = begin_of(last, tokens, colors, clause=False)
        named = words_named(tokens[at].text for at in range(start, last + 1) if at not in colors)
        if noun_of(" ".join(named)) and PERSONS.isdisjoint(named):
            return named if start > first else []
        last = start - 1
    return []


def counted(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What is counted before a color phrase, "cars" of "two cars, one red"."""
    for first in range(phrase.first - 1, -1, -1):
        if tokens[first].text in COUNTS:
            last = end_of(first, tokens[: phrase.first], set())
            if named := words_named(tokens[at].text for at in range(first + 1, last + 1) if at not in colors):
                return named
    return []
