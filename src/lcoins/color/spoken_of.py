"""What a color word speaks of: the words of its phrase without colors, "the bus on the left" of "the bus on the left is
red, beside a green car".

A rule, not a parser: a color speaks of the other words of its phrase (:mod:`lcoins.color.clauses`). One behind a form
of "to be", or at the end of a demand, speaks of what its clause begins with, and one that stands alone, "a bus, red" or
"a bus in red", of the phrase before. "One" and "the other" are what was named last.
"""

from collections.abc import Iterable, Sequence

from lcoins.color.ambiguous_names import PARTS, VERBS, word_set
from lcoins.color.clauses import (
    COMMANDS,
    JOINTS,
    PREPOSITIONS,
    RELATIVE,
    TO_BE,
    begin_of,
    begins,
    end_of,
    ends_with,
    is_behind_colon,
    is_predicate,
)
from lcoins.color.color_or_thing import PERSONS, joined_by
from lcoins.color.phrases import ColorPhrase, Token
from lcoins.color.sides import ARTICLES, PLACE_WORDS, PLACES, STANDING_FOR, give_sides, mentions_of, noun_of, side_in

MOST = 64  # colors of a sentence: a long one must not take any amount of time and memory
CLOTHES = "clothes"  # how grounding knows all that a person wears
# What stands between a thing and its color, or before it, and names nothing: "the car should be painted red".
_AUXILIARIES = word_set(
    """should must could will would shall may might isn't aren't has have had been being to painted colored coloured
    dyed stay please pls always more just"""
)
# What a sentence may begin with before it names anything: "I'd like all the cars to be red".
_OPENING = word_set(
    """i'd i'll i'm can like love want need think believe remember guess know sure maybe probably perhaps only all both
    every each also then now here there"""
)
_PRONOUNS = word_set("i it they them everything we you he she")
_PERSONAL = word_set("he she they i")
_COLOR_ITSELF = word_set("color colour shade tone hue")  # "the color of the bus"
_COUNTS = word_set("two three four five six seven eight nine ten both several some most many few pair")
_BARE_SIDES = word_set("left right")  # "the left is brown"
_HAIR = word_set("blond blonde")
_ANIMALS = word_set(
    "dog dogs puppy puppies cat cats kitten horse horses pony cow cows calf bull bulls goat goats sheep"
)
_SETS = word_set("pair set couple bunch group lot pile")
_AMOUNTS = _SETS | word_set("piece slice bowl cup glass box bag bottle basket row team top side")
_WEARING = word_set("wearing wears wear wore worn dressed clad")
_BEFORE_ALONE = (
    word_set("in of to into with has have had all painted colored coloured dyed light dark pale deep bright")
    | _WEARING
    | _COLOR_ITSELF
    | ARTICLES
)


