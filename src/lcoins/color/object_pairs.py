"""Which color word of a caption belongs to which object: files of such pairs, in the shape that L-CoDe publishes.

L-CoDe's obj2col.json and the builder's object_colors_train.json are {photo: [pairs of caption 0, pairs of caption 1,
...]}. A pair is [object, color], each the position of a word among those that blanks separate, counted from 1.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lcoins.color.words import split_words
from lcoins.data.types import Pairs

MOST_BYTES = 64_000_000  # the published file has 2.6 million; decoded, a file takes up to twenty times its size
Entries = dict[str, list[list[list[Any]]]]  # photo -> caption -> pairs, as found


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


def read_object_colors(path: Path | str, captions: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[Pairs]], int]:
    """The pairs of each caption by photo, over the words of :func:`split_words`, and how many had to be dropped.

    ``captions`` are those of each photo, in the order of their list. A photo that the file lacks, or has with another
    number of captions, is left out: nobody knows its pairs. Dropped is what names no two words of its caption, such as
    the three published pairs with a 0. Raises what :func:`load_entries` does, and ValueError where no photo is left.
    """
    entries = load_entries(Path(path))
    known, found = {}, 0
    for photo, own in captions.items():
        given = entries.get(photo, ())
        if len(given) == len(own):
            known[photo] = [_places(caption, pairs) for caption, pairs in zip(own, given, strict=True)]
            found += sum(map(len, given))
    if not known:
        raise ValueError(
            f"{path}: expected the pairs of the {len(captions)} photos of the caption list ({next(iter(captions))} "
            f"...), got none of as many captions; give the file that was made for this list, or null"
        )
    return known, found - sum(len(pairs) for photo in known.values() for pairs in photo)


def _places(caption: str, pairs: Sequence[Sequence[Any]]) -> Pairs:
    """Positions in the file to places in :func:`split_words`; a word of several parts ("t-shirt") is its first."""
    places, place = {}, 0
    for position, word in enumerate(caption.split(), start=1):
        if parts := len(split_words(word)):
            places[position] = place
        place += parts
    sound = (pair for pair in pairs if len(pair) == 2 and all(type(word) is int and word in places for word in pair))
    return tuple((places[thing], places[color]) for thing, color in sound)
