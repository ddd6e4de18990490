"""What a color word speaks of: the words of its phrase without colors, "the bus on the left" of "the bus on the left is
red, beside a green car".

A rule, not a parser. A phrase ends at commas and joining words, and at prepositions that begin no place in the photo; a
color behind a form of "to be" speaks of all that its clause says before, and one that stands alone, "a bus, red" or "a
bus in red", of the phrase before. "One" and "the other" are what was named last.
"""

from collections.abc import Iterable, Sequence

from lcoins.color.ambiguous_names import word_set
from lcoins.color.color_or_thing import PERSONS
from lcoins.color.phrases import ColorPhrase, Token

_JOINTS = word_set("and or but while whereas then as that which who whose where")
_PREPOSITIONS = word_set(
    """in on at by near next beside besides behind under over above below against with without of to from for into onto
    inside outside through across along around between among before after down up off toward towards wearing holding
    having has have plus versus atop amid"""
)
_PLACES = word_set(
    """left right middle center centre top bottom front back foreground background corner side upper lower far near
    rear distance"""
)
PLACE_WORDS = _PLACES | word_set("in on at to larger smaller bigger large small central above below")
_ARTICLES = word_set("a an the its his her their my your our this these that those")
_TO_BE = word_set("is are was were be looks look appears seems become becomes")
FUNCTION_WORDS = _JOINTS | _PREPOSITIONS | _ARTICLES | _TO_BE  # which name no thing
MOST = 64  # colors of a sentence: a long one must not take any amount of time and memory
CLOTHES = "clothes"  # how grounding knows all that a person wears
# What stands between a thing and its color, or before it, and names nothing: "the car should be painted red".
_AUXILIARIES = word_set(
    """should must could will would shall may might isn't aren't been being to painted colored coloured dyed stay"""
)
_COMMANDS = word_set("make let paint color colour colorize colourise recolor turn dye give keep please")
_PRONOUNS = word_set("i it they them everything we you he she")
_RELATIVE = word_set("that which who")
# Things that end as what they do does; any other word in "-ing" begins to tell what a thing does.
_NOUNS_IN_ING = word_set(
    """building ceiling clothing painting wedding earring string railing awning frosting icing topping pudding
    lightning lighting dining swimming parking living sewing washing boxing skiing hunting fishing racing sibling
    dumpling stocking sling swing spring"""
)
_BEFORE_COLORS = word_set("and or all very both completely entirely mostly painted colored coloured dyed")  # predicates
_BREAKS = frozenset(".,;:!?()\u2013\u2014")
_COLOR_ITSELF = word_set("color colour shade tone hue")  # "the color of the bus"
_COUNTS = word_set("two three four five six seven eight nine ten both several some many few pair")
_STANDING_FOR = word_set("one ones other others another first second third last latter former")
SIDES = (("left", "right"), ("upper", "lower"), ("top", "bottom"))  # opposites, that of the smaller coordinate first
MIDDLE = word_set("middle center centre central")
_OPPOSITE = {word: other for pair in SIDES for word, other in (pair, pair[::-1])}
_OVER, _UNDER = word_set("above over atop"), word_set("below beneath under underneath")
_BEFORE_ALONE = (
    word_set("in of with painted colored coloured dyed light dark pale deep bright") | _COLOR_ITSELF | _ARTICLES
)


