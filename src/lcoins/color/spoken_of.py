"""What a color word speaks of: the words of its phrase without colors, "the bus on the left" of "the bus on the left is
red, beside a green car".

A rule, not a parser: a color speaks of the other words of its phrase (:mod:`lcoins.color.clauses`). One behind a form
of "to be", or at the end of a demand, speaks of what its clause begins with, and one that stands alone, "a bus, red" or
"a bus in red", of the phrase before. "One" and "the other" are what was named last, "it" is what the clause before is
about.
"""

from collections.abc import Sequence

from lcoins.color.ambiguous_names import PARTS_OF_ONE
from lcoins.color.clauses import (
    begin_of,
    end_of,
    ends_with,
    is_behind_colon,
)
from lcoins.color.color_or_thing import joined_by
from lcoins.color.fading import what_goes_over
from lcoins.color.owners import named_by_owner
from lcoins.color.parts import part_behind
from lcoins.color.phrases import ColorPhrase, Token, color_indices, word_at
from lcoins.color.predicates import is_predicate
from lcoins.color.shared_nouns import named_behind_next
from lcoins.color.sides import AND, CLOTHES, ORDER, PLACE_WORDS, PLACES, SIZES, give_sides, mentions_of, noun_of
from lcoins.color.subjects import (
    COLOR_ITSELF,
    OPENING,
    SETS,
    SPEAKING,
    counted,
    joined_subjects,
    named_before,
    subject,
    words_named,
)
from lcoins.color.verbs import is_doing, is_done_by
from lcoins.color.word_kinds import (
    ARTICLES,
    COMMANDS,
    COUNTS,
    DEGREES,
    DESCRIBING,
    DOING,
    DRESSED,
    INDEFINITE,
    JOINTS,
    PAINTED,
    PERSONS,
    PREPOSITIONS,
    PRONOUNS,
    RELATIVE,
    STANDING_FOR,
    TO_BE,
    word_set,
)

MOST = 64  # colors of a sentence: a long one must not take any amount of time and memory
_PERSONAL = word_set("he she they i both all")
_WHERE = PLACE_WORDS - SIZES  # what is said of a person and holds for the clothes, too
_BARE_SIDES = word_set("left right")  # "the left is brown"
_HAIR = word_set("blond blonde")
_OF_MANY = word_set("are were look seem should must could")  # what may be said of several things
_NAMING_NOTHING = COMMANDS | OPENING | COUNTS | DEGREES | JOINTS | PRONOUNS | ARTICLES | COLOR_ITSELF
_BEFORE_ALONE = (
    word_set("in of to into with has have had all light dark pale deep bright")
    | PAINTED
    | DRESSED
    | COLOR_ITSELF
    | ARTICLES
)


