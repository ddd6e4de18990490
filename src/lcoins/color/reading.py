"""What a sentence says about colors: the phrases that ask for one, and those that are left alone, with the reason.

The vocabulary is the table of :mod:`lcoins.color.names` with its shades and forms, wider than that of
:func:`lcoins.color.words.find_colors`, which data sets, the counter-color loss and the benchmarks keep, so that their
figures stay comparable. What a person
reads of a sentence (the command line, the page, contact sheets) comes from here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from lcoins.color.ambiguous_names import PARTS, word_set
from lcoins.color.color_or_thing import NO_NOUN, is_color, is_paintable, joined_by
from lcoins.color.phrases import ColorPhrase, Token, color_phrases, phrase_at, tokens_of
from lcoins.color.shades import ISH_WORDS, SHADE_WORDS
from lcoins.color.words import BASIC_COLORS, COLORED, replaced

NEGATED, NAME, THING, PHOTO, SKIN = "negated", "a name", "a thing", "said of the photo", "said of a person"

_NEGATIONS = frozenset(("not", "no", "never", "without", "neither", "nor", "nothing", "none", "cannot"))
_NEGATIONS_OF_TWO = frozenset(
    (
        ("instead", "of"),
        ("rather", "than"),
        ("other", "than"),
        ("anything", "but"),
        ("except", "for"),
        ("far", "from"),
        ("free", "of"),
    )
)
# Between a negation and what it denies: "not a very red car", "without any green".
_FILLERS = word_set(
    """a an the any some very really at all longer so too much many either painted colored coloured completely
    entirely is are was be been of them it in dyed wearing have has this that quite even exactly"""
)
_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "mister"))
_DEMANDS = frozenset(("make", "paint", "color", "colour", "use", "turn", "let", "have", "want", "add", "give"))
_COLORING = frozenset(("make", "paint", "color", "colour", "colorize", "recolor", "turn", "dye", "keep"))
_DEFINITE = word_set("the his her its their my your our this that these those")
# Words that have a capital only at the beginning of a sentence.
_PLAIN = word_set(
    """a an the this that these those two three four five six many several some his her their its my our your one in
    on at by with and or of for is are there here behind under near over old young big small large man woman boy
    girl dog cat it he she they we i bright light dark pale deep people men women"""
)
# Names of two words that may begin a sentence, where their capitals are no proof.
_NAMES = word_set(
    """white_house red_cross green_bay black_friday black_sea red_sea red_sox white_sox red_bull blue_jays
    black_forest golden_gate golden_state orange_county green_day pink_floyd black_sabbath red_square red_wings
    white_castle blue_ridge brown_university"""
)
_PICTURES = word_set(
    """photo photos photograph photographs picture pictures image images photography film shot print portrait
    snapshot movie version pic tv television scene view"""
)
_SKINS = word_set("black white brown tan")
_PEOPLE = word_set(
    """man men woman women boy boys girl girls lady ladies guy guys person people child children kid kids baby babies
    couple male female toddler teenager"""
)
_OF_ANIMALS_TOO = word_set("baby kid male female couple")
_AGES = word_set("young old elderly little middle aged adult small tall bald")
_PATTERNS = word_set("striped stripe checkered checked plaid spotted dotted patterned print trimmed and")


@dataclass(frozen=True)
class LeftAlone:
    """Words that hold a color's name and ask for no color: as written, their span [start, end), and why.

    ``kept_from_model`` is the span of those that the model shall not read, or None.
    """

    text: str
    start: int
    end: int
    reason: str
    kept_from_model: tuple[int, int] | None = None


@dataclass(frozen=True)
class Reading:
    """What a sentence asks for (``colors``) and what it leaves alone, both in order."""

    sentence: str
    colors: tuple[ColorPhrase, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    def for_model(self) -> str:
        """The sentence as the model reads it: painted names for those it never met, without negations and names.

        A model obeys the color in "not red" and in "Mr Brown", so neither reaches it. Things stay: that there is orange
        juice is worth knowing. A sentence of which nothing is left is "a photo".

        >>> read_sentence("Mr Brown has a vermilion car, not a red one").for_model()
        'Mr has a bright red car, one'
        """
        edits: dict[tuple[int, int], ColorPhrase | None] = {
            (phrase.start, phrase.end): phrase for phrase in self.colors if phrase.substitute
        }
        edits |= {part.kept_from_model: None for part in self.left_alone if part.kept_from_model}
        text = self.sentence
        for (start, end), phrase in sorted(edits.items(), reverse=True):
            if phrase is None or phrase.substitute is None:
                text = f"{text[:start]} {text[end:]}"
            else:
                text = replaced(text, phrase, phrase.substitute)
        return (" ".join(text.split()) if edits else text) or "a photo"


def read_sentence(sentence: str) -> Reading:
    """Finds what a sentence says about colors.

    >>> reading = read_sentence("A dark-red car, not blue, before an orange and the White House")
    >>> [phrase.color for phrase in reading.colors], [(part.text, part.reason) for part in reading.left_alone]
    (['dark red'], [('not blue', 'negated'), ('orange', 'a thing'), ('White House', 'a name')])
    """
    tokens = tokens_of(sentence)
    phrases = [_demanded(phrase, sentence, tokens) for phrase in color_phrases(sentence, tokens)]
    colors: list[ColorPhrase] = []
    left: list[LeftAlone] = []
    negated: ColorPhrase | None = None  # the last phrase, if it is denied
    for index, phrase in enumerate(phrases):
        previous = phrases[index - 1] if index else None
        joint = None if previous is None else joined_by(tokens, previous, phrase)
        start = _negation(phrase, tokens)
        if start is None and negated is not None and joint in ("or", "nor"):
            start = negated.last + 1
        negated = None if start is None else phrase
        span = (phrase.first, phrase.last) if start is None else (start, phrase.last)
        reason = NEGATED
        if start is None:
            name = _name(phrase, tokens)
            known = bool(joint) and bool(colors) and colors[-1] is previous
            if name is not None:
                span, reason = name, NAME
            elif _of_the_photo(phrase, tokens):
                reason = PHOTO
            elif _of_skin(phrase, tokens):
                reason = SKIN
            elif _in_compound(phrase, tokens) or not is_color(phrase, tokens, phrases, known):
                reason = THING
            else:
                colors.append(phrase)
                continue
        begin, end = tokens[span[0]].start, tokens[span[1]].end
        if (
            previous is not None
            and joint is not None
            and left
            and left[-1].reason == reason
            and left[-1].end == previous.end
            and reason != THING
        ):
            begin = left.pop().start  # "no blue or green", "black and white"
        kept = {NEGATED: (begin, end), NAME: (phrase.start, phrase.end)}.get(reason)
        left.append(LeftAlone(sentence[begin:end], begin, end, reason, kept))
    return Reading(sentence, tuple(colors), tuple(left))


def _demanded(phrase: ColorPhrase, sentence: str, tokens: Sequence[Token]) -> ColorPhrase:
    """The last word of "color the sky blue", where the phrase is what shall take that color and the color.

    So where the phrase follows an article and ends a demand, and names a thing before its color: not "light blue".
    """
    first, last = phrase.first, phrase.last
    if first == last or first == 0 or tokens[first - 1].text not in _DEFINITE or phrase.colored:
        return phrase
    if last + 1 < len(tokens) and tokens[last + 1].joined and tokens[last + 1].text not in ("and", "please"):
        return phrase
    start = first
    while start > 0 and tokens[start].joined and tokens[start - 1].text not in _COLORING:
        start -= 1
    if start == 0 or not tokens[start].joined:
        return phrase
    thing = " ".join(token.text for token in tokens[first:last])
    if any(word in SHADE_WORDS or word in BASIC_COLORS or word in ISH_WORDS for word in thing.split()):
        return phrase
    return phrase_at(sentence, tokens, last) or phrase


def _negation(phrase: ColorPhrase, tokens: Sequence[Token]) -> int | None:
    """The index of the first word to leave out with a phrase that is denied, or None where it is not."""
    index = phrase.first
    while index > 0 and tokens[index].joined:
        index -= 1
        word = tokens[index].text
        pair = (tokens[index - 1].text if index else "", word)
        if pair in _NEGATIONS_OF_TWO:
            return index - 1
        if word in _NEGATIONS or word.endswith(("n't", "n\u2019t")):
            only = tokens[index + 1].text in ("only", "just")
            return None if only else index
        if word not in _FILLERS:
            break
    return phrase.first if _forbidden(phrase, tokens) else None


def _forbidden(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether the phrase ends a request that begins with "do not make" or the like, with no comma between."""
    for index in range(phrase.first, 0, -1):
        if not tokens[index].joined or tokens[index].text in ("but", "and"):
            return False
        before = tokens[index - 1].text
        if tokens[index].text in _DEMANDS and (before in ("not", "never") or before.endswith(("n't", "n\u2019t"))):
            return True
    return False


