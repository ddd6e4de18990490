"""Sentences about things and their colors, composed or changed, as varied as people's."""

import random
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from lcoins.color.words import COLOR_CLASS, find_colors
from lcoins.data.captioned_instances import OTHER_NAMES, plural
from lcoins.data.things import Thing

# Kinds of instances that "a person in ..." may precede; what sentences say is worn is in lcoins.color.word_kinds.
_GARMENTS = """shoes pants dress coat blouse skirt shirt jeans sweater hat belt blazer t-shirt stockings suit scarf
jacket sandals vest shorts boots top leggings socks sweatshirt cape romper loafers jumper heels sneakers gloves tie
cardigan"""
GARMENTS = frozenset(_GARMENTS.split())
SMALL = 0.1  # share of the crop: a larger thing is probably what a caption speaks of
PLACES_BEFORE = {
    "left": ("left",),
    "right": ("right",),
    "middle": ("middle", "central"),
    "top": ("upper", "top"),
    "bottom": ("lower", "bottom"),
    "larger": ("larger", "bigger", "large"),
    "smaller": ("smaller", "small"),
}
PLACES_AFTER = {
    "left": ("on the left", "on the left side", "to the left"),
    "middle": ("in the middle", "in the center"),
    "right": ("on the right", "on the right side", "to the right"),
    "top": ("at the top", "above"),
    "bottom": ("at the bottom", "below"),
}
_OPENINGS = ("a photo of ", "a picture of ", "an image of ", "there is ", "we see ", "a scene with ")
_JOINTS = (" and ", " and ", " next to ", ", ", " with ", " near ")
_CLAUSE_JOINTS = (" and ", " and ", ", ", ", and ", " while ")
_WEARERS = ("a person", "someone")
_WEARING = ("in", "wearing", "with", "dressed in")
WITHOUT_THINGS = ("a photo", "a picture", "a scene")


@dataclass(frozen=True)
class Mention:
    """A thing with the color word that the sentence gives it, or none."""

    thing: Thing
    color: str | None


def compose(mentions: Sequence[Mention], rng: random.Random) -> str:
    """One sentence that names all things in any order: "a red bus and the dog on the left is blue"."""
    mentions = rng.sample(list(mentions), len(mentions))
    style = rng.random()
    if len(mentions) == 1 and style < 0.12 and not mentions[0].thing.place:
        only = mentions[0]
        return " ".join(filter(None, (only.color, _name(only.thing, rng))))
    if all(mention.thing.kind in GARMENTS for mention in mentions) and style < 0.6:
        worn = _joined([_phrase(mention, rng, article="a") for mention in mentions])
        who = rng.choice(_WEARERS)
        return finished(f"{who} {rng.choice(_WEARING)} {worn}", rng)
    clauses = style < 0.45  # "the bus is red" rather than "a red bus"
    parts = []
    for mention in mentions:
        if mention.color is not None and (clauses or rng.random() < 0.2):
            parts.append(_clause(mention, rng))
        else:
            parts.append(_phrase(mention, rng))
    said = parts[0]
    for part, mention in zip(parts[1:], mentions[1:], strict=True):
        clause = mention.color is not None and re.search(r" (is|are) ", part)
        said += (rng.choice(_CLAUSE_JOINTS) if clause else rng.choice(_JOINTS)) + part
    if not clauses and rng.random() < 0.3 and not re.search(r" (is|are) ", said):
        opening = rng.choice(_OPENINGS)
        said = said if opening == "there is " and mentions[0].thing.plural else opening + said
    return finished(said, rng)


def parts_of_sentences(kinds: Iterable[str]) -> Iterator[str]:
    """Texts that together have every word of :func:`compose` about things of these kinds, apart from colors."""
    yield from (*_OPENINGS, *_JOINTS, *_CLAUSE_JOINTS, *_WEARERS, *_WEARING, *WITHOUT_THINGS, "a an the is are")
    for phrases in (*PLACES_BEFORE.values(), *PLACES_AFTER.values()):
        yield from phrases
    for kind in kinds:
        for name in (kind, *OTHER_NAMES.get(kind, ())):
            yield from (name, plural(name))


