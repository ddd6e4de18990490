"""Sentences about the things and the background of a photo as they are, with exact object-color pairs."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from lcoins.color.words import with_article
from lcoins.data.captioned_instances import plural
from lcoins.data.instance_sentences import GARMENTS, PLACES_AFTER, PLACES_BEFORE
from lcoins.data.scene_parts import BACKGROUND, TOUCHING, SceneParts, near, stands_on
from lcoins.data.things import PAIRS, Thing

HOW_MANY = (0.22, 0.3, 0.24, 0.14, 0.1)  # one to five things
FAVOR_LARGE, FAVOR_COLORED = 0.3, 4.0  # exponent of a thing's share; factor of one whose color is known
TOGETHER = 0.7  # how often the others of a kind are named along with one of them
SEEN = 0.006  # share of the photo: a smaller thing is not worth a word
MOST_BACKGROUND = 2
WITH_BACKGROUND = 0.6  # how often a part of the background is mentioned
PLAIN_BACKGROUND = 0.4  # how often without a color, where its color is unsure
SHADED = 0.6  # how often a color that is dark or light is called so
_DARK = {"blue": 22, "green": 30, "red": 26, "brown": 22, "purple": 25, "gray": 30}  # L* below which it is
_LIGHT = {"blue": 66, "green": 72, "brown": 58, "purple": 65, "pink": 78}  # L* above which it is
_NUMBERS = ("", "", "two", "three", "four", "five")
# How a category's name is said; the second is another name that is as true.
_SAID = {
    "airplane": ("airplane", "plane"),
    "bicycle": ("bicycle", "bike"),
    "motorcycle": ("motorcycle", "motorbike"),
    "couch": ("couch", "sofa"),
    "tv": ("tv", "television"),
    "cell phone": ("cell phone", "phone"),
    "refrigerator": ("refrigerator", "fridge"),
    "potted plant": ("potted plant", "plant"),
    "dining table": ("table",),
    "sports ball": ("ball",),
    "mouse": ("computer mouse",),
    "hair drier": ("hair dryer",),
    "person": ("person",),
}
_MASSES = frozenset(("broccoli",))  # without an article
_OPENINGS = ("a photo of ", "a picture of ", "an image of ", "a scene with ", "we see ")


@dataclass(frozen=True)
class Reference:
    """What a sentence says of a thing: the word that names it, its color word, both counted from 1, and the color."""

    thing: Thing
    word: int
    color_word: int | None
    color: str | None


@dataclass(frozen=True)
class Description:
    """A caption, whose words are those between blanks, and what each of its names means."""

    caption: str
    references: tuple[Reference, ...]

    @property
    def pairs(self) -> list[list[int]]:
        """[object, color] for each thing with a color word, as files of object-color pairs have them."""
        return [[one.word, one.color_word] for one in self.references if one.color_word is not None]


@dataclass(frozen=True)
class _Word:
    """A word of a sentence; ``thing`` is what it names or colors, ``colors`` tells which."""

    text: str
    thing: Thing | None = None
    colors: bool = False


def describe_parts(parts: SceneParts, sentences: int, new_rng: Callable[[int], random.Random]) -> list[Description]:
    """Up to ``sentences`` different ones; fewer where little is to be said, none where no color is sure.

    ``new_rng`` gives the generator of each sentence by its number.
    """
    found: dict[str, Description] = {}
    for number in range(sentences):
        said = _describe(parts, new_rng(number))
        if said is not None:
            found.setdefault(said.caption.lower().rstrip("."), said)
    return list(found.values())


def _describe(parts: SceneParts, rng: random.Random) -> Description | None:
    things = _choose(parts.things, rng)
    background = [
        part
        for part in parts.background
        if rng.random() < WITH_BACKGROUND and (part.color or (part.kind != "sky" and rng.random() < PLAIN_BACKGROUND))
    ][: MOST_BACKGROUND if things else None]
    if not any(part.color for part in (*things, *background)):
        background = [part for part in parts.background if part.color][:MOST_BACKGROUND]
    if not any(part.color for part in (*things, *background)):
        return None
    words = _sentence(things, background, rng)
    if rng.random() < 0.3:
        words[0] = replace(words[0], text=words[0].text[0].upper() + words[0].text[1:])
    if rng.random() < 0.3:
        words[-1] = replace(words[-1], text=words[-1].text + ".")
    marks = [thing.beside for thing in things if thing.beside is not None]
    return _described(words, (*things, *marks, *background))


def _choose(things: Sequence[Thing], rng: random.Random) -> list[Thing]:
    """One to five things, those of known color and the large ones more often; in any order."""
    left = [thing for thing in things if thing.share >= SEEN]
    wanted = rng.choices(range(1, len(HOW_MANY) + 1), HOW_MANY)[0]
    chosen: list[Thing] = []
    while left and len(chosen) < wanted:
        weights = [thing.share**FAVOR_LARGE * (FAVOR_COLORED if thing.color else 1) for thing in left]
        thing = rng.choices(left, weights)[0]
        left.remove(thing)
        chosen.append(thing)
        others = [other for other in left if other.kind == thing.kind]
        if others and rng.random() < TOGETHER:
            chosen += others[: len(HOW_MANY) - len(chosen)]
            left = [other for other in left if other.kind != thing.kind]
    if not any(thing.color for thing in chosen) and (colored := [thing for thing in left if thing.color]):
        chosen = [*chosen[:-1], rng.choice(colored)]
    named = {id(thing.beside) for thing in chosen}  # along with the thing that is beside it
    return rng.sample(kept := [thing for thing in chosen if id(thing) not in named], len(kept))


def _sentence(things: Sequence[Thing], background: Sequence[Thing], rng: random.Random) -> list[_Word]:
    behind = [word for part in background for word in _background(part, things, rng)]
    if not things:
        parts = [_colored(BACKGROUND[part.kind][0], part, rng) for part in background]
        return _joined(parts) if rng.random() < 0.5 else [*_plain(rng.choice(_OPENINGS)), *_joined(parts)]
    if all(thing.kind in GARMENTS and not thing.place for thing in things) and rng.random() < 0.6:
        who = f"{rng.choice(('a person', 'someone'))} {rng.choice(('in', 'wearing', 'with', 'dressed in'))}"
        return [*_plain(who), *_joined([_phrase(thing, rng, "a") for thing in things]), *behind]
    colored = [thing for thing in things if thing.color]
    if len(colored) == len(things) and rng.random() < 0.3:
        contrast = len(things) == 2 and things[0].color != things[1].color and rng.random() < 0.5
        return [*_joined([_clause(thing, rng) for thing in things], "while" if contrast else "and"), *behind]
    phrases = [_phrase(thing, rng) for thing in things]
    if len(things) == 2 and near(things[0].mask, things[1].mask, TOUCHING * things[0].mask.shape[0]):
        said = [*phrases[0], *_plain(rng.choice(("next to", "and", "with", "by"))), *phrases[1]]
    else:
        said = _joined(phrases)
    if rng.random() < 0.35:
        there = f"there {'are' if _is_plural(things[0]) else 'is'}"
        said = [*_plain(rng.choice(_OPENINGS if said[0].text == "the" else (*_OPENINGS, there))), *said]
    return [*said, *behind]


def _background(part: Thing, things: Sequence[Thing], rng: random.Random) -> list[_Word]:
    """Like "under a blue sky", "on green grass", "with green trees around"."""
    form, on, before, after = BACKGROUND[part.kind]
    stands = bool(on) and bool(things) and all(stands_on(thing, part) for thing in things)
    words = _colored(form, part, rng)
    return [*_plain(on), *words] if stands else [*_plain(before), *words, *_plain(after)]


def _colored(form: str, part: Thing, rng: random.Random) -> list[_Word]:
    """A form such as "a {} sky" with the part's color, if it has one."""
    article, _, name = form.rpartition("{}")
    words = [*_color(part, rng), _Word(name.strip(), part)]
    return _with_article(words) if article else words