def things_spoken_of(tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> list[str]:
    """What each color phrase speaks of, in order; "" where there is nothing but colors, and from ``MOST`` phrases on.

    "One" and "the other" stand for what was named last: "the left cup is red and the right one is blue" speaks of "left
    cup" and "right cup". Of two or three things of one name, each has a side: where the sentence gives none, the first
    is the left one, so that "a red cup beside a blue cup" is "left cup" and "right cup", and that the second of three
    is the "middle cup". Of 119 captions of training photos that name two things so, 64 % begin at the left.

    Args:
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    found: list[str] = []
    for phrase in phrases[:MOST]:
        words = spoken_of(phrase, tokens, phrases).split()
        named = [word for word in words if word not in _STANDING_FOR]
        if words != named and not noun_of(" ".join(named)):
            noun = noun_of(found[-1]) if found else " ".join(_worn_by(_counted(phrase, tokens)))
            named = _placed(noun, named) if noun else []
        found.append(" ".join(named))
    for noun in dict.fromkeys(filter(None, map(noun_of, found))):
        _give_sides(found, noun, tokens, phrases)
    unclear = CLOTHES if found.count(CLOTHES) > 1 else None  # of several persons, whom nothing tells apart
    return ["" if thing == unclear else thing for thing in found] + [""] * (len(phrases) - len(found))


def _give_sides(found: list[str], noun: str, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> None:
    """Gives two or three things of one name in ``found`` the sides that they lack, if they differ in color."""
    mentions = _mentions(found, noun, tokens, phrases)
    if len(mentions) not in (2, 3) or len({frozenset(phrases[i].color for i in mention) for mention in mentions}) == 1:
        return
    given = [next((word for word in found[mention[0]].split() if word in _OPPOSITE), "") for mention in mentions]
    middle = [not MIDDLE.isdisjoint(found[mention[0]].split()) for mention in mentions]
    if len(mentions) == 2 and any(middle):
        return
    between = _between(phrases[mentions[0][-1]], phrases[mentions[1][0]], tokens)
    said = "upper" if between & _OVER else "lower" if between & _UNDER else "left"
    first = given[0] or _OPPOSITE.get(given[-1], said)
    sides = [first, _OPPOSITE[first]] if len(mentions) == 2 else [first, "middle", _OPPOSITE[first]]
    left = iter([side for side in sides if side not in given and not (side == "middle" and any(middle))])
    for mention, has_side in zip(mentions, (one or two for one, two in zip(given, middle, strict=True)), strict=True):
        side = "" if has_side else next(left, "")
        for index in mention if side else ():
            found[index] = f"{side} {found[index]}"


def _mentions(found: list[str], noun: str, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> list[list[int]]:
    """The phrases about each thing of a name, as indices: two of them in "a red and white cup", before "and a cup"."""
    again = _STANDING_FOR | (PERSONS if noun == CLOTHES else {noun.split()[-1]})
    mentions: list[list[int]] = []
    for index in (index for index, thing in enumerate(found) if noun_of(thing) == noun):
        if not mentions or _between(phrases[mentions[-1][-1]], phrases[index], tokens) & again:
            mentions.append([])
        mentions[-1].append(index)
    return mentions


def _between(one: ColorPhrase, other: ColorPhrase, tokens: Sequence[Token]) -> set[str]:
    """The words between two color phrases."""
    return {token.text for token in tokens[one.last + 1 : other.first]}


def spoken_of(phrase: ColorPhrase, tokens: Sequence[Token], phrases: Sequence[ColorPhrase]) -> str:
    """The words that a color phrase speaks of, in lower case; "" where there are none but colors.

    Args:
        phrase: one of ``phrases``.
        tokens: the words of the sentence, of :func:`lcoins.color.phrases.tokens_of`.
        phrases: all that the sentence says of colors, in order.
    """
    colors = {index for one in phrases for index in range(one.first, one.last + 1)}
    first, last = phrase.first, phrase.last
    if _is_behind_colon(phrase, tokens, colors):  # "eyes: green"
        first = _begin(first - 1, tokens, colors, clause=True)
        last = phrase.first - 1
    elif _is_predicate(first, tokens, colors):
        first = _begin(first, tokens, colors, clause=True)
        relative = [index for index in range(first + 1, phrase.first) if tokens[index].text in _RELATIVE]
        if relative:  # "a photo of a train that is blue" speaks of what stands last before "that"
            last = relative[-1] - 1
            first = _begin(last, tokens, colors, clause=False)
    else:
        first = _begin(first, tokens, colors, clause=False)
        last = _end(last, tokens, colors)
    named = _named(tokens[index].text for index in range(first, last + 1) if index not in colors)
    return " ".join(named or _before(phrase, tokens, colors))


def _named(words: Iterable[str]) -> list[str]:
    """The words that name something, of a phrase or clause without its colors."""
    words = list(words)
    while words and words[0] in _JOINTS | _PREPOSITIONS | _COMMANDS | _ARTICLES | _COLOR_ITSELF:
        words = words[1:]
    unnamed = _ARTICLES | _TO_BE | _AUXILIARIES | _JOINTS | _PRONOUNS | {"there"}
    return [word for word in words if word not in unnamed]


def _placed(noun: str, place: list[str]) -> list[str]:
    return [noun, *place] if place and place[0] in _PREPOSITIONS else [*place, noun]


def noun_of(thing: str) -> str:
    """A name without its words of place: "cup" of "left cup" and of "cup on right"."""
    return " ".join(word for word in thing.split() if word not in PLACE_WORDS)


def _before(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> list[str]:
    """What the phrase before a color that stands alone names: "bus" of "a bus, red" and of "a bus in red".

    Nothing where that has a color of its own. "A woman in red" has clothes of that color, no skin.
    """
    last = phrase.first - 1
    while last >= 0 and tokens[last].text in _BEFORE_ALONE:
        last -= 1
    if last < 0:
        return []
    first = _begin(last, tokens, colors, clause=False)
    words = [] if colors & {*range(first, last + 1)} else _named(token.text for token in tokens[first : last + 1])
    return _worn_by(words)


def _worn_by(words: list[str]) -> list[str]:
    """The words, with clothes in the place of a person: "woman on left" has "clothes on left"."""
    person = next((index for index, word in enumerate(words) if word in PERSONS - _STANDING_FOR), None)
    if person is None:
        return words
    return [word for word in words[:person] if word in PLACE_WORDS] + [CLOTHES, *words[person + 1 :]]


def _counted(phrase: ColorPhrase, tokens: Sequence[Token]) -> list[str]:
    """What is counted before a color phrase, "cars" of "two cars, one red"."""
    for first in range(phrase.first - 1, -1, -1):
        if tokens[first].text in _COUNTS:
            return _named(token.text for token in tokens[first + 1 : _end(first, tokens[: phrase.first], set()) + 1])
    return []


def _begin(index: int, tokens: Sequence[Token], colors: set[int], *, clause: bool) -> int:
    """Where the phrase, or the clause, of the word at ``index`` begins."""
    while index > 0 and not _begins(index, tokens, colors, clause=clause):
        index -= 1
    return index


def _end(index: int, tokens: Sequence[Token], colors: set[int]) -> int:
    """Where the phrase of the word at ``index`` ends."""
    while index + 1 < len(tokens) and not _begins(index + 1, tokens, colors, clause=False):
        index += 1
    return index


def _is_predicate(index: int, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether the color at ``index`` stands behind a form of "to be", perhaps after another color of the same thing."""
    while index > 0:
        index -= 1
        word = tokens[index].text
        if word in _TO_BE:
            return True
        if index not in colors and word not in _BEFORE_COLORS:
            return False
    return False


def _is_behind_colon(phrase: ColorPhrase, tokens: Sequence[Token], colors: set[int]) -> bool:
    """Whether a color stands behind a colon and before nothing else: "car: red", but not "a photo: red cars"."""
    ends = phrase.last + 1 >= len(tokens) or _begins(phrase.last + 1, tokens, colors, clause=False)
    return phrase.first > 0 and ":" in tokens[phrase.first].gap and ends


def _begins(index: int, tokens: Sequence[Token], colors: set[int], *, clause: bool) -> bool:
    """Whether the word at ``index`` begins another phrase than that of the word before it; or another clause."""
    token = tokens[index]
    if _BREAKS & set(token.gap):
        return not (index in colors and index - 1 in colors)  # "red, white and blue"
    word = token.text
    if word in ("and", "or"):
        return not (index - 1 in colors and index + 1 < len(tokens) and index + 1 in colors)
    if word in _JOINTS:
        return not (clause and word in _RELATIVE)
    if clause:
        return False
    if word in _PREPOSITIONS:
        return not _is_place(index, tokens)
    if word in _ARTICLES:
        return not _is_place(index - 1, tokens)
    return word.endswith("ing") and len(word) > 4 and word not in _NOUNS_IN_ING and index - 1 not in colors


def _is_place(index: int, tokens: Sequence[Token]) -> bool:
    """Whether the preposition at ``index`` begins a place in the photo: "on the left", "in the middle"."""
    after = [token.text for token in tokens[index + 1 : index + 3]]
    is_preposition = tokens[index].text in _PREPOSITIONS
    return is_preposition and bool(after) and (after[0] in _PLACES or (after[0] in _ARTICLES and after[-1] in _PLACES))