def things_spoken_of(tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> list[str]:
    """What each color phrase speaks of, in order; "" where there is nothing but colors, and from ``MOST`` phrases on.

    "One" and "the other" stand for what was named last: "the left cup is red and the right one is blue" speaks of "left
    cup" and "right cup". Two or three things of one name and of several colors have sides, unless one is said to be in
    front or behind: where the sentence gives none, the first is the left one, so that "a red cup beside a blue cup" is
    "left cup" and "right cup", and that the second of three is the "middle cup". Of 119 captions of training photos
    that name two things so, 64 % begin at the left.

    Args:
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    found: list[str] = []
    for index, phrase in enumerate(phrases[:MOST]):
        words = spoken_of(phrase, tokens, phrases).split()
        if not words and index and joined_by(tokens, phrases[index - 1], phrase) is not None:
            found.append(found[-1])  # "a dress, red and white"
            continue
        if phrase.base in _HAIR and not (PERSONS - STANDING_FOR).isdisjoint(words):  # "a blond boy"
            words = [*(word for word in words if word in PLACES), "hair"]
        named = [word for word in words if word not in STANDING_FOR]
        unnamed = not noun_of(" ".join(word for word in named if word not in _COUNTS))
        if words and unnamed and (words != named or _COUNTS & {*words} or {*words} <= _BARE_SIDES):
            noun = noun_of(found[-1]) if found else " ".join(_worn_by(_counted(phrase, tokens)))
            named = _placed(noun, [word for word in named if word not in _COUNTS]) if noun else []
        found.append(" ".join(named))
    give_sides(found, tokens, phrases, _named_again)
    clothes = mentions_of(found, CLOTHES, tokens, phrases, _named_again(CLOTHES))
    if len({frozenset(phrases[index].color for index in mention) for mention in clothes}) > 1:
        # Of several persons; of those whom nothing tells apart no one is meant.
        found = ["" if thing == CLOTHES else thing for thing in found]
    return found + [""] * (len(phrases) - len(found))


def _named_again(noun: str) -> frozenset[str]:
    """The words by which a sentence names a further thing of a name."""
    if noun == CLOTHES:
        return STANDING_FOR | PERSONS | _WEARING - {"dressed", "clad"}
    return STANDING_FOR | {noun.split()[-1]} | (PERSONS if noun in PARTS.values() else frozenset())


def spoken_of(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> str:
    """The words that a color phrase speaks of, in lower case; "" where there are none but colors.

    Args:
        phrase: one of ``phrases``.
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    colors = {index for one in phrases for index in range(one.first, one.last + 1)}
    after = [token.text for token in tokens[phrase.last + 1 : phrase.last + 2] if token.joined]
    if after and after[0] in PARTS:
        whose = {token.text for token in tokens[phrase.last + 2 : end_of(phrase.last, tokens, colors) + 1]}
        if after[0] != "haired" or _ANIMALS.isdisjoint(whose):  # the hair of "a golden haired dog" is all of it
            return PARTS[after[0]]
    if is_behind_colon(phrase, tokens, colors):  # "eyes: green"
        first, last = begin_of(phrase.first - 1, tokens, colors, clause=True), phrase.first - 1
    elif (predicate := is_predicate(phrase.first, tokens, colors)) or _is_demanded(phrase, tokens, colors):
        first, last = begin_of(phrase.first, tokens, colors, clause=True), phrase.first - 1
        if not predicate:  # "the boy wants to paint the fence white"
            first = next(at for at in range(first, phrase.first) if tokens[at].text in COMMANDS) + 1
        relative = [at for at in range(first + 1, phrase.first) if tokens[at].text in RELATIVE]
        before = {token.text for token in tokens[first : relative[-1]]} if relative else set()
        if not predicate or not before - _OPENING - _PRONOUNS:
            return " ".join(_subject(first, last, tokens, colors) or _before(phrase, tokens, colors))
        last = relative[-1] - 1  # "a photo of a train that is blue" speaks of what stands last before "that"
        first = begin_of(last, tokens, colors, clause=False)
    else:
        first, last = begin_of(phrase.first, tokens, colors, clause=False), end_of(phrase.last, tokens, colors)
    named = _named(tokens[index].text for index in range(first, last + 1) if index not in colors)
    if named and {*named} <= _SETS and [token.text for token in tokens[last + 1 : last + 2]] == ["of"]:
        named = _phrase_from(last + 2, tokens, colors)  # "a red pair of shoes"
    if named and after == [named[0]] and named[0] in VERBS and _is_worn_alone(phrase.first, tokens, colors):
        named = []  # "a woman in green skates"
    named = named or _before(phrase, tokens, colors)
    if not named and after == ["for"]:  # "use red for the car"
        named = _phrase_from(phrase.last + 2, tokens, colors)
    return " ".join(named)


def _phrase_from(index: int, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What the phrase names that the word at ``index`` is the first of."""
    last = end_of(index, tokens, colors)
    return _named(tokens[at].text for at in range(index, min(last + 1, len(tokens))) if at not in colors)


def _is_worn_alone(first: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether colors stand directly behind "in" or "wearing", with no article: "a man in white and red tries"."""
    at = first - 1
    while at > 0 and (at in colors or tokens[at].text in ("and", "all")):
        at -= 1
    return at >= 0 and tokens[at].text in {"in"} | _WEARING


def _subject(first: int, last: int, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What a clause begins with: "flowers" of "make the flowers on the table" and "left coat" of "the coat of the left
    man".

    All that the clause names where it begins with a place, or with a part or an amount, "the top of the cake".
    """
    unnamed = JOINTS | COMMANDS | ARTICLES | _COLOR_ITSELF | _AUXILIARIES | _PRONOUNS | _OPENING

    def named(start: int, end: int) -> list[str]:
        return _named(tokens[index].text for index in range(start, end + 1) if index not in colors)

    start = first
    while start < last and (tokens[start].text in unnamed or "of" in (tokens[start].text, tokens[start + 1].text)):
        if tokens[start].text not in unnamed | _COUNTS | STANDING_FOR | {"of"}:
            break
        start += 1  # "most of the balloons"
    end = start
    while end < last and not begins(end + 1, tokens, colors, clause=False):
        end += 1
    subject = named(start, end)
    belongs = end < last and tokens[end + 1].text == "of"
    is_amount = belongs and tokens[end].text in _AMOUNTS
    if tokens[start].text in PREPOSITIONS or not noun_of(" ".join(subject)) or is_amount:
        return named(first, last)
    return [side, *subject] if (side := side_in(named(end + 1, last)) if belongs else "") else subject


def _named(words: Iterable[str]) -> list[str]:
    """The words that name something, of a phrase or clause without its colors."""
    words = list(words)
    while words and words[0] in JOINTS | PREPOSITIONS | COMMANDS | ARTICLES | _COLOR_ITSELF:
        words = words[1:]
    unnamed = ARTICLES | TO_BE | _AUXILIARIES | JOINTS | _PRONOUNS | {"there"}
    return [word for word in words if word not in unnamed]


def _placed(noun: str, place: list[str]) -> list[str]:
    return [noun, *place] if place and place[0] in PREPOSITIONS else [*place, noun]


def _before(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What the phrase before a color that stands alone names: "bus" of "a bus, red" and of "a bus in red".

    Nothing where that has a color of its own. "A woman in red" has clothes of that color, no skin.
    """
    last = _before_alone(phrase, tokens)
    if last < 0:
        return []
    between = {token.text for token in tokens[last + 1 : phrase.first]}
    worn = not _WEARING.isdisjoint(between)
    if tokens[last].text in TO_BE and (worn or "in" in between):  # "the woman on the chair is in red"
        first, last = begin_of(last, tokens, colors, clause=True), last - 1
        words = _subject(first, last, tokens, colors)
    else:
        first = begin_of(last, tokens, colors, clause=False)
        words = _named(token.text for token in tokens[first : last + 1])
    if any(tokens[at].text not in _HAIR for at in colors & {*range(first, last + 1)}):  # not "a blonde in green"
        return []
    said = {token.text for token in tokens[first : last + 1]}
    if said and said <= _PERSONAL and (worn or "in" in between):
        return [CLOTHES]
    if words and worn and PERSONS.isdisjoint(words):  # "the goalie on the left wears red"
        return _placed(CLOTHES, [word for word in words if word in PLACE_WORDS])
    return _worn_by(words)


def _before_alone(phrase: ColorPhrase, tokens: Sequence[Token]) -> int:
    """The index of the last word before a color and what may stand between the color and its thing; -1 for none."""
    last = phrase.first - 1
    while last >= 0 and tokens[last].text in _BEFORE_ALONE:
        last -= 1
    return last


def _worn_by(words: list[str]) -> list[str]:
    """The words, with clothes in the place of a person: "woman on left" has "clothes on left"."""
    person = next((index for index, word in enumerate(words) if word in PERSONS - STANDING_FOR), None)
    if person is None:
        return words
    before, after = ([word for word in part if word in PLACE_WORDS] for part in (words[:person], words[person + 1 :]))
    return [*before, CLOTHES, *after]


def _counted(phrase: ColorPhrase, tokens: Sequence[Token]) -> list[str]:
    """What is counted before a color phrase, "cars" of "two cars, one red"."""
    for first in range(phrase.first - 1, -1, -1):
        if tokens[first].text in _COUNTS:
            last = end_of(first, tokens[: phrase.first], set())
            if named := _named(token.text for token in tokens[first + 1 : last + 1]):
                return named
    return []


def _is_demanded(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color ends a demand: "make the sky blue", "change the car to green"."""
    if not ends_with(phrase, tokens, colors) or _before_alone(phrase, tokens) < 0:
        return False
    first = begin_of(phrase.first, tokens, colors, clause=True)
    commands = [index for index in range(first, phrase.first) if tokens[index].text in COMMANDS]
    return bool(commands and _named(token.text for token in tokens[commands[0] : phrase.first]))