def _phrase(thing: Thing, rng: random.Random, article: str | None = None) -> list[_Word]:
    """Like "a red bus", "the blue dog on the left", "three white boats", "the dog next to the red chair"."""
    words = [*_color(thing, rng), *_name(thing, rng)]
    after: list[_Word] = []
    if thing.place:
        if thing.place in PLACES_AFTER and (thing.unique or rng.random() < 0.5):
            after = _plain(rng.choice([where for where in PLACES_AFTER[thing.place] if " " in where]))
        else:
            words = [*_plain(rng.choice(PLACES_BEFORE[thing.place])), *words]
    if thing.beside is not None:
        after = [*_plain(rng.choice(("next to", "beside", "by"))), *_phrase(thing.beside, rng, "the")]
    if (thing.place and not thing.unique) or thing.beside is not None or article == "the":
        return [*_plain("the"), *words, *after]
    if _is_plural(thing) or thing.kind in _MASSES:
        return [*_plain(_number(thing, rng)), *words, *after]
    return [*(_with_article(words) if article == "a" or rng.random() < 0.75 else [*_plain("the"), *words]), *after]


def _number(thing: Thing, rng: random.Random) -> str:
    if thing.unique or thing.kind in PAIRS or thing.kind in _MASSES:
        return ""
    count = len(thing.ones)
    if not thing.complete or not 2 <= count < len(_NUMBERS):
        return rng.choice(("", "some", "several")) if count > 3 else ""
    return rng.choice((_NUMBERS[count], _NUMBERS[count], ""))


