"""Where in the photo a sentence says that a thing is, and which of several things of one name it means: "left cup"."""

from collections.abc import Sequence

from lcoins.color.ambiguous_names import PARTS, PARTS_OF_ONE
from lcoins.color.phrases import ColorPhrase, Token, color_indices, word_at
from lcoins.color.word_kinds import (
    ARTICLES,
    COUNTS,
    DEGREES,
    DESCRIBING,
    DRESSED,
    HAVING,
    PERSONS,
    PREPOSITIONS,
    STANDING_FOR,
    WORN,
    word_set,
)

SIDES = (("left", "right"), ("upper", "lower"), ("top", "bottom"))  # opposites, that of the smaller coordinate first
MIDDLE = word_set("middle center centre central")
ORDER = ("first", "second", "third")  # of things of one name that a sentence gives no sides
AND = "and"  # between the names of several things that one color speaks of
CLOTHES = "clothes"  # how grounding knows all that a person wears
PLACES = MIDDLE | word_set("left right top bottom front back foreground background corner side upper lower far near")
PLACES |= word_set("rear distance")
SIZES = word_set("larger smaller bigger large small big little huge tiny")
PLACE_WORDS = PLACES | SIZES | word_set("in on at to above below")
_BESIDE_NOUNS = PLACE_WORDS.union(ORDER)
_OPPOSITE = {word: other for pair in SIDES for word, other in (pair, pair[::-1])}
_OVER, _UNDER = word_set("above over atop"), word_set("below beneath under underneath")
_HAVING = HAVING | word_set("holds carries carrying with in")
# "The right hand", "middle-aged", "middle eastern".
_NOT_OF_THINGS = word_set("hand hands arm arms leg legs foot feet eye ear shoulder knee wrist aged age class eastern")
_AFTER_A_PLACE = word_set("is are was were there we i you see can")
_TO_A_PLACE = word_set("far in on at to")
_TOWARDS = word_set("to toward towards far")
_DIRECTED = word_set("look looks looking face faces facing turn turns turned turning lean leans leaning point points")
_DIRECTED |= word_set("pointing go goes going move moves moving heading")
_BEFORE_HAVING = word_set("is are was were who that which dressed side hand")
_BEFORE_ANOTHER = COUNTS | DEGREES | DESCRIBING | PLACES | word_set("a an the and or")
_NO_OWNER = word_set("and or but while whereas then as near by next beside behind under over of for from")


def noun_of(thing: str) -> str:
    """A name without its words of place, size and order: "cup" of "left cup", "cup on right" and "second big cup"."""
    words = thing.split()
    return " ".join(word for at, word in enumerate(words) if word not in _BESIDE_NOUNS or is_garment(at, words))


def last_noun(thing: str) -> str:
    """The last word of a name without its words of place, size and order: "jacket" of "left life jacket"."""
    return noun_of(thing).rpartition(" ")[2]


def is_worn(thing: str) -> bool:
    """Whether a name is that of clothes, of a part of them, or of hair."""
    return last_noun(thing) in WORN | {CLOTHES}


def is_garment(at: int, words: Sequence[str]) -> bool:
    """Whether a word of a name is the "top" that one wears: of "tank top", not of "book on top" and "top shelf"."""
    return words[at] == "top" and at == len(words) - 1 and (at == 0 or words[at - 1] not in ("in", "on", "at"))


def give_sides(
    found: list[str],
    numbers: Sequence[str],
    tokens: Sequence[Token],
    phrases: Sequence[ColorPhrase],
) -> None:
    """Gives things the sides that the sentence says of their owners, and tells two or three of one name apart.

    "The boy on the right has a red shirt" speaks of a "right shirt". Where nothing says which of two or three things of
    one name and of several colors is which, they are the "first shirt" and the "second shirt", also where sizes and
    depths do, "the big dog" or "the car in front", which nothing here compares.

    Args:
        found: what each color phrase speaks of, in order; changed in place.
        numbers: the one of ORDER that the sentence itself says of each, or "".
        tokens: the words of the sentence.
        phrases: its color phrases; there may be more of them than are found.
    """
    for noun in dict.fromkeys(filter(None, map(noun_of, found))):
        mentions = mentions_of(found, noun, tokens, phrases)
        given = [side_in(found[mention[0]].split()) for mention in mentions]
        own = [bool(side) for side in given]
        for number, mention in enumerate(mentions):
            given[number] = given[number] or _side_of_owner(mention[0], tokens, phrases)
        colors = {frozenset(phrases[index].color for index in mention) for mention in mentions}
        if len(mentions) in (2, 3) and len(colors) > 1:
            said = _direction(tokens) or _first_side(phrases[mentions[0][-1]], phrases[mentions[1][0]], tokens)
            given = _filled(given, said) if said or any(given) else _counted([numbers[one[0]] for one in mentions])
        for mention, side, is_own in zip(mentions, given, own, strict=True):
            for index in mention if side and not is_own else ():
                found[index] = f"{side} {found[index]}"


