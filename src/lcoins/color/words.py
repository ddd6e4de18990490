"""Color words: which words name a color, where they stand in a caption, and how a caption is recolored.

The paper leaves the vocabulary and the replacement rule open. Detected are the eleven basic color terms and the rarer
words below; substitutes are drawn from the eleven basic terms only, never a synonym of the word replaced.
"""

import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

BASIC_COLORS = ("black", "white", "red", "green", "yellow", "blue", "brown", "orange", "pink", "purple", "gray")

# Word -> the class it belongs to. Two words of one class are synonyms: neither may replace the other.
COLOR_CLASS: dict[str, str] = {word: word for word in BASIC_COLORS} | {
    "grey": "gray",
    "silver": "silver",
    "violet": "purple",
    "gold": "gold",
    "golden": "gold",
    "tan": "tan",
    "beige": "beige",
    "maroon": "maroon",
    "navy": "navy",
    "teal": "teal",
    "turquoise": "turquoise",
    "cyan": "cyan",
    "magenta": "magenta",
    "cream": "cream",
    "khaki": "khaki",
    "olive": "olive",
    "lavender": "lavender",
    "coral": "coral",
    "peach": "peach",
    "burgundy": "burgundy",
    "blond": "yellow",
    "blonde": "yellow",
}

# Typical CIELAB (L*, a*, b*) of each class, D65: what "moves towards the named color" is measured against. They are
# the sRGB values that a color chart gives the word, softened to what photographs show; achromatic words are gray.
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

_LONGEST_FIRST = "|".join(sorted(COLOR_CLASS, key=len, reverse=True))
_WORD = re.compile(rf"(?<![\w-])({_LONGEST_FIRST})(?![\w-])", re.IGNORECASE)
_SIDE = re.compile(r"\b(left|right)\b", re.IGNORECASE)


WORD = re.compile(r"\w+")
# What ends the reach of a color word in object_colors(): it names no thing.
_NO_OBJECT = frozenset(
    (
        "a",
        "an",
        "the",
        "and",
        "or",
        "with",
        "of",
        "in",
        "on",
        "at",
        "to",
        "by",
        "near",
        "next",
        "under",
        "over",
        "behind",
        "is",
        "are",
        "that",
        "which",
        "who",
        "from",
        "for",
        "into",
        "has",
        "have",
        "as",
        "while",
        "its",
        "it",
    )
)


def split_words(caption: str) -> list[str]:
    """The words of a caption in lower case: what vocabularies hold and object-color pairs count.

    >>> split_words("A white t-shirt, size 3")
    ['a', 'white', 't', 'shirt', 'size', '3']
    """
    return [word.lower() for word in WORD.findall(caption)]


def object_colors(caption: str) -> tuple[tuple[int, int], ...]:
    """Which word each color word speaks of, (object, color) places in :func:`split_words`: the next one after it.

    Colors joined by "and" share their object; a color before an article or a preposition has none. Of the published
    pairs of L-CoDe (obj2col.json) this rule finds four in five on 64 COCO photos; the others are mostly compounds
    ("fire hydrant", "teddy bear"), of which it takes the first word.

    >>> object_colors("a black and white cat on a red chair"), object_colors("the cat is black")
    (((4, 1), (4, 3), (8, 7)), ())
    """
    words = split_words(caption)
    found = []
    for place, word in enumerate(words):
        if word not in COLOR_CLASS:
            continue
        after = place + 1
        while after < len(words) and (words[after] in COLOR_CLASS or words[after] in ("and", "or")):
            after += 1
        if after < len(words) and words[after] not in _NO_OBJECT:
            found.append((after, place))
    return tuple(found)


@dataclass(frozen=True)
class ColorWord:
    """One color word in a caption: the word as written, its class, and its character span [start, end)."""

    word: str
    color: str
    start: int
    end: int


def find_colors(caption: str) -> list[ColorWord]:
    """Every color word of a caption, in order; whole words only, in any case.

    >>> [c.color for c in find_colors("A Red car, two grey cats and a multi-colored kite")]
    ['red', 'gray']
    """
    return [ColorWord(m[0], COLOR_CLASS[m[0].casefold()], m.start(), m.end()) for m in _WORD.finditer(caption)]


def colors_named(caption: str) -> set[str]:
    """The color classes that a caption names, each once."""
    return {found.color for found in find_colors(caption)}


def color_counts(captions: Iterable[str]) -> Counter[str]:
    """How many captions name each color class; a caption counts once for a class."""
    return Counter(color for caption in captions for color in colors_named(caption))


def recolor(caption: str, rng: random.Random, choices: Iterable[str] = BASIC_COLORS) -> str:
    """Replaces each color word, independently, by a word of ``choices`` that is no synonym of it (paper, 3.7).

    Without a color word the caption comes back unchanged.

    >>> recolor("a red car", random.Random(0), choices=["red", "blue"])
    'a blue car'
    """
    choices = tuple(choices)

    def substitute(match: re.Match[str]) -> str:
        old = COLOR_CLASS[match[0].casefold()]
        candidates = [word for word in choices if COLOR_CLASS[word] != old]
        if not candidates:
            raise ValueError(f"no substitute for {match[0]!r} in {choices}; give at least two color classes")
        new = rng.choice(candidates)
        return new.capitalize() if match[0][0].isupper() else new

    return _WORD.sub(substitute, caption)


def replaced(caption: str, word: ColorWord, color: str) -> str:
    """The caption with one of its color words exchanged.

    >>> replaced("A red car", find_colors("A red car")[0], "blue")
    'A blue car'
    """
    new = color.capitalize() if word.word[0].isupper() else color
    return caption[: word.start] + new + caption[word.end :]


def recolor_one(caption: str, rng: random.Random, choices: Iterable[str] = BASIC_COLORS) -> str:
    """Replaces one color word, drawn from all of the caption, by a word of ``choices`` of a class it does not name.

    Without a color word, or where every class of ``choices`` is named already, the caption comes back unchanged.

    >>> recolor_one("a red car", random.Random(0), choices=["red", "blue"])
    'a blue car'
    """
    found = find_colors(caption)
    candidates = [word for word in choices if COLOR_CLASS[word] not in {word.color for word in found}]
    if not found or not candidates:
        return caption
    return replaced(caption, rng.choice(found), rng.choice(candidates))


def swap_sides(caption: str) -> str:
    """Exchanges "left" and "right", as a horizontal flip of the photo demands.

    >>> swap_sides("the Left cat looks right")
    'the Right cat looks left'
    """

    def other(match: re.Match[str]) -> str:
        new = "right" if match[0].lower() == "left" else "left"
        return new.capitalize() if match[0][0].isupper() else new

    return _SIDE.sub(other, caption)
