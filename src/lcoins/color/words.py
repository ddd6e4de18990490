"""Color words: which words name a color, where they stand in a caption, and how they are exchanged.

This is the vocabulary of the protocol: what the counter-color loss exchanges, what data sets are selected, split and
counted by, and what the benchmarks ask and measure, so that figures stay comparable. What a person may write is wider
and read with its grammar by :mod:`lcoins.color.reading`, from the table of :mod:`lcoins.color.names`.

The paper leaves the vocabulary and the replacement rule open. The eleven basic color terms and the rarer words below
are found; substitutes are drawn from the eleven basic terms only, never a synonym of the word that they replace.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

BASIC_COLORS = ("black", "white", "red", "green", "yellow", "blue", "brown", "orange", "pink", "purple", "gray")

# The vocabulary: each class of colors and its typical CIELAB (L*, a*, b*), D65, which "moves towards the named color"
# is measured against. These are the sRGB values that a color chart gives the word, softened to what photographs show.
COLOR_LAB: dict[str, tuple[float, float, float]] = {
    "black": (15.0, 0.0, 0.0),
    "white": (95.0, 0.0, 0.0),
    "gray": (55.0, 0.0, 0.0),
    "silver": (76.0, 0.0, 0.0),
    "red": (45.0, 62.0, 42.0),
    "green": (52.0, -48.0, 42.0),
    "yellow": (86.0, -4.0, 72.0),
    "blue": (42.0, 12.0, -54.0),
    "brown": (36.0, 18.0, 27.0),
    "orange": (68.0, 38.0, 68.0),
    "pink": (68.0, 48.0, -2.0),
    "purple": (36.0, 48.0, -46.0),
    "gold": (72.0, 8.0, 62.0),
    "tan": (74.0, 5.0, 24.0),
    "beige": (88.0, 0.0, 12.0),
    "maroon": (26.0, 42.0, 24.0),
    "navy": (20.0, 20.0, -44.0),
    "teal": (50.0, -30.0, -8.0),
    "turquoise": (78.0, -40.0, -6.0),
    "cyan": (82.0, -42.0, -16.0),
    "magenta": (56.0, 78.0, -44.0),
    "cream": (93.0, -2.0, 16.0),
    "khaki": (72.0, -3.0, 30.0),
    "olive": (50.0, -10.0, 46.0),
    "lavender": (76.0, 14.0, -22.0),
    "coral": (66.0, 48.0, 36.0),
    "peach": (86.0, 10.0, 24.0),
    "burgundy": (28.0, 44.0, 14.0),
}

# Other words for a class. Two words of one class are synonyms: neither may replace the other.
SYNONYMS = {"grey": "gray", "violet": "purple", "golden": "gold", "blond": "yellow", "blonde": "yellow"}
COLOR_CLASS: dict[str, str] = {color: color for color in COLOR_LAB} | SYNONYMS  # every color word -> its class

# Ends of hyphenated compounds that have the color named before them: "a cream-colored sofa".
COLORED = frozenset(("colored", "coloured", "hued", "tinted", "toned", "painted", "dyed"))
HYPHENS = ("-", "\u2010", "\u2011")  # plain, Unicode and non-breaking
_FOOD = frozenset(("ice-cream",))

WORD = re.compile(r"\w+")
_COMPOUND = re.compile(r"\w+(?:[-\u2010\u2011]\w+)*")  # with any of HYPHENS
_ARTICLE = re.compile(r"(?<![\w'\u2019-])an?(?=\s+\Z)", re.IGNORECASE)
_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)


def split_words(caption: str) -> list[str]:
    """The words of a caption in lower case: what vocabularies hold and object-color pairs count.

    >>> split_words("A white t-shirt, size 3")
    ['a', 'white', 't', 'shirt', 'size', '3']
    """
    return [word.lower() for word in WORD.findall(caption)]


@dataclass(frozen=True)
class ColorWord:
    """One color word in a caption: the word as written, its class, and its character span [start, end)."""

    word: str
    color: str
    start: int
    end: int


def find_colors(caption: str) -> list[ColorWord]:
    """Every color word of the protocol's vocabulary in a caption, in order; whole words only, in any case.

    Negations, names and things are not told apart: data sets and published figures were made so.

    A hyphen reads like a blank where the compound ends in a color word or in one of COLORED: "dark-blue" names blue,
    "blue-green" blue and green, "off-white" white, "cream-colored" cream. Other compounds name no color, for they
    describe a thing that has another: a "red-haired" woman, a "blue-collar" worker, an "orange-juice" stand. Neither
    do "multi-colored" and "ice-cream".

    >>> [found.color for found in find_colors("A red-haired woman in a dark-blue dress and two Grey cats")]
    ['blue', 'gray']
    """
    return [
        ColorWord(word[0], COLOR_CLASS[word[0].lower()], word.start(), word.end())
        for compound in _COMPOUND.finditer(caption)
        if _names_color(compound[0].lower())
        for word in WORD.finditer(caption, *compound.span())
        if word[0].lower() in COLOR_CLASS
    ]


def _names_color(compound: str) -> bool:
    if compound.isalnum():
        return compound in COLOR_CLASS
    last = WORD.findall(compound)[-1]
    return (last in COLOR_CLASS or last in COLORED) and compound not in _FOOD


def colors_named(caption: str) -> set[str]:
    """The color classes that a caption names, each once."""
    return {found.color for found in find_colors(caption)}


def color_counts(captions: Iterable[str]) -> Counter[str]:
    """How many captions name each color class; a caption counts once for a class."""
    return Counter(color for caption in captions for color in colors_named(caption))


def recolor(caption: str, rng: random.Random, choices: Iterable[str] = BASIC_COLORS) -> str:
    """Replaces each color word, independently, by a word of ``choices`` that is no synonym of it (paper, 3.7).

    Without a color word the caption comes back unchanged.

    >>> recolor("an orange car", random.Random(0), choices=["orange", "blue"])
    'a blue car'
    """
    choices = tuple(choices)
    substitutes = []
    for word in find_colors(caption):
        candidates = [choice for choice in choices if COLOR_CLASS[choice] != word.color]
        if not candidates:
            raise ValueError(
                f"expected a substitute for {word.word!r}, got none in {choices}; give at least two color classes"
            )
        substitutes.append((word, rng.choice(candidates)))
    return _exchange(caption, substitutes)


def recolor_one(caption: str, rng: random.Random, choices: Iterable[str] = BASIC_COLORS) -> str:
    """Replaces one color word, drawn from all of the caption, by a word of ``choices`` of a class it does not name.

    Without a color word, or where the caption names every class of ``choices``, it comes back unchanged.

    >>> recolor_one("a red car", random.Random(0), choices=["red", "blue"])
    'a blue car'
    """
    found = find_colors(caption)
    candidates = [word for word in choices if COLOR_CLASS[word] not in {word.color for word in found}]
    if not found or not candidates:
        return caption
    return replaced(caption, rng.choice(found), rng.choice(candidates))


def replaced(caption: str, word: ColorWord, color: str) -> str:
    """The caption with one of its color words exchanged.

    >>> replaced("A red car", find_colors("A red car")[0], "orange")
    'An orange car'
    """
    return _exchange(caption, [(word, color)])


def without_words(caption: str, words: Sequence[ColorWord]) -> str:
    """The caption without these color words, given in their order; articles are mended, and blanks are not doubled.

    >>> without_words("An orange car and a red bus", find_colors("An orange car and a red bus"))
    'A car and a bus'
    """
    parts, end = [], 0
    for word in words:
        rest = caption[word.end :]
        rest = rest[1:] if rest[:1] in HYPHENS and rest[1:2].isalpha() else rest.lstrip()  # "a red-haired girl"
        before = caption[end : word.start]
        parts.append(_mend_article(before, rest) if rest[:1].isalpha() else before.rstrip())
        end = len(caption) - len(rest)
    return "".join(parts) + caption[end:]


def _exchange(caption: str, substitutes: Iterable[tuple[ColorWord, str]]) -> str:
    """Writes a new color over each of these words, given in their order, and mends an article directly before it.

    So "a" or "an" does not betray which color stood there. A new color has a capital where the old one had.
    """
    parts, end = [], 0
    for word, color in substitutes:
        parts.append(_mend_article(caption[end : word.start], color))
        parts.append(color.capitalize() if word.word[0].isupper() else color)
        end = word.end
    return "".join(parts) + caption[end:]


def _mend_article(before: str, following: str) -> str:
    """The text before a color, whose last word, if that is "a" or "an", becomes the one that the color asks for."""
    match, article = _ARTICLE.search(before), _article(following)
    if match is None or match[0].lower() == article:
        return before
    article = article.capitalize() if match[0][0].isupper() else article
    return before[: match.start()] + article + before[match.end() :]


def _article(following: str) -> str:
    """Chooses "a" or "an" by the first letter of what follows, which is right for every color word."""
    return "an" if following[0].lower() in "aeiou" else "a"


def with_article(phrase: str) -> str:
    """The phrase with the indefinite article that its first letter asks for.

    >>> with_article("orange ring"), with_article("red star")
    ('an orange ring', 'a red star')
    """
    return f"{_article(phrase)} {phrase}"


def swap_sides(caption: str) -> str:
    """Exchanges "left" and "right", as a horizontal flip of the photo demands.

    >>> swap_sides("the Left cat looks right")
    'the Right cat looks left'
    """

    def other(match: re.Match[str]) -> str:
        new = "right" if match[0].lower() == "left" else "left"
        return new.capitalize() if match[0][0].isupper() else new

    return _SIDE.sub(other, caption)