def mentions_of(
    found: list[str], noun: str, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]
) -> list[list[int]]:
    """The color phrases about each thing of a name, as indices: [[0, 1], [2]] of "a red and white cup, a blue cup"."""
    mentions: list[list[int]] = []
    again = _named_again(noun)
    for index in (index for index, thing in enumerate(found) if noun_of(thing) == noun):
        same = [mention for mention in mentions[:-1] if phrases[index].color in {phrases[at].color for at in mention}]
        if same and phrases[index].first and tokens[phrases[index].first - 1].text == "the":  # "and the brown dog"
            same[-1].append(index)
            continue
        last = phrases[mentions[-1][-1]] if mentions else None
        if last is None or _between(last, phrases[index], tokens) & again or _is_another(last, phrases[index], tokens):
            mentions.append([])
        mentions[-1].append(index)
    return mentions


def _named_again(noun: str) -> frozenset[str]:
    """The words by which a sentence names a further thing of a name: "cup" and "one" of "cup"."""
    if noun == CLOTHES:
        return STANDING_FOR | PERSONS | DRESSED
    having = {word for word, part in PARTS.items() if part == noun}  # "uniformed"
    return STANDING_FOR | {noun.split()[-1]} | having | (PERSONS if noun in PARTS_OF_ONE.values() else frozenset())


def _between(one: ColorPhrase, other: ColorPhrase, tokens: Sequence[Token]) -> set[str]:
    """The words between two color phrases."""
    return {token.text for token in tokens[one.last + 1 : other.first]}