def recolored(caption: str, mentions: Sequence[Mention], rng: random.Random) -> str | None:
    """A photo's own caption made to say the things' colors: a word put in, exchanged, or a clause put behind.

    None where that cannot be done without contradiction.
    """
    text = caption.strip().rstrip(" .")
    left: list[Mention] = []
    for mention in mentions:
        changed = _inserted(text, mention, rng)
        if changed is None:
            if find_colors(text) and (mention.thing.share > SMALL or _speaks_of(text, mention.thing.kind)):
                return None  # the caption may speak of this very thing by another name
            left.append(mention)
        else:
            text = changed
    for mention in left:
        part = _clause(mention, rng) if rng.random() < 0.6 else _phrase(mention, rng)
        text += rng.choice((", ", " and ", " . ", ", and ")) + part
    return text


def _inserted(text: str, mention: Mention, rng: random.Random) -> str | None:
    thing = mention.thing
    if thing.place or mention.color is None or (thing.plural and not thing.unique):
        return None
    nouns = "|".join(map(re.escape, sorted(_names(thing), key=len, reverse=True)))
    found = list(re.finditer(rf"\b({nouns})\b", text, re.IGNORECASE))
    if len(found) != 1:
        return None
    before = text[: found[0].start()]
    last = re.search(r"([\w-]+)\s+$", before)
    if last and last[1].lower() in COLOR_CLASS:
        if re.search(r"\b(and|or|,)\s+[\w-]+\s+$", before):
            return None
        before = before[: last.start(1)]
    elif find_colors(" ".join(before.split()[-2:])):  # "white fluffy dog"
        return None
    if re.search(r"\ban\s+$", before, re.IGNORECASE) and mention.color[0] not in "aeiou":
        before = re.sub(r"n\s+$", " ", before)
    elif re.search(r"\ba\s+$", before, re.IGNORECASE) and mention.color[0] in "aeiou":
        before = re.sub(r"\s+$", "n ", before)
    return f"{before}{mention.color} {text[found[0].start() :]}"


def _speaks_of(text: str, kind: str) -> bool:
    return any(re.search(rf"\b{re.escape(name)}", text, re.IGNORECASE) for name in (kind, *OTHER_NAMES.get(kind, ())))


def _names(thing: Thing) -> tuple[str, ...]:
    return (thing.kind, *OTHER_NAMES.get(thing.kind, ()))


def _name(thing: Thing, rng: random.Random) -> str:
    names = _names(thing)
    name = rng.choice(names[1:]) if len(names) > 1 and rng.random() < 0.25 else names[0]
    if not thing.plural or thing.unique or thing.place or name[-1] == "s":
        return name
    return plural(name)


def _phrase(mention: Mention, rng: random.Random, article: str | None = None) -> str:
    """Like "a red bus", "the blue dog on the left", "red cars"."""
    thing = mention.thing
    words = [mention.color, _name(thing, rng)]
    after = ""
    if thing.place:
        if thing.place in PLACES_AFTER and rng.random() < 0.5:
            after = " " + rng.choice(PLACES_AFTER[thing.place])
        else:
            words.insert(0, rng.choice(PLACES_BEFORE[thing.place]))
    said = " ".join(filter(None, words)) + after
    if thing.place and not thing.unique:
        article = "the"
    article = article or ("a" if rng.random() < 0.65 else "the")
    if article == "a":
        if thing.plural:
            return said
        article = "an" if said[0] in "aeiou" else "a"
    return f"{article} {said}"


def _clause(mention: Mention, rng: random.Random) -> str:
    """Like "the bus on the left is red"."""
    verb = "are" if mention.thing.plural else "is"
    return f"{_phrase(Mention(mention.thing, None), rng, article='the')} {verb} {mention.color}"


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def finished(text: str, rng: random.Random) -> str:
    if rng.random() < 0.3:
        text = text[0].upper() + text[1:]
    return text + rng.choice(("", "", "", ".", " ."))
