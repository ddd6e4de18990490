"""Whose a color is: which color word of a caption belongs to which object, by three rules and by L-CoDe's files.

The rules differ in what they know. :func:`guess_object_colors` knows only the caption, :func:`certain_object_colors`
also which of its words name objects, and believes little; :func:`ordered_object_colors` knows that each object is
named once and has one color.

L-CoDe's obj2col.json and the builder's object_colors_train.json are {photo: [pairs of caption 0, pairs of caption 1,
...]}. A pair is [object, color], each the position of a word among those that blanks separate, counted from 1.
"""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lcoins.color.words import COLORED, WORD, find_colors, split_words

# (object word, color word): indexes, from 0, in the words of split_words(). Colors can share an object.
ObjectColors = tuple[tuple[int, int], ...]

REACH = 3  # words between a color and a named object: "a yellow commercial passenger airplane"
MOST_BYTES = 64_000_000  # the published file has 2.6 million; decoded, a file takes up to twenty times its size
Entries = dict[str, list[list[list[Any]]]]  # photo -> caption -> pairs, as found

_ARTICLES_AND_PRONOUNS = ("a", "an", "the", "it", "its", "that", "which", "who")
_CONJUNCTIONS = ("and", "or", "as", "while")
_PLACES = ("in", "on", "at", "by", "near", "next", "under", "over", "behind", "into")
_PREPOSITIONS = ("with", "of", "to", "from", "for")
_VERBS = ("is", "are", "has", "have")
# A color belongs to nothing beyond one of these words.
_NO_OBJECT = frozenset((*_ARTICLES_AND_PRONOUNS, *_CONJUNCTIONS, *_PLACES, *_PREPOSITIONS, *_VERBS))
_SHADES = frozenset(("light", "dark", "bright", "pale", "deep", "off"))
_BREAK = re.compile(r"[.;:!?()\u2013\u2014]|--|\s-\s")  # between two words: they belong to different phrases


class _Phrases:
    """The words of a caption, its colors in runs that share an object, and what lies between words."""

    def __init__(self, caption: str) -> None:
        spans = [match.span() for match in WORD.finditer(caption)]
        self.words = split_words(caption)
        self.gaps = ["", *(caption[one[1] : other[0]] for one, other in pairwise(spans))]
        starts = {start: index for index, (start, _) in enumerate(spans)}
        self.colors = {starts[word.start] for word in find_colors(caption)}

    def runs(self) -> list[tuple[list[int], int]]:
        """The colors of each run ("red", "black and white", "red, light blue or green") and the index after it."""
        runs: list[list[int]] = []
        for color in sorted(self.colors):
            if runs and self._joined(runs[-1][-1]) == color:
                runs[-1].append(color)
            else:
                runs.append([color])
        return [(run, self._after(run[-1])) for run in runs]

    def _after(self, color: int) -> int:
        """The index after a run's last color, and after the "colored" of "cream-colored"."""
        return color + 1 + (color + 1 < len(self.words) and self.words[color + 1] in COLORED)

    def _joined(self, color: int) -> int | None:
        """The color that shares its object with this one, or None: it follows at once, or after "and" or "or"."""
        index = color + 1
        for skipped in (("and", "or"), _SHADES):
            if index < len(self.words) and self.words[index] in skipped:
                index += 1
        unbroken = not any(_BREAK.search(gap) for gap in self.gaps[color + 1 : index + 1])
        return index if index in self.colors and unbroken else None

    def reaches(self, index: int) -> bool:
        """Whether a phrase goes on with the word at ``index``, which exists and could name an object."""
        if index >= len(self.words) or self.words[index] in _NO_OBJECT or index in self.colors:
            return False
        return "," not in self.gaps[index] and not _BREAK.search(self.gaps[index])


def guess_object_colors(caption: str) -> ObjectColors:
    """Takes the word after a color, or after several that are joined, for its object.

    A color before an article, a preposition or a punctuation mark has none. Of the published pairs of L-CoDe
    (obj2col.json) this finds four in five on 48 COCO photos; most others are compounds ("fire hydrant", "teddy
    bear"), of which it takes the first word.

    >>> guess_object_colors("a black and white cat on a red chair"), guess_object_colors("the cat is black")
    (((4, 1), (4, 3), (8, 7)), ())
    """
    phrases = _Phrases(caption)
    return tuple((after, color) for run, after in phrases.runs() if phrases.reaches(after) for color in run)


