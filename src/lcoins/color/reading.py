"""What a sentence says about colors: the phrases that ask for one, and those that are left alone, with the reason.

The vocabulary is the table of :mod:`lcoins.color.names` with its shades and forms, wider than that of
:func:`lcoins.color.words.find_colors`, which data sets, the counter-color loss and the benchmarks keep, so that their
figures stay comparable. What a person
reads of a sentence (the command line, the page, contact sheets) comes from here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from lcoins.color.color_or_thing import is_color, is_paintable, joined_by
from lcoins.color.denial import denied_span, negation, without_spans
from lcoins.color.phrases import ColorPhrase, Token, color_phrases, phrase_at, tokens_of, word_at
from lcoins.color.shades import ISH_WORDS, SHADE_WORDS
from lcoins.color.spoken_of import things_spoken_of
from lcoins.color.word_kinds import ARTICLES, DRESSED, NO_NOUN, PERSONS, TO_BE, word_set
from lcoins.color.words import BASIC_COLORS, COLORED, replaced, without_words

NEGATED, NAME, THING, PHOTO, SKIN = "negated", "a name", "a thing", "said of the photo", "said of a person"

_TITLES = frozenset(("mr", "mrs", "ms", "miss", "dr", "prof", "professor", "sir", "mister"))
_FAMILIES = word_set("family families family's household brothers sisters twins residence")
_DEFINITE = ARTICLES - {"a", "an"}
_BEFORE_A_COLOR = word_set("in of to like painted dyed love prefer")  # before "the sky blue"
_OF_COLORS = frozenset((*SHADE_WORDS, *BASIC_COLORS, *ISH_WORDS))  # not of things
_BEHIND_A_CLAUSE = word_set("and but with on in under behind before while please")
# Words that have a capital only at the beginning of a sentence.
_PLAIN = word_set(
    """a an the this that these those two three four five six many several some his her their its my our your
    one in on at by with and or of for is are there here behind under near over old young big small large man
    woman boy girl dog cat it he she they we i bright light dark pale deep people men women was were wore wears
    wearing has had"""
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
_SAID_OF_SKIN = PERSONS - word_set("player players")  # who are called by their jerseys, too
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
    """What a sentence asks for (``colors``), what each of these speaks of, and what it leaves alone, all in order."""

    sentence: str
    colors: tuple[ColorPhrase, ...] = ()
    things: tuple[str, ...] = ()
    left_alone: tuple[LeftAlone, ...] = ()

    def for_model(self, without: Collection[ColorPhrase] = ()) -> str:
        """The sentence as the model reads it: painted names for those it never met, without negations and names.

        Args:
            without: phrases of ``colors`` that are left out, too.

        A model obeys the color in "not red" and in "Mr Brown", so neither reaches it. Things stay: that there is orange
        juice is worth knowing. A sentence of which nothing is left is "a photo".

        >>> read_sentence("Mr Brown has a vermilion car, not a red one").for_model()
        'Mr has a bright red car, one'
        """
        edits: dict[tuple[int, int], ColorPhrase | None] = {
            (phrase.start, phrase.end): phrase for phrase in self.colors if phrase.substitute or phrase in without
        }
        edits |= {part.kept_from_model: None for part in self.left_alone if part.kept_from_model}
        text = self.sentence
        for (start, end), phrase in sorted(edits.items(), reverse=True):
            if phrase is None:
                text = f"{text[:start]} {text[end:]}"
            elif phrase in without:
                text = without_words(text, [phrase])
            else:
                text = replaced(text, phrase, phrase.substitute or phrase.word)
        return (" ".join(text.split()) if edits else text) or "a photo"


@lru_cache(maxsize=4096)
def read_sentence(sentence: str) -> Reading:
    """Finds what a sentence says about colors; what was read last is kept, for each part of a work asks again.

    >>> reading = read_sentence("A dark-red car, not blue, before an orange and the White House")
    >>> [phrase.color for phrase in reading.colors], reading.things
    (['dark red'], ('car',))
    >>> [(part.text, part.reason) for part in reading.left_alone]
    [('not blue', 'negated'), ('orange', 'a thing'), ('White House', 'a name')]
    """
    tokens = tokens_of(sentence)
    phrases = [_parted(phrase, sentence, tokens) for phrase in color_phrases(sentence, tokens)]
    colors: list[ColorPhrase] = []
    left: list[LeftAlone] = []
    negated: ColorPhrase | None = None  # the last phrase, if it is denied
    for index, phrase in enumerate(phrases):
        previous = phrases[index - 1] if index else None
        joint = None if previous is None else joined_by(tokens, previous, phrase)
        start = negation(phrase, tokens)
        if start is None and negated is not None and joint in ("or", "nor"):
            start = negated.last + 1
        instead = negated is not None and negated is previous and word_at(tokens, phrase.first - 1) == "but"
        negated = None if start is None else phrase
        span = (phrase.first, phrase.last) if start is None else (start, phrase.last)
        reason = NEGATED
        if start is None:
            name = _name(phrase, tokens)
            known = instead or (bool(joint) and bool(colors) and colors[-1] is previous)
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
        denied = denied_span(begin, end, phrase.last, sentence, tokens, phrases)
        kept = {NEGATED: denied, NAME: (phrase.start, phrase.end)}.get(reason)
        left.append(LeftAlone(sentence[begin:end], begin, end, reason, kept))
    spans = [part.kept_from_model for part in left if part.reason == NEGATED and part.kept_from_model]
    things = things_spoken_of(*without_spans(spans, sentence, tokens, colors))
    return Reading(sentence, tuple(colors), tuple(things), tuple(left))


def _parted(phrase: ColorPhrase, sentence: str, tokens: Sequence[Token]) -> ColorPhrase:
    """The last word of "color the sky blue" and "the sea is gray and the sky blue", where the rest names the thing.

    So where the phrase follows an article and ends a clause, and names a thing before its color: not "light blue", and
    not where a color is called for, "painted in the sky blue of my room".
    """
    first, last = phrase.first, phrase.last
    if first == last or phrase.colored or word_at(tokens, first - 1) not in _DEFINITE:
        return phrase
    goes_on = last + 1 < len(tokens) and tokens[last + 1].joined and tokens[last + 1].text not in _BEHIND_A_CLAUSE
    if goes_on or any(token.hyphenated for token in tokens[first + 1 : last + 1]):
        return phrase
    if word_at(tokens, first - 2) in TO_BE | DRESSED | _BEFORE_A_COLOR:
        return phrase
    if not _OF_COLORS.isdisjoint(token.text for token in tokens[first:last]):
        return phrase
    return phrase_at(sentence, tokens, last) or phrase


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
    if before is not None and after is not None and after.text in _FAMILIES:  # "the Green family's car"
        return first, last
    if after is not None and after.capital and before is not None and len(after.text) > 1:
        thing = before.text != "the" and is_paintable(after.text)  # "a Blue Bus"
        if not thing and not color_phrases(after.text, tokens_of(after.text)):
            return first, last + 1
    if before is None or not before.capital or not tokens[first].joined or before.text in _PLAIN:
        return None
    if is_paintable(before.text) or color_phrases(before.text, tokens_of(before.text)):  # "Dress Blue"
        return None
    return first, last


def _in_title_case(tokens: Sequence[Token]) -> bool:
    """Whether capitals tell nothing, since most words have one."""
    return len(tokens) > 2 and sum(token.capital for token in tokens) > 0.75 * len(tokens)


def _in_compound(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether hyphens join it to a word that it says nothing visible of: "ice-cream", "blue-collar"."""
    last = phrase.last
    while last + 1 < len(tokens) and tokens[last + 1].hyphenated:
        last += 1
    end = tokens[last].text
    visible = end in COLORED | _PATTERNS | {"color", "colour", "brick", "clad"} or (
        end.endswith("ed") and end != "skinned"
    )
    colored = last == phrase.last or visible
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
        is_said = before[-1:] in (["is"], ["was"]) and _PICTURES & {*before[-2:]}  # "the photo is black and white"
        if after in _PICTURES or (before[-1:] == ["in"] and _PICTURES & {*before}) or is_said:
            return True
    return False


def _of_skin(phrase: ColorPhrase, tokens: Sequence[Token]) -> bool:
    """Whether it tells of a person and not of paint: "a black man", "two white women"."""
    after = phrase.last + 1
    while after < len(tokens) and tokens[after].text in _AGES and tokens[after].gap.strip() in ("", ",", "-"):
        after += 1
    if phrase.color not in _SKINS or after >= len(tokens) or not tokens[after].joined:
        return False
    if tokens[after].text in _OF_ANIMALS_TOO and after + 1 < len(tokens) and tokens[after + 1].joined:  # "a baby bear"
        word = tokens[after + 1].text
        return word in NO_NOUN | _SAID_OF_SKIN or word.endswith(("ing", "ed"))
    return tokens[after].text in _SAID_OF_SKIN
