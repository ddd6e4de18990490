"""Words that are no color as they are spelled: which color was probably meant, and whether a sentence is English."""

import re
import unicodedata
from collections.abc import Container
from itertools import groupby

from lcoins.color.ambiguous_names import THINGS
from lcoins.color.names import KNOWN_LAB
from lcoins.color.phrases import SPELLINGS, tokens_of
from lcoins.color.shades import ISH_WORDS
from lcoins.color.word_kinds import word_set
from lcoins.color.words import BASIC_COLORS

SHORTEST = 4  # letters of a word that may be a color misspelled
LONG = 8  # letters from which on two mistakes are allowed
_RIGHT = {name for name in (*KNOWN_LAB, *ISH_WORDS, *SPELLINGS) if " " not in name}
# Things are left out: "mitt" means no mint, "slats" no slate.
_NAMES = sorted(name for name in _RIGHT - THINGS if len(name) >= SHORTEST and SPELLINGS.get(name, name) == name)
_COMMON = frozenset(BASIC_COLORS)


def _drawn_out(name: str) -> re.Pattern[str]:
    """What a name looks like with each of its letters written as often as in the name, or oftener."""
    return re.compile("".join(f"{letter}{{{len(list(run))},}}" for letter, run in groupby(name)))


_DRAWN_OUT = {
    name: _drawn_out(name) for name in sorted(_RIGHT - THINGS) if SPELLINGS.get(name, name) == name and name.isalpha()
}

_ENGLISH = word_set(
    """a an the this that these those his her their its my our your and or but in on at by near next under over
    behind beside into onto with of to from for is are was were be been has have it he she they we i not no all as
    there here make paint color two three one some wearing while very"""
)
_FOREIGN = word_set(
    """é à está tiene el la los las un una unos de del con en es der das dem ein eine einen einem und mit ist vor
    auf im le les une des du et avec dans sur est il lo gli uno di della sono os uma com em een het och ett det og
    av jest rouge bleu bleue vert verte jaune noir noire blanc blanche gris marron rot rotes rote roter roten blau
    blaues blaue blauer blauen grün grünes grüne gelb gelbes gelbe schwarz schwarzes schwarze weiß weißes weiße
    braun braune grau graue rosa lila rojo roja azul verde amarillo amarilla negro negra blanco blanca marrón
    morado naranja rosso rossa blu giallo gialla nero nera bianco bianca vermelho vermelha amarelo amarela preto
    preta branco branca rood rode blauw blauwe groen groene geel gele zwart röd blå grön gul svart vit"""
)


def meant_color(word: str, ordinary: Container[str]) -> str | None:
    """The color name that a word probably misspells, or None where it is no color, or right.

    One letter may be missing, added, wrong, or exchanged with its neighbor; in long words two. Letters may be written
    too often, as in "reddd".

    Args:
        word: in lower case.
        ordinary: words that are right as they are, such as a text encoder's vocabulary.

    >>> meant_color("yelow", {"a", "mellow"}), meant_color("mellow", {"a", "mellow"})
    ('yellow', None)
    """
    if len(word) < SHORTEST or not word.isalpha() or not word.isascii():
        return None
    if word in _RIGHT or word in ordinary:
        return None
    if drawn_out := next((name for name, pattern in _DRAWN_OUT.items() if pattern.fullmatch(word)), None):
        return drawn_out
    if any(form in _RIGHT or form in ordinary for form in _forms(word)):
        return None
    allowed = 2 if len(word) >= LONG else 1
    distance, _, name = min((edits(word, name), name not in _COMMON, name) for name in _NAMES)
    return name if distance <= allowed and word[0] == name[0] else None


def _forms(word: str) -> list[str]:
    """The word, and what is left of it without the usual endings."""
    endings = ("s", "es", "d", "ed", "r", "er", "ing", "ly", "y", "ish")
    return [word, *(word.removesuffix(ending) for ending in endings if len(word) - len(ending) > 2)]


def edits(one: str, other: str) -> int:
    """How many letters must be put in, left out, changed, or exchanged with their neighbor, to turn one into the other.

    >>> edits("yelow", "yellow"), edits("gere", "gree"), edits("red", "blue")
    (1, 1, 4)
    """
    before: list[int] = []
    last = [*range(len(other) + 1)]
    for i, letter in enumerate(one, start=1):
        row = [i]
        for j, wanted in enumerate(other, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]


def misspelled(sentence: str, ordinary: Container[str]) -> dict[str, str]:
    """Each word of a sentence that is probably a color misspelled, with the color; names with capitals are left out.

    >>> misspelled("a yelow car", {"a", "car"})
    {'yelow': 'yellow'}
    """
    found = {}
    for index, token in enumerate(tokens_of(sentence)):
        meant = None if token.capital and index else meant_color(token.text, ordinary)
        if meant is not None:
            found[token.text] = meant
    return found


def seems_english(sentence: str) -> bool:
    """Whether nothing speaks against English: Latin letters prevail, and common words of other languages do not.

    >>> seems_english("a red car"), seems_english("ein rotes Auto"), seems_english("красная машина")
    (True, False, False)
    """
    letters = [letter for letter in sentence if letter.isalpha()]
    latin = sum("LATIN" in unicodedata.name(letter, "") for letter in letters)
    if latin * 2 < len(letters):
        return False
    words = [token.text for token in tokens_of(sentence)]
    return sum(word in _FOREIGN for word in words) <= sum(word in _ENGLISH or _is_color(word) for word in words)


def _is_color(word: str) -> bool:
    return word in KNOWN_LAB and word not in _FOREIGN