def certain_object_colors(caption: str, objects: Sequence[int]) -> ObjectColors:
    """Pairs that are beyond doubt, where ``objects`` are the indexes of the words that name objects, ascending.

    A color belongs to the first object after it, at most REACH words farther on in the same phrase, unless another
    color shares it.

    >>> certain_object_colors("a red old bus, a black and white cat", [3, 8])
    ((3, 1),)
    """
    phrases, pairs = _Phrases(caption), []
    for run, after in phrases.runs():
        first = next((index for index in objects if index >= after), None)
        if len(run) > 1 or first is None or first - after > REACH:
            continue
        if all(map(phrases.reaches, range(after, first + 1))):
            pairs.append((first, run[0]))
    return tuple(pairs)


def ordered_object_colors(caption: str, objects: Sequence[int]) -> ObjectColors:
    """Pairs of a caption that names each object once and gives it one color before it names the next, in any order.

    ``objects`` are the indexes of the words that name them. Raises ValueError unless there are as many colors.

    >>> ordered_object_colors("the star on the left is red and on the right a blue one", [1, 13])
    ((1, 6), (13, 12))
    """
    return tuple(zip(objects, sorted(_Phrases(caption).colors), strict=True))


def load_entries(path: Path) -> Entries:
    """The pairs as they stand in the file; only the nesting is known to be right, not what a pair holds.

    Raises FileNotFoundError, and ValueError for a file of another shape or of more than MOST_BYTES.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such file of object-color pairs; give L-CoDe's obj2col.json, or null")
    expected = f"{path}: expected {{photo: [[[object, color], ...], ...]}}"
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{expected} of at most {MOST_BYTES:,} bytes, got {size:,}; split it with data.train_also")
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        captions = [pairs for entries in content.values() for pairs in entries]
        pairs = [pair for pairs in captions for pair in pairs]
        shaped = all(isinstance(value, list) for value in (*content.values(), *captions, *pairs))
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ValueError(f"{expected}, got another file ({error}); download or build it again") from error
    if not (content and shaped):
        raise ValueError(f"{expected}, got {'other values' if content else 'no photo'}; download or build it again")
    return content


def read_object_colors(
    path: Path | str, captions: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[ObjectColors]], int]:
    """The pairs of each photo's captions, and how many pairs were dropped.

    ``captions`` are those of each photo, in the order of their list. Photos missing from the file, or listed with
    another number of captions, are skipped. Pairs that do not point at two words of their caption are dropped (three
    in the published file). Raises what :func:`load_entries` does, and ValueError where no photo is left.
    """
    entries = load_entries(Path(path))
    known, found = {}, 0
    for photo, texts in captions.items():
        given = entries.get(photo, ())
        if len(given) == len(texts):
            known[photo] = [_to_indexes(caption, pairs) for caption, pairs in zip(texts, given, strict=True)]
            found += sum(map(len, given))
    if not known:
        raise ValueError(
            f"{path}: expected the pairs of the {len(captions)} photos of the caption list ({next(iter(captions))} "
            f"...), got none of as many captions; give the file that was made for this list, or null"
        )
    return known, found - sum(len(pairs) for photo in known.values() for pairs in photo)


def _to_indexes(caption: str, pairs: Sequence[Sequence[Any]]) -> ObjectColors:
    """Positions in the file to indexes in :func:`split_words`.

    Of a word with several parts an object is the first ("t-shirt"), a color the first that names one ("dark-blue").
    """
    objects, colors, index = {}, {}, 0
    for position, word in enumerate(caption.split(), start=1):
        if parts := split_words(word):
            objects[position] = index
            named = min(_Phrases(word).colors, default=0) if len(parts) > 1 else 0
            colors[position] = index + named
        index += len(parts)
    sound = (pair for pair in pairs if len(pair) == 2 and all(type(word) is int and word in objects for word in pair))
    return tuple((objects[thing], colors[color]) for thing, color in sound)