def things_spoken_of(tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> list[str]:
    """What each color phrase speaks of, in order; "" where there is nothing but colors, and from ``MOST`` phrases on.

    "One" and "the other" stand for what was named last: "the left cup is red and the right one is blue" speaks of "left
    cup" and "right cup". Two or three things of one name and of several colors have sides, or, where the sentence gives
    none, their order, "first cup" and "second cup" of "a red cup beside a blue cup", or the one that it says itself.

    Args:
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    found: list[str] = []
    numbers: list[str] = []
    colors = color_indices(phrases)
    for index, phrase in enumerate(phrases[:MOST]):
        words = (
            named_behind_next(index, tokens, phrases, colors)
            or what_goes_over(index, tokens, phrases, colors)
            or spoken_of(phrase, tokens, phrases).split()
        )
        words = named_by_owner(words, found[-1] if found else "", phrase, tokens, colors)
        if not words and index and joined_by(tokens, phrases[index - 1], phrase) is not None:
            found.append(found[-1])  # "a dress, red and white"
            numbers.append(numbers[-1])
            continue
        if phrase.base in _HAIR and not PERSONS.isdisjoint(words):  # "a blond boy"
            words = [*(word for word in words if word in PLACES), "hair"]
        words = ([] if {*words} <= OPENING else words) or _stood_for(phrase, tokens, phrases)
        named = [word for word in words if word not in STANDING_FOR | COUNTS and not word.isdigit()]
        numbers.append(next((word for word in words if word in ORDER), ""))
        unnamed = not noun_of(" ".join(word for word in named if word not in DESCRIBING))
        if words and unnamed and (words != named or {*words} <= _BARE_SIDES):
            noun = noun_of(found[-1]) if found else ""
            if noun in PARTS_OF_ONE.values() and _is_worn_alone(phrase.first, tokens, colors):
                noun = CLOTHES  # "two blond boys, one in blue"
            noun = noun or " ".join(
                _worn_by(counted(phrase, tokens, colors) or named_before(phrase.first, tokens, phrases))
            )
            if not DESCRIBING.isdisjoint(named):  # "a red old car and a blue new one"
                noun = " ".join(word for word in noun.split() if word not in DESCRIBING)
            if noun == CLOTHES:  # "the older boy wears red and the younger one blue"
                named = [word for word in named if word not in DESCRIBING]
            named = _placed(noun, named) if noun else []
        found.append(" ".join(named))
    give_sides(found, numbers, tokens, phrases)
    clothes = mentions_of(found, CLOTHES, tokens, phrases)
    if len({frozenset(phrases[index].color for index in mention) for mention in clothes}) > 1:
        # Of several persons; of those whom nothing tells apart no one is meant.
        found = ["" if thing == CLOTHES else thing for thing in found]
    return found + [""] * (len(phrases) - len(found))


def spoken_of(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> str:
    """The words that a color phrase speaks of, in lower case, of several things with "and" between; "" where there are
    none but colors.

    Args:
        phrase: one of ``phrases``.
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    if word_at(tokens, phrase.first - 1) in INDEFINITE:
        return ""
    colors = color_indices(phrases)
    after = [token.text for token in tokens[phrase.last + 1 : phrase.last + 2] if token.joined]
    if part := part_behind(phrase.last, tokens, colors):
        return part
    if is_behind_colon(phrase, tokens, colors):  # "eyes: green"
        first, last = begin_of(phrase.first - 1, tokens, colors, clause=True), phrase.first - 1
    elif (predicate := is_predicate(phrase.first, tokens, colors)) or _is_demanded(phrase, tokens, colors):
        first, last = begin_of(phrase.first, tokens, colors, clause=True), phrase.first - 1
        if not predicate:  # "the boy wants to paint the fence white"
            first = next(at for at in range(first, phrase.first) if tokens[at].text in COMMANDS) + 1
        relative = [at for at in range(first + 1, phrase.first) if tokens[at].text in RELATIVE]
        before = {token.text for token in tokens[first : relative[-1]]} if relative else set()
        if "except" in (token.text for token in tokens[first : phrase.first]):
            return ""  # "everything except the hat is gray"
        if not predicate or not before - OPENING - PRONOUNS:
            own = " ".join(subject(first, last, tokens, colors) or _before(phrase, tokens, colors))
            are = {token.text for token in tokens[first : phrase.first]} & _OF_MANY
            return _all_of(joined_subjects(first, tokens, colors)[1] if are else [], own)
        last = relative[-1] - 1  # "a photo of a train that is blue" speaks of what stands last before "that"
        first = begin_of(last, tokens, colors, clause=False)
    else:
        first, last = begin_of(phrase.first, tokens, colors, clause=False), end_of(phrase.last, tokens, colors)
        if word_at(tokens, first - 1) == "made" and tokens[first].text == "of":  # "the wall is made of red brick"
            is_said = word_at(tokens, first - 2) in TO_BE
            start = begin_of(first - 1, tokens, colors, clause=is_said)
            return " ".join(subject(start, max(start, first - 2), tokens, colors))
    named = words_named(tokens[index].text for index in range(first, last + 1) if index not in colors)
    if named and {*named} <= SETS and word_at(tokens, last + 1) == "of":
        named = _phrase_from(last + 2, tokens, colors)  # "a red pair of shoes"
    is_verb = bool(DOING & {*after}) or (named == after != [] and is_doing(phrase.last + 1, tokens))
    if named[:1] == after and is_verb and _is_worn_alone(phrase.first, tokens, colors):
        named = []  # "a woman in green skates"
    if {*named} <= COUNTS and _is_given_to(phrase, tokens, colors):
        named = _phrase_from(phrase.last + 2, tokens, colors)
    return _all_of(_demanded_with(phrase, tokens, colors), " ".join(named or _before(phrase, tokens, colors)))


def _all_of(others: Sequence[str], own: str) -> str:
    """The names of the things that one color speaks of; ``own``, the nearest one, alone where it names nothing."""
    return f" {AND} ".join([*others, own]) if own.strip() and not {*own.split()} <= STANDING_FOR | COUNTS else own


def _demanded_with(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What a demand names before the thing at its end: "hat" of "make the hat and the scarf blue"."""
    first = begin_of(phrase.first, tokens, colors, clause=True)
    if first == phrase.first or not ends_with(phrase, tokens, colors):
        return []
    start, found = joined_subjects(first, tokens, colors)
    return found if {word_at(tokens, start - 1), word_at(tokens, start)} & COMMANDS else []


def _is_given_to(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a clause names nothing before a color, and then its thing: "use red for the car", "red on the car"."""
    begin = begin_of(phrase.first, tokens, colors, clause=True)
    follows = tokens[phrase.last + 1 : phrase.last + 2]
    is_given = any(token.joined and token.text in ("for", "on", "to") for token in follows)
    return is_given and all(tokens[at].text in _NAMING_NOTHING for at in range(begin, phrase.first))


def _phrase_from(index: int, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What the phrase names that the word at ``index`` is the first of."""
    last = end_of(index, tokens, colors)
    return words_named(tokens[at].text for at in range(index, min(last + 1, len(tokens))) if at not in colors)


def _is_worn_alone(first: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether colors stand directly behind "in" or "wearing", with no article: "a man in white and red tries"."""
    at = first - 1
    while at > 0 and (at in colors or tokens[at].text in ("and", "all")):
        at -= 1
    return at >= 0 and tokens[at].text in {"in"} | DRESSED


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
    worn = not DRESSED.isdisjoint(between)
    if tokens[last].text in TO_BE and (worn or "in" in between):  # "the woman on the chair is in red"
        first, last = begin_of(last, tokens, colors, clause=True), last - 1
        words = subject(first, last, tokens, colors)
    else:
        first = begin_of(last, tokens, colors, clause=False)
        words = words_named(token.text for token in tokens[first : last + 1])
    if any(tokens[at].text not in _HAIR for at in colors & {*range(first, last + 1)}):  # not "a blonde in green"
        return []
    said = {token.text for token in tokens[first : last + 1]} - JOINTS - TO_BE - DEGREES
    if said and said <= _PERSONAL and (worn or "in" in between):
        return [CLOTHES]
    if words and worn and PERSONS.isdisjoint(words):  # "the goalie on the left wears red"
        return _placed(CLOTHES, [word for word in words if word in _WHERE])
    return _worn_by(words)


def _before_alone(phrase: ColorPhrase, tokens: Sequence[Token]) -> int:
    """The index of the last word before a color and what may stand between the color and its thing; -1 for none."""
    last = phrase.first - 1
    while last >= 0:
        if _is_on_it(last, tokens):
            last -= 2
        elif tokens[last].text in _BEFORE_ALONE or (last + 1 < phrase.first and is_done_by(last, tokens)):
            last -= 1  # "a room decorated in black"
        else:
            break
    return last


def _is_on_it(index: int, tokens: Sequence[Token]) -> bool:
    """Whether a word is a pronoun behind a preposition: of "the plates on it white"."""
    return tokens[index].text in ("it", "them") and word_at(tokens, index - 1) in PREPOSITIONS


def _stood_for(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> list[str]:
    """What "it", "they" or "which" stands for in the clause of a color that else speaks of nothing.

    "Which" stands for what is named directly before, a pronoun for what the clause before begins with; none stands for
    a person, whose color would be that of the skin.
    """
    colors = color_indices(phrases)
    first = begin_of(phrase.first, tokens, colors, clause=True)
    said = [token.text for token in tokens[first : phrase.first]]
    if first and said and said[0] in RELATIVE:
        start = begin_of(first - 1, tokens, colors, clause=False)
        named = words_named(tokens[at].text for at in range(start, first) if at not in colors)
    elif PRONOUNS.isdisjoint(said) or not (SPEAKING | {"everything"}).isdisjoint(said):
        return []
    else:
        named = named_before(first, tokens, phrases, he=not {"he", "she"}.isdisjoint(said))
    return named if PERSONS.isdisjoint(named) else []


def _worn_by(words: list[str]) -> list[str]:
    """The words, with clothes in the place of a person: "woman on left" has "clothes on left"."""
    person = next((index for index, word in enumerate(words) if word in PERSONS), None)
    if person is None:
        return words
    before, after = ([word for word in part if word in _WHERE] for part in (words[:person], words[person + 1 :]))
    return [*before, CLOTHES, *after]


def _is_demanded(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color ends a demand: "make the sky blue", "change the car to green"."""
    if not ends_with(phrase, tokens, colors) or _before_alone(phrase, tokens) < 0:
        return False
    first = begin_of(phrase.first, tokens, colors, clause=True)
    commands = [index for index in range(first, phrase.first) if tokens[index].text in COMMANDS]
    return bool(commands and {*words_named(token.text for token in tokens[commands[0] : phrase.first])} - COUNTS)