def _is_another(one: ColorPhrase, other: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether an article or a number begins a further thing, whose noun comes later: "a red and a large blue cup"."""
    between = tokens[one.last + 1 : other.first]
    words = {token.text for token in between}
    return words <= _BEFORE_ANOTHER and (
        bool(words & (COUNTS | {"a", "an"})) or ("the" in words and all(token.joined for token in between))
    )


def side_in(words: Sequence[str]) -> str:
    """The first side that words name, "middle" for all that lies between two sides; "" where there is none."""
    sides = (word for at, word in enumerate(words) if word in _OPPOSITE and not is_garment(at, words))
    return next(sides, "" if MIDDLE.isdisjoint(words) else "middle")


def _is_side(at: int, tokens: Sequence[Token]) -> bool:
    """Whether a word of place says where something is: not "a black top", "the right hand" or "looking left"."""
    word, after = tokens[at].text, {token.text for token in tokens[at + 1 : at + 2]}
    before = at - 1
    while before >= 0 and tokens[before].text in ARTICLES | _TOWARDS:
        before -= 1
    lead = tokens[before].text if before >= 0 else ""
    if word not in MIDDLE | _OPPOSITE.keys() or after & _NOT_OF_THINGS or lead in _DIRECTED:
        return False
    return word not in ("top", "bottom") or lead in ("in", "on", "at")


def _side_before(at: int, tokens: Sequence[Token]) -> str:
    """The side with which a clause begins up to the word at an index: "on the left is", "to the right,", "left:"."""
    while at >= 0 and tokens[at].text in ARTICLES | _AFTER_A_PLACE:
        at -= 1
    if at < 0 or not side_in([tokens[at].text]):
        return ""
    first = at - 1
    while first >= 0 and tokens[first + 1].joined and tokens[first].text in ARTICLES | _TO_A_PLACE:
        first -= 1
    first += 1
    if first == at and ":" not in tokens[at + 1].gap and tokens[at + 1].text not in ARTICLES:
        return ""
    begins = first == 0 or not tokens[first].joined or tokens[first - 1].text in ("and", "but", "while")
    return side_in([tokens[at].text]) if begins else ""


def _direction(tokens: Sequence[Token]) -> str:
    """The side where an enumeration begins that says so, "left" of "from left to right"; "" where none does."""
    for one, to, other in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if to.text == "to" and _OPPOSITE.get(one.text) == other.text:
            return one.text
    return ""


def _first_side(one: ColorPhrase, other: ColorPhrase, tokens: Sequence[Token]) -> str:
    """The side of the first of two things by what stands between them, "upper" of "jumps over a black dog", or ""."""
    words = [token.text for token in tokens[one.last + 1 : other.first]]
    last = next((word for word in reversed(words) if word in PREPOSITIONS | _OVER | _UNDER), "")
    return "upper" if last in _OVER else "lower" if last in _UNDER else ""


def _filled(given: list[str], said: str) -> list[str]:
    """The sides of two or three things of one name, those that it lacks filled in by those of the others.

    Where none has one the first has the side that is ``said``.
    """
    if len(given) == 2 and "middle" in given:
        return given
    first = given[0] if given[0] in _OPPOSITE else _OPPOSITE.get(given[-1], said or "left")
    sides = [first, *(["middle"] if len(given) == 3 else []), _OPPOSITE[first]]
    left = iter([side for side in sides if side not in given])
    return [side or next(left, "") for side in given]


def _counted(numbers: list[str]) -> list[str]:
    """The order of two or three things of one name: the numbers that the sentence says, the others filled in.

    >>> _counted(["second", ""]), _counted(["third", "second"]), _counted(["", ""])
    (['second', 'first'], ['second', 'first'], ['first', 'second'])
    """
    said = [number for number in numbers if number]
    order = [*ORDER[: len(numbers)]]
    if len({*said}) < len(said):
        return order
    if len(said) == len(numbers):
        ranked = sorted(said, key=ORDER.index)
        return [order[ranked.index(number)] for number in numbers]
    left = iter([number for number in order if number not in said])
    return [number if number in order else next(left, "") for number in numbers]


def _begins_a_clause(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether a form of "to be" follows: "and a green car is parked"."""
    for token in tokens[phrase.last + 1 : phrase.last + 5]:
        if not token.joined or token.text in _NO_OWNER | ARTICLES:
            return False
        if token.text in ("is", "are", "was", "were", "stands", "lies", "sits"):
            return True
    return False


def _is_with_it(index: int, joint: int, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> bool:
    """Whether "with" joins what is worn to clothes of the color before: the hat of "in a red coat with a blue hat"."""
    if not index or word_at(tokens, joint) != "with" or word_at(tokens, joint - 1) not in WORN:
        return False
    between = tokens[phrases[index - 1].last + 1 : joint]
    told = all(token.joined and token.text not in _NO_OWNER | ARTICLES | PERSONS | _HAVING for token in between)
    return told and any(token.text in WORN for token in tokens[phrases[index].last + 1 : phrases[index].last + 4])


def _side_of_owner(index: int, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> str:
    """The side of the owner of a thing: of "the boy on the right has a red shirt" and "the right one a red shirt".

    "And blue trousers" belong to whom what stands before belongs to, and so does the hat of "a coat with a blue hat".
    """
    colors = color_indices(phrases)
    at = phrases[index].first - 1
    joint = at - 1 if at >= 0 and tokens[at].text in ARTICLES else at
    if joint < at and (side := _side_before(joint, tokens)):
        return side
    if joint >= 0 and ":" in tokens[joint + 1].gap:  # "left boy: a blue shirt"
        label = joint
        while label > 0 and tokens[label].joined:
            label -= 1
        return side_in([token.text for token in tokens[label : joint + 1]])
    goes_on = joint > 0 and tokens[joint].text == "and" and joint - 1 not in colors
    goes_on = goes_on or _is_with_it(index, joint, tokens, phrases)
    if index and goes_on and not _begins_a_clause(phrases[index], tokens):
        return _side_of_owner(index - 1, tokens, phrases)
    while at >= 0 and at not in colors and tokens[at].text not in _HAVING | PERSONS | STANDING_FOR:
        if tokens[at].text in _NO_OWNER or not tokens[at + 1].joined:
            return ""
        at -= 1
    if at < 0 or at in colors or not tokens[at + 1].joined:
        return ""
    if tokens[at].text in _HAVING:
        at -= 1
    while at >= 0 and tokens[at].joined and tokens[at].text in _BEFORE_HAVING:
        at -= 1
    while at >= 0 and at not in colors and tokens[at].text not in _NO_OWNER:
        if not tokens[at + 1].joined and tokens[at + 1].gap.strip() != ")":  # "my brother (left) has a red shirt"
            break
        if _is_side(at, tokens):
            return tokens[at].text if tokens[at].text in _OPPOSITE else "middle"
        if tokens[at].text in ARTICLES:
            if word_at(tokens, at - 1) not in _HAVING or not tokens[at].joined:
                break
            at -= 1  # "wearing a shirt in blue"
        at -= 1
    return _side_before(at, tokens) if at >= 0 and tokens[at].text in ARTICLES else ""