def _clause(thing: Thing, rng: random.Random) -> list[_Word]:
    """Like "the bus on the left is red"."""
    verb = "are" if _is_plural(thing) else "is"
    return [*_phrase(replace(thing, color=None), rng, "the"), *_plain(verb), *_color(thing, rng)]


def _color(thing: Thing, rng: random.Random) -> list[_Word]:
    """The words of a thing's color, of which the last is the basic term; "dark" or "light" where it is."""
    if thing.color is None:
        return []
    shade = ""
    if rng.random() < SHADED and thing.lightness:
        dark, light = thing.lightness < _DARK.get(thing.color, 0), thing.lightness > _LIGHT.get(thing.color, 100)
        shade = "dark" if dark else "light" if light else ""
    return [*_plain(shade), _Word(thing.color, thing, colors=True)]


def _name(thing: Thing, rng: random.Random) -> list[_Word]:
    """The words of a thing's name, of which the last is what the color belongs to."""
    names = _SAID.get(thing.kind, (thing.kind,))
    name = rng.choice(names)
    if _is_plural(thing) and thing.kind not in PAIRS:
        name = plural(name)
    *before, last = name.split()
    return [*_plain(" ".join(before)), _Word(last, thing)]


def _is_plural(thing: Thing) -> bool:
    return thing.plural and thing.kind not in _MASSES


def _with_article(words: list[_Word]) -> list[_Word]:
    return [*_plain(with_article(words[0].text).split()[0]), *words]


def _plain(text: str) -> list[_Word]:
    return [_Word(word) for word in text.split()]


def _joined(parts: Sequence[list[_Word]], last: str = "and") -> list[_Word]:
    """Like "a, b and c"."""
    words: list[_Word] = []
    for number, part in enumerate(parts):
        if number and number == len(parts) - 1:
            words += _plain(last)
        elif number:
            words[-1] = replace(words[-1], text=words[-1].text + ",")
        words += part
    return words


def _described(words: Sequence[_Word], things: Sequence[Thing]) -> Description:
    references = []
    for thing in things:
        # By identity of the mask: a clause names a copy of the thing that has no color.
        own = [place for place, word in enumerate(words, 1) if word.thing and word.thing.mask is thing.mask]
        name = next(place for place in own if not words[place - 1].colors)
        color = next((place for place in own if words[place - 1].colors), None)
        references.append(Reference(thing, name, color, thing.color if color is not None else None))
    assert not any(first.word == second.word for first, second in combinations(references, 2))
    return Description(" ".join(word.text for word in words), tuple(references))