def _name(phrase: ColorPhrase, tokens: Sequence[Token]) -> tuple[int, int] | None:
    """The first and last token of the proper name that a phrase belongs to: "Mr Brown", "the White House"."""
    first, last = phrase.first, phrase.last
    before = tokens[first - 1] if first else None
    after = tokens[last + 1] if last + 1 < len(tokens) and tokens[last + 1].joined else None
    if before is not None and before.text in _TITLES and tokens[first].gap.strip() in ("", "."):
        return first, last
    if not tokens[first].capital:
        return None
    if after is not None and after.capital and f"{tokens[last].text}_{after.text}" in _NAMES:
        return first, last + 1
    if _in_title_case(tokens):
        return None
    if after is not None and after.capital and before is not None and len(after.text) > 1:
        thing = before.text != "the" and is_paintable(after.text)  # "a Blue Bus"
        if not thing and not color_phrases(after.text, tokens_of(after.text)):
            return first, last + 1
    if before is None or not before.capital or not tokens[first].joined or before.text in _PLAIN:
        return None
    return None if color_phrases(before.text, tokens_of(before.text)) else (first, last)


def _in_title_case(tokens: Sequence[Token]) -> bool:
    """Whether capitals tell nothing, since most longer words have one."""
    long = [token for token in tokens if len(token.text) > 3]
    return len(long) > 3 and sum(token.capital for token in long) >= 0.75 * len(long)


