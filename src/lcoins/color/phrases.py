"""Phrases that name a color, with their shades and forms, wherever they stand: "light blue", "dark-red", "sky-blue",
"reddish", "reds", "bluish-green", "salmon-colored".

What a phrase means in its sentence, a color or a thing, is for :mod:`lcoins.color.reading`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lcoins.color.ambiguous_names import PAINTABLE
from lcoins.color.names import KNOWN_LAB, Lab
from lcoins.color.shades import ISH_WORDS, PAINTED_WORDS, SHADE_WORDS, lab_of, painted_name
from lcoins.color.word_kinds import COUNTS, DEGREES, NO_NOUN, PAINTED, TO_BE, WORN, word_set
from lcoins.color.words import BASIC_COLORS, COLORED, HYPHENS, ColorWord, split_words

# Words, numbers as "1/2", and marks that are read as a word: "w/" and "w/o", "&" and "+".
_TOKEN = re.compile(r"(?<!\w)w/(?:o\b)?|[&+]+|\d+(?:[./]\d+)+|\w+(?:['\u2019]\w+)*", re.IGNORECASE)
_READ_AS = {"w/": "with", "w/o": "without"}
_JOINED = re.compile(r"[^\S\n]+|[-\u2010\u2011]")  # blanks or a hyphen: one phrase
SPELLINGS = {
    "grey": "gray",
    "blonde": "blond",
    "vermillion": "vermilion",
    "ocher": "ochre",
    "fuschia": "fuchsia",
    "offwhite": "off white",
} | {f"{shade}{color}": f"{shade} {color}" for shade in ("light", "dark", "pale", "deep") for color in BASIC_COLORS}
_PLURALS = {f"{color}s": color for color in BASIC_COLORS} | {"greys": "gray"}
# What a color is often likened to, with a blank between.
_LIKENED = {
    "black": word_set("jet pitch coal raven"),
    "gray": word_set("ash"),
    "white": word_set("milk bone"),
    "blond": word_set("honey platinum strawberry ash sandy dirty"),
}
_NO_LIKENESS = NO_NOUN | COUNTS | DEGREES | PAINTABLE | WORN | word_set("non semi multi")
_BEFORE_HALF = TO_BE | PAINTED | {"a", "and", "or", *BASIC_COLORS}
_LONGEST = max(len(name.split()) for name in KNOWN_LAB)  # words of a name, as in "fire engine red"


@dataclass(frozen=True)
class Token:
    """A word of a sentence: in lower case, its character span [start, end), and what lies between it and the last.

    A mark that stands for a word is that word, and a blank lies between it and a word that it touches: "red&blue".
    ``capital`` is whether it begins with a capital and goes on without.
    """

    text: str
    start: int
    end: int
    gap: str
    capital: bool

    @property
    def hyphenated(self) -> bool:
        """Whether a hyphen joins it to the word before."""
        return self.gap in HYPHENS

    @property
    def joined(self) -> bool:
        """Whether nothing but blanks or a hyphen stand before it."""
        return _JOINED.fullmatch(self.gap) is not None


@dataclass(frozen=True)
class ColorPhrase(ColorWord):
    """Words that name one color, as they stand in a sentence.

    ``color`` is the name in one spelling ("dark red" for "dark-red"), ``lab`` its CIELAB value. ``first`` and ``last``
    are the indices of its tokens, ``base`` the last word of the name, and ``plural`` and ``colored`` tell its form:
    "reds", "salmon-colored".
    """

    lab: Lab
    first: int
    last: int
    plural: bool = False
    colored: bool = False

    @property
    def base(self) -> str:
        return self.color.split()[-1]

    @property
    def substitute(self) -> str | None:
        """The painted name that the model should read instead, or None where each word as written is painted."""
        known = PAINTED_WORDS | _PLURALS.keys() | COLORED | {"grey", "blonde"}
        return None if set(split_words(self.word)) <= known else painted_name(self.color)


def word_at(tokens: Sequence[Token], index: int) -> str:
    """The word at an index, or "" beyond the ends."""
    return tokens[index].text if 0 <= index < len(tokens) else ""


def tokens_of(sentence: str) -> list[Token]:
    """The words of a sentence, with the apostrophes inside them, all straight: "isn't" is one.

    >>> [token.text for token in tokens_of("Tom's car & a house w/ red+white walls")]
    ["tom's", 'car', 'and', 'a', 'house', 'with', 'red', 'and', 'white', 'walls']
    """
    tokens: list[Token] = []
    end = 0
    for match in _TOKEN.finditer(sentence):
        word = match[0]
        text = word.lower().replace("\u2019", "'")
        text = "and" if text[0] in "&+" else _READ_AS.get(text, text)
        gap = sentence[end : match.start()] or (" " if tokens else "")
        tokens.append(Token(text, *match.span(), gap, _is_capital(word)))
        end = match.end()
    return tokens


def _is_capital(word: str) -> bool:
    return word[0].isupper() and (len(word) == 1 or not word.isupper())


def color_indices(phrases: Sequence[ColorPhrase]) -> set[int]:
    """The indices of all words of color phrases."""
    return {index for phrase in phrases for index in range(phrase.first, phrase.last + 1)}


def color_phrases(sentence: str, tokens: Sequence[Token]) -> list[ColorPhrase]:
    """All phrases that may name a color, in order; of those that begin at one word, the longest.

    >>> found = color_phrases("Sky-blue and reddish brown", tokens_of("Sky-blue and reddish brown"))
    >>> [(phrase.word, phrase.color) for phrase in found]
    [('Sky-blue', 'sky blue'), ('reddish brown', 'reddish brown')]
    """
    found, index = [], 0
    while index < len(tokens):
        phrase = phrase_at(sentence, tokens, index)
        if phrase is not None:
            found.append(phrase)
        index = index + 1 if phrase is None else phrase.last + 1
    return found


def phrase_at(sentence: str, tokens: Sequence[Token], first: int) -> ColorPhrase | None:
    """The longest phrase that begins at a token: a name, perhaps after shades or a form in "-ish"."""
    index, before = first, []
    if _is_likened(tokens, first):
        index += 1  # "snow-white"
    name, last, plural = _name_at(tokens, index)
    while not name and _continues(tokens, index):  # "light" of "light sky blue"
        word = tokens[index].text
        before.append(SHADE_WORDS.get(word, word))
        index += 1
        name, last, plural = _name_at(tokens, index)
    if not name:
        return None
    if name in ISH_WORDS and last + 1 < len(tokens) and tokens[last + 1].joined:  # "bluish green"
        other, end, many = _name_at(tokens, last + 1)
        if other and other not in ISH_WORDS:
            before, name, last, plural = [*before, name], other, end, many
    colored = last + 1 < len(tokens) and tokens[last + 1].joined and tokens[last + 1].text in COLORED
    color = " ".join([*filter(None, before), name])
    last += colored
    start, end = tokens[first].start, tokens[last].end
    return ColorPhrase(sentence[start:end], color, start, end, lab_of(color), first, last, plural, colored)


def _continues(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token is a shade that is joined to the next; not the noun "half" of "the left half red"."""
    if index + 1 >= len(tokens) or not tokens[index + 1].joined or tokens[index].text not in SHADE_WORDS:
        return False
    return tokens[index].text != "half" or not tokens[index].joined or tokens[index - 1].text in _BEFORE_HALF


