"""What is painted in a view of a crop, in which colors, and the sentence about it. Not part of the paper."""

import random
from collections.abc import Mapping, Sequence

from lcoins.color.names import BASIC_LAB, ISH, NamedColor
from lcoins.data.instance_recoloring import draw_color, is_allowed
from lcoins.data.instance_sentences import Mention, compose, recolored
from lcoins.data.things import Thing

Painted = list[tuple[Thing, NamedColor]]  # things with their new colors

HOW_MANY = (0.5, 0.32, 0.18)  # one, two or three things
FAVOR_LARGE = 0.3  # exponent of a thing's share of the crop, in how often it is chosen
TOGETHER = 0.75  # how often the others of a kind are chosen along with one of them
APART = 0.7  # how often a color that one thing has is closed to a thing of another kind
OWN_CAPTION = 0.4  # of the photos that have one: it is changed, rather than a sentence composed
BYSTANDERS = 0.4  # of the composed sentences: they name things that keep their color, too
BYSTANDER_COLOR = 0.6  # how often such a thing is named with its color, where that is sure
HYPHENATED = 0.3  # of the names of two words
GREY = 0.35  # how often gray is spelled so
COLORED_FORM = 0.03  # of the names of one word: "salmon-colored"
ISH_FORM = 0.05  # of those that have it: "reddish"
COLORED = ("colored", "coloured")
# Words that :func:`spoken` writes beside the colors' names.
FORMS_OF_COLORS = ("grey", *COLORED, *ISH.values())
SEEN = 0.01  # share of the crop: a smaller thing is not worth a word


def choose_things(things: Sequence[Thing], rng: random.Random) -> list[Thing]:
    """One to three things to paint, large ones more often; with one of a kind mostly the others of it, too."""
    left = [thing for thing in things if thing.paintable]
    wanted = rng.choices((1, 2, 3), HOW_MANY)[0]
    chosen: list[Thing] = []
    while left and len(chosen) < wanted:
        weights = [thing.share**FAVOR_LARGE * (1 if thing.unique or not thing.place else 2) for thing in left]
        thing = rng.choices(left, weights)[0]
        left.remove(thing)
        chosen.append(thing)
        others = [other for other in left if other.kind == thing.kind]
        if others and rng.random() < TOGETHER:
            chosen += others
            left = [other for other in left if other.kind != thing.kind]
    return chosen


def draw_colors(things: Sequence[Thing], rng: random.Random, used: Mapping[str, set[str]], gray: bool) -> Painted:
    """Each thing with a new color: no two of a kind the same, none that ``used`` has under the thing's :func:`label`.

    A thing that no color is left for is left out. With ``gray`` all become gray.
    """
    painted: Painted = []
    for thing in things:
        if gray:
            painted.append((thing, NamedColor("gray", BASIC_LAB["gray"])))
            continue
        taken = [color.name for other, color in painted if other.kind == thing.kind or rng.random() < APART]
        color = draw_color(thing, rng, [*taken, *used.get(label(thing), ())])
        if color is not None:
            painted.append((thing, color))
    return painted


def label(thing: Thing) -> str:
    """What a thing is in every view of its crop.

    >>> import numpy as np
    >>> label(Thing("bus", np.zeros((2, 2), bool), place="left"))
    'bus left'
    """
    return f"{thing.kind} {thing.place}"


def exchange_colors(painted: Painted) -> Painted:
    """The same colors, each on the next thing; empty where lightness forbids one of them."""
    things, colors = zip(*painted, strict=True)
    turned = [*colors[1:], colors[0]]
    fits = all(is_allowed(color, thing) for thing, color in zip(things, turned, strict=True))
    return [*zip(things, turned, strict=True)] if fits else []


def describe(
    painted: Painted, things: Sequence[Thing], captions: Sequence[str], rng: random.Random, absent: Thing | None = None
) -> tuple[str, list[Mention]]:
    """A sentence that names all that is painted with its color, and what it names; one of ``captions``, or composed.

    ``captions`` are the photo's own, of which one may be changed to say so. ``things`` are all of the crop, of which
    some may be named beside; ``absent``, which the crop does not show, is named in a composed sentence.
    """
    forms = random.Random(rng.random())  # apart, so that another color does not change the rest of the sentence
    mentions = [Mention(thing, spoken(color.name, forms)) for thing, color in painted]
    if captions and rng.random() < OWN_CAPTION:
        changed = recolored(rng.choice(list(captions)), mentions, rng)
        if changed is not None:
            return changed, mentions
    if rng.random() < BYSTANDERS:
        kinds = {thing.kind for thing, _ in painted}
        others = [thing for thing in things if thing.kind not in kinds and thing.share > SEEN]
        for thing in rng.sample(others, min(len(others), rng.choice((1, 1, 2)))):
            mentions.append(Mention(thing, thing.color if rng.random() < BYSTANDER_COLOR else None))
    if absent is not None:
        mentions.append(Mention(absent, spoken(rng.choice(tuple(BASIC_LAB)), forms)))
    return compose(mentions, rng), mentions


def spoken(name: str, rng: random.Random) -> str:
    """A color's name in one of the forms that people write: "sky-blue", "reddish", "grey", "salmon-colored".

    >>> spoken("sky blue", random.Random(1)), spoken("red", random.Random(32))
    ('sky-blue', 'reddish')
    """
    form = rng.random()
    if name.endswith("gray") and form < GREY:
        return name.removesuffix("gray") + "grey"
    if " " in name:
        return name.replace(" ", "-") if form < HYPHENATED else name
    if form < COLORED_FORM:
        return f"{name}-{rng.choice(COLORED)}"
    if name in ISH and form < COLORED_FORM + ISH_FORM:
        return ISH[name]
    return name
