"""How far the color names that lcoins gives things are the ones that people give: precision, coverage, by color.

A person's word is a color word directly before the name of a kind, in a caption of a photo with exactly one thing of
that kind, which no caption of the photo names in the plural. What people call two-colored ("a black and white dog") is
counted apart: there, no name is the right answer.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from rich.progress import track

from lcoins.color.lab import split_lab
from lcoins.color.words import COLOR_CLASS, split_words
from lcoins.data.caption_lists import read_pairs
from lcoins.data.captioned_instances import Nouns
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.describe_photos import SIDE
from lcoins.data.pairs import captions_by_photo
from lcoins.data.photo_store import open_photos
from lcoins.data.photos_with_things import single_things
from lcoins.data.things import LEAST, own_color
from lcoins.data.types import key

# Classes that are no basic terms, and the basic terms that come nearest to them.
NEAR = {
    "tan": ("brown", "yellow", "orange"),
    "beige": ("white", "brown"),
    "gold": ("yellow", "brown", "orange"),
    "silver": ("gray", "white"),
    "cream": ("white", "yellow"),
    "khaki": ("brown", "green"),
    "peach": ("pink", "orange"),
    "coral": ("red", "pink", "orange"),
    "maroon": ("red", "brown"),
    "burgundy": ("red", "purple"),
    "olive": ("green", "brown"),
    "navy": ("blue", "black"),
    "teal": ("blue", "green"),
    "turquoise": ("blue", "green"),
    "cyan": ("blue", "green"),
    "lavender": ("purple", "blue"),
    "magenta": ("pink", "purple"),
}


@dataclass
class Agreement:
    """Counts of things with a person's word, ``named`` by it and by ours (None: no name), and of two-colored ones."""

    named: Counter[tuple[str, str | None]] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)  # by the person's first word: ours is one of theirs
    near: Counter[str] = field(default_factory=Counter)  # not one of theirs, but nearest to one
    two_colored: int = 0
    two_colored_unnamed: int = 0

    def add(self, words: Sequence[str | None], ours: str | None) -> None:
        """Counts a thing under the people's ``words``, None for a two-colored one."""
        if None in words:
            self.two_colored += 1
            self.two_colored_unnamed += ours is None
            return
        said = [word for word in words if word is not None]
        first = Counter(said).most_common(1)[0][0]
        self.named[first, ours] += 1
        if ours in said:
            self.right[first] += 1
        elif any(ours in NEAR.get(word, ()) for word in said):
            self.near[first] += 1

    @property
    def colors(self) -> list[str]:
        """People's words, the most frequent first."""
        return [color for color, _ in self._asked().most_common()]

    def row(self, color: str | None = None) -> dict[str, float | int]:
        """Figures of one of people's words, or of all: ``asked``, ``named``, ``right`` and ``near`` are counts.

        ``coverage`` is the share of the asked things that got a name, ``precision`` that of the named ones whose name
        is a person's, ``precision_near`` also that of the ones nearest to it; nan where there are none.
        """
        chosen = [color] if color is not None else self.colors
        asked = sum(self._asked()[one] for one in chosen)
        named = asked - sum(self.named[one, None] for one in chosen)
        right, near = (sum(counts[one] for one in chosen) for counts in (self.right, self.near))
        shares = {
            "coverage": named / asked if asked else float("nan"),
            "precision": right / named if named else float("nan"),
            "precision_near": (right + near) / named if named else float("nan"),
        }
        return {"asked": asked, "named": named, "right": right, "near": near} | shares

    def _asked(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for (color, _), count in self.named.items():
            counts[color] += count
        return counts


def measure_agreement(
    root: Path | str, instances: Path | str, captions: Path | str, *, held_out: bool = False
) -> Agreement:
    """Names every thing that people give a color, and compares; photos that cannot be read raise what reading raises.

    With ``held_out`` only the half of the photos, by file name, that the bounds of color_naming were not chosen on.
    """
    known, source = CocoInstances(instances), open_photos(root)
    nouns, agreement = Nouns(known.categories), Agreement()
    listed = captions_by_photo(read_pairs(captions)[0])
    for photo, texts in track(listed.items(), "comparing color names"):
        words = peoples_words(texts, nouns)
        if not words or photo not in known or photo not in source or (held_out and not is_held_out(photo)):
            continue
        kinds, masks = single_things(known.crop(photo, SIDE))
        asked = [kind for kind in words if kinds.count(kind) == 1 and masks[kinds.index(kind)].mean() >= LEAST]
        if not asked:
            continue
        small = Image.fromarray(source.load(photo, (SIDE, SIDE))).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        lightness, ab = split_lab(torch.from_numpy(np.array(small)).permute(2, 0, 1)[None].float() / 255)
        for kind in asked:
            agreement.add(words[kind], own_color(kind, masks[kinds.index(kind)], lightness[0, 0], ab[0]))
    if not agreement.named:
        raise ValueError(f"{captions} names no color of a single thing that {instances} outlines; nothing to compare")
    return agreement


def is_held_out(photo: str) -> bool:
    """Whether a photo is of the half that the bounds were not chosen on."""
    return key("describe", Path(photo).name) % 2 == 1


def peoples_words(captions: Sequence[str], nouns: Nouns) -> dict[str, list[str | None]]:
    """The color classes that captions give each kind, None for two at once, but for kinds also named in the plural."""
    found: dict[str, list[str | None]] = {}
    several: set[str] = set()
    for caption in captions:
        for category, plural, color in _colored_nouns(caption, nouns):
            if plural:
                several.add(category)
            elif color:
                found.setdefault(category, []).append(None if color == "two" else color)
    return {category: words for category, words in found.items() if category not in several}


def _colored_nouns(caption: str, nouns: Nouns) -> Iterator[tuple[str, bool, str]]:
    """Category, whether it is plural, and "", "two" or the class of the color right before it, of each noun."""
    words = split_words(caption)
    for noun in nouns.find(words):
        before = words[max(0, noun.index - 2) : noun.index]
        color = COLOR_CLASS.get(before[-1], "") if before else ""
        joined = len(before) == 2 and (before[0] in ("and", "or") or before[0] in COLOR_CLASS)
        yield noun.category, noun.plural, "two" if color and joined else color
