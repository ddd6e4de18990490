"""The sentence about a drawn scene: natural, varied, and true of exactly the objects it names."""

import random
from dataclasses import dataclass

from lcoins.color.object_pairs import ObjectColors, ordered_object_colors
from lcoins.color.words import BASIC_COLORS, split_words, with_article
from lcoins.data.scenes.layout import KINDS, PATTERNS, SCENE_COLORS, DistinguishedBy, SceneObject

PLACE_PHRASES = {"left": "on the left", "right": "on the right", "middle": "in the middle"} | {
    place: f"at the {place}" for place in ("top", "bottom", "top left", "top right", "bottom left", "bottom right")
}
RELATIONS = {
    "left": ("to the left of",),
    "right": ("to the right of",),
    "top": ("above", "over"),
    "bottom": ("below", "under"),
}
OPENERS = (*[""] * 6, "there is ", "you can see ", "here is ", "this picture shows ")
# Forms of sentences: a list ("a red star on the left"), relative clauses ("a star that is red"), "the star is red",
# and places first ("on the left a red star"). The weights say how often each is taken, with and without places. Most
# sentences have a color nearer to its own place than to the next one's: from these a small model learns, slowly, whose
# color it is.
FORMS = ("list", "that", "is", "place first")
FORM_WEIGHTS = {True: (2, 1, 4, 7), False: (4, 1, 2, 0)}
_PHRASES = (*OPENERS, *PLACE_PHRASES.values(), *(phrase for phrases in RELATIONS.values() for phrase in phrases))

# Every word that a sentence can contain, and every basic color word.
VOCABULARY: tuple[str, ...] = tuple(
    sorted(
        {*BASIC_COLORS, *SCENE_COLORS, *KINDS, *PATTERNS, "small", "big"}
        | {"a", "an", "the", "one", "that", "is", "and", "next", "to", "beside"}
        | {word for phrase in _PHRASES for word in phrase.split()}
    )
)


@dataclass(frozen=True)
class Description:
    """``claims`` holds, object by object, the attributes that the sentence gives it: sizes, patterns, its place."""

    sentence: str
    claims: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class _Mention:
    """What a sentence says of an object: ``noun`` is its kind or "one", ``place`` is "" where it is not said."""

    noun: str
    kind: str
    color: str
    adjectives: tuple[str, ...]
    place: str

    def phrase(self) -> str:
        """For example "a small red star"."""
        return with_article(_join(*self.adjectives, self.color, self.noun))

    def place_phrase(self) -> str:
        """For example "on the left", or "" where no place is said."""
        return PLACE_PHRASES.get(self.place, "")


def describe(objects: tuple[SceneObject, ...], distinguished_by: DistinguishedBy, rng: random.Random) -> Description:
    """Names every object's color once, in any order, and tells objects of one kind apart by ``distinguished_by``."""
    relates = len(objects) == 2 and rng.random() < 0.15
    says_place = not relates and (distinguished_by == "place" or rng.random() < 0.6)
    order = rng.sample(range(len(objects)), len(objects))
    same_kind = len({thing.kind for thing in objects}) == 1
    mentions: list[_Mention] = []
    for i in order:
        thing = objects[i]
        noun = "one" if same_kind and mentions else thing.kind
        adjectives = _adjectives(thing, objects, distinguished_by, rng)
        mentions.append(_Mention(noun, thing.kind, thing.color, adjectives, thing.place if says_place else ""))
    says_relation = relates and (distinguished_by == "place" or same_kind or rng.random() < 0.75)
    claims: list[tuple[str, ...]] = [()] * len(objects)
    for i, mention in zip(order, mentions, strict=True):
        claims[i] = mention.adjectives + ((objects[i].place,) if says_place or says_relation else ())
    if relates:
        relation = rng.choice(RELATIONS[objects[order[0]].place] if says_relation else ("next to", "beside"))
        sentence = rng.choice(OPENERS) + _join(mentions[0].phrase(), relation, mentions[1].phrase())
    else:
        sentence = _tell(mentions, rng)
    return Description(sentence, tuple(claims))


def exact_object_colors(sentence: str) -> ObjectColors:
    """Which color belongs to which object, exactly: a sentence names each object once, with one color.

    >>> exact_object_colors("the star on the left is red and on the right a blue one")
    ((1, 6), (13, 12))
    """
    nouns = [index for index, word in enumerate(split_words(sentence)) if word in KINDS or word == "one"]
    return ordered_object_colors(sentence, nouns)


def _adjectives(
    thing: SceneObject, objects: tuple[SceneObject, ...], distinguished_by: DistinguishedBy, rng: random.Random
) -> tuple[str, ...]:
    """Size and pattern: always where they tell objects of one kind apart, elsewhere now and then."""
    repeated = sum(other.kind == thing.kind for other in objects) > 1
    says_size = (repeated and distinguished_by == "size") or rng.random() < 0.25
    says_pattern = (repeated and distinguished_by == "pattern") or (thing.pattern != "plain" and rng.random() < 0.35)
    words = (thing.size if says_size else "", thing.pattern if says_pattern else "")
    return tuple(word for word in words if word)


def _tell(mentions: list[_Mention], rng: random.Random) -> str:
    """Names the objects in one of FORMS, drawn at random."""
    (form,) = rng.choices(FORMS, weights=FORM_WEIGHTS[bool(mentions[0].place)])
    if form == "place first":
        clauses = [_join(mention.place_phrase(), mention.phrase()) for mention in mentions]
        first = _join(mentions[0].place_phrase(), rng.choice(("", "is")), mentions[0].phrase())
        return _enumerate([first, *clauses[1:]])
    if form == "that":
        clauses = [with_article(_join(*m.adjectives, m.kind, "that is", m.color, m.place_phrase())) for m in mentions]
        return rng.choice(OPENERS) + _enumerate(clauses)
    if form == "is":
        return _say_is(mentions, rng)
    return rng.choice(OPENERS) + _enumerate([_join(mention.phrase(), mention.place_phrase()) for mention in mentions])


def _say_is(mentions: list[_Mention], rng: random.Random) -> str:
    """Says "the heart on the left is orange and the right one is purple"; some sentences have the verb only once."""
    verb_once, place_before_noun = rng.random() < 0.3, rng.random() < 0.2
    parts: list[str] = []
    for mention in mentions:
        verb = "" if verb_once and parts else "is"
        if place_before_noun and not mention.adjectives:
            parts.append(_join("the", mention.place, mention.noun, verb, mention.color))
        else:
            parts.append(_join("the", *mention.adjectives, mention.noun, mention.place_phrase(), verb, mention.color))
    return _enumerate(parts)


def _join(*words: str) -> str:
    return " ".join(word for word in words if word)


def _enumerate(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1]