def _in_compound(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether hyphens join it to a word that it says nothing visible of: "ice-cream", "blue-collar"."""
    last = phrase.last
    while last + 1 < len(tokens) and tokens[last + 1].hyphenated:
        last += 1
    end = tokens[last].text
    colored = last == phrase.last or end in COLORED | _PATTERNS | PARTS.keys() | {"color", "colour"}
    if not colored and not color_phrases(end, tokens_of(end)):
        return True
    before = tokens[phrase.first - 1].text if phrase.first and tokens[phrase.first].joined else ""
    return phrase.base == "cream" and before in ("ice", "whipped", "sour", "shaving", "sun")


def _of_the_photo(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether it is half of "black and white" in "a black and white photo" or "a photo in black and white"."""
    if phrase.color not in ("black", "white"):
        return False
    for start in (phrase.first, phrase.first - 1, phrase.first - 2):
        if start < 0 or tokens[start].text != "black":
            continue
        end = start + 1 + (start + 1 < len(tokens) and tokens[start + 1].text == "and")
        if end >= len(tokens) or tokens[end].text != "white" or not start <= phrase.first <= end:
            continue
        after = tokens[end + 1].text if end + 1 < len(tokens) else ""
        before = [token.text for token in tokens[max(0, start - 4) : start]]
        if after in _PICTURES or (before[-1:] == ["in"] and _PICTURES & {*before}):
            return True
    return False


def _of_skin(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether it tells of a person and not of paint: "a black man", "two white women"."""
    after = phrase.last + 1
    while after < len(tokens) and tokens[after].text in _AGES:
        after += 1
    if phrase.color not in _SKINS or after >= len(tokens) or not tokens[after].joined:
        return False
    if tokens[after].text in _OF_ANIMALS_TOO and after + 1 < len(tokens) and tokens[after + 1].joined:  # "a baby bear"
        word = tokens[after + 1].text
        return word in NO_NOUN | _PEOPLE or word.endswith(("ing", "ed"))
    return tokens[after].text in _PEOPLE