def _is_likened(tokens: Sequence[Token], index: int) -> bool:
    """Whether a token is what the color after it is likened to: "jet black", and "snow-white" before what has it.

    Not so where a hyphen stands between a thing and its color, as in a list: "shirt-blue pants-brown".
    """
    word, color, after = (word_at(tokens, at) for at in (index, index + 1, index + 2))
    if not color or not tokens[index + 1].joined:
        return False
    hyphenated = tokens[index + 1].hyphenated
    if word in _LIKENED.get(SPELLINGS.get(color, color), ()):
        return True
    if (word, color) == ("snow", "white") and hyphenated and not tokens[index + 1].capital:
        return True
    if not hyphenated or SPELLINGS.get(color, color) not in BASIC_COLORS or len(word) < 3:
        return False
    if tokens[index].hyphenated or (tokens[index].capital and tokens[index + 1].capital):
        return False  # "black-and-white", "Snow-White"
    if word in _NO_LIKENESS or word in SHADE_WORDS or _name_at(tokens, index)[0]:
        return False
    return bool(after) and tokens[index + 2].joined and after not in NO_NOUN and not _name_at(tokens, index + 2)[0]


def _name_at(tokens: Sequence[Token], first: int) -> tuple[str, int, bool]:
    """The longest name of the table that begins at a token, the index of its last token, and whether it is a plural."""
    words: list[str] = []
    found = ("", first, False)
    for index in range(first, min(first + _LONGEST, len(tokens))):
        if index > first and not tokens[index].joined:
            break
        words.append(SPELLINGS.get(tokens[index].text, tokens[index].text))
        name = " ".join(words)
        if name in KNOWN_LAB or name in ISH_WORDS:
            found = (name, index, False)
        elif name in _PLURALS:
            found = (_PLURALS[name], index, True)
    return found
