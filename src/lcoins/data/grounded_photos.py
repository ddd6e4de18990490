"""Samples that say where things are: a crop and several sentences about it, with the places of their color words.

Not part of the paper. The crop is not painted: a gray photo looks the same in any colors. The sentences name things by
any color that their lightness allows, sometimes a thing that the photo does not show. Skies, grass and other
surroundings, which have no outlines, are found by their colors. A photo's own captions say more than outlines do, of
clothes, walls and all that people see: where the photo has the color of a word, on a person if it is worn, is a guess
at its place. Some photos are drawn for this alone.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB, NamedColor
from lcoins.color.reading import read_sentence
from lcoins.color.sides import is_worn
from lcoins.color.words import BASIC_COLORS, find_colors, swap_sides
from lcoins.data.color_naming import terms_of_pixels
from lcoins.data.instance_sentences import Mention
from lcoins.data.recolored_photos import TRIES, RecoloredPhotos, RepaintingOptions, Source, draw_photo, source_ends
from lcoins.data.repainting import choose_things, describe, draw_colors
from lcoins.data.surroundings import clothes, renamed, surroundings
from lcoins.data.things import NEVER_PAINTED, Thing
from lcoins.data.types import SaidPlace, Sample, keyed_random

ABSENT = 0.3  # of the composed sentences: they name a thing that the photo does not show, too
AROUND = 0.6  # of the crops: a further sentence names what surrounds the things, if anything is found
OWN_WORDS = 0.25  # of the sentences about a photo with captions: its own, with places guessed from its colors
GUESSED = (0.008, 0.5)  # share of the crop between which a guess is worth something
TELLING = frozenset(BASIC_COLORS) - {"black", "white", "gray", "brown"}  # photos are full of the others


class GroundedPhotos(RecoloredPhotos):
    """An epoch of ``samples`` crops of photos with instances, each with so many ``sentences``.

    They make up one caption, "a red bus. the dog on the left is blue", in which a name means what it means alone.

    ``by_captions`` is the share of crops that the photo's own captions speak of alone; these photos need no instances.
    With ``fixed`` every epoch has the same draws, for validation. Other arguments are those of
    :class:`~lcoins.data.recolored_photos.RecoloredPhotos` and of its options.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        image_size: int,
        samples: int,
        sentences: int,
        crop_scale: Sequence[float],
        seed: int,
        by_captions: float,
        fixed: bool = False,
    ) -> None:
        drawn = RepaintingOptions(share=1.0, views=1, word_recoloring=0.0, crop_scale=crop_scale)
        super().__init__(sources, image_size, samples, drawn, seed)
        if sentences < 1:
            raise ValueError(f"data.sentences: expected at least 1, got {sentences}")
        if not 0 <= by_captions <= 1:
            raise ValueError(f"data.by_captions: expected a share from 0 to 1, got {by_captions}")
        self.sentences, self.by_captions, self.fixed = sentences, by_captions, fixed
        self.telling = [
            tuple(photo for photo in source.photos if any(map(_tells, source.captions.get(photo, ()))))
            for source in sources
        ]
        self.telling_ends = source_ends([source.plain for source in sources], self.telling)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on."""
        super().set_epoch(0 if self.fixed else epoch)

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        rng = keyed_random(self.seed, "places", int(self._epoch), index)
        by_captions = min(self.by_captions, self.telling_ends[-1]) > 0 and rng.random() < self.by_captions
        drawn_from = (self.telling_ends, self.telling) if by_captions else (self.repainted_ends, self.paintable)
        for _ in range(TRIES):
            source, photo = draw_photo(*drawn_from, rng)
            rgb, things, flipped = self._crop(source, photo, rng)
            captions = [swap_sides(text) if flipped else text for text in self.sources[source].captions.get(photo, ())]
            if by_captions:
                own = rng.sample(captions, min(len(captions), self.sentences))
                said = [(caption, tuple(guessed_places(caption, rgb, things))) for caption in own]
            else:
                said = [self._said(source, photo, rgb, things, captions, rng) for _ in range(self.sentences)]
            if rng.random() < AROUND:
                said.append(_said_around(rgb, things, captions, rng))
            caption, places = joined(said)
            if places:
                break
        return Sample(rgb, caption, caption, index, photo, photo=photo, places=places)

    def _said(
        self,
        source: int,
        photo: str,
        rgb: Tensor,
        things: Sequence[Thing],
        captions: Sequence[str],
        rng: random.Random,
    ) -> tuple[str, tuple[SaidPlace, ...]]:
        """A sentence about a crop, and the places of its color words."""
        if captions and rng.random() < OWN_WORDS:
            caption = rng.choice(list(captions))
            return caption, tuple(guessed_places(caption, rgb, things))
        painted = draw_colors(choose_things(things, rng), rng, {}, gray=False)
        if not painted:
            return (rng.choice(list(captions)) if captions else "a photo"), ()
        absent = self._absent(source, photo, rng) if rng.random() < ABSENT else None
        caption, mentions = describe(painted, things, captions, rng, absent)
        return caption, tuple(mentioned_places(caption, mentions))

    def _absent(self, source: int, photo: str, rng: random.Random) -> Thing | None:
        """A thing of another photo of the source, of a kind that this one does not have."""
        instances = self.sources[source].instances
        assert instances is not None, "only photos with instances are drawn"
        shown = {name for name, _ in instances.named_shares(photo)}
        others = {name for name, _ in instances.named_shares(rng.choice(self.paintable[source]))}
        kinds = sorted(others - shown - NEVER_PAINTED)
        return Thing(rng.choice(kinds), np.zeros((self.image_size, self.image_size), bool)) if kinds else None


def _said_around(
    rgb: Tensor, things: Sequence[Thing], captions: Sequence[str], rng: random.Random
) -> tuple[str, tuple[SaidPlace, ...]]:
    """A sentence about what surrounds the things of a crop, all that is worn, or what the crop does not show."""
    lightness, ab = split_lab(rgb[None].float() / 255)
    taken = np.logical_or.reduce([thing.mask for thing in things], axis=0) if things else np.zeros(rgb.shape[1:], bool)
    kinds = [thing.kind for thing in things]
    found, absent = surroundings(lightness[0, 0].numpy(), ab[0].numpy(), taken, kinds, captions)
    worn = clothes(things)
    found += [worn] if worn is not None else []
    chosen = rng.sample(found, min(len(found), 2))
    if absent and rng.random() < ABSENT:
        chosen.append(Thing(rng.choice(absent), np.zeros(rgb.shape[1:], bool)))
    painted = [(renamed(thing, rng), NamedColor(*rng.choice(list(BASIC_LAB.items())))) for thing in chosen]
    if not painted:
        return "a photo", ()
    caption, mentions = describe(painted, (), (), rng)
    return caption, tuple(mentioned_places(caption, mentions))


def joined(said: Sequence[tuple[str, tuple[SaidPlace, ...]]]) -> tuple[str, tuple[SaidPlace, ...]]:
    """Several sentences, each with its places, as one text, and all places in it."""
    text, places = "", []
    for caption, own in said:
        text += ". " if text else ""
        places += [replace(place, start=place.start + len(text), end=place.end + len(text)) for place in own]
        text += caption
    return text, tuple(places)


def mentioned_places(caption: str, mentions: Sequence[Mention]) -> Iterator[SaidPlace]:
    """The places of the things that a caption mentions with a color, where that color stands in it but once."""
    colors = [mention.color for mention in mentions]
    for mention in mentions:
        if mention.color is None or colors.count(mention.color) > 1:
            continue
        found = [match.span() for match in re.finditer(rf"\b{re.escape(mention.color)}\b", caption)]
        if len(found) == 1:
            yield SaidPlace(*found[0], torch.from_numpy(mention.thing.mask))


def _tells(caption: str) -> bool:
    """Whether a caption has a color that may tell where its thing is."""
    return not TELLING.isdisjoint(word.color for word in find_colors(caption))


def guessed_places(caption: str, rgb: Tensor, things: Sequence[Thing]) -> Iterator[SaidPlace]:
    """Where a crop (3, H, W) uint8 has the colors of its caption's words, unless that is next to nothing or half of it.

    Of what is worn only what lies on a person, if there are persons among the crop's things. Colors that photos are
    full of, and those that a caption names twice, say nothing.
    """
    words = find_colors(caption)
    named = [word.color for word in words]
    wanted = [word for word in words if word.color in TELLING and named.count(word.color) == 1]
    if not wanted:
        return
    lightness, ab = split_lab(rgb[None].float() / 255)
    terms = terms_of_pixels(lightness.flatten().numpy(), ab[0].flatten(1).numpy()).reshape(rgb.shape[1:])
    persons = [thing.mask for thing in things if thing.kind == "person"]
    reading = read_sentence(caption)
    worn = {phrase.end for phrase, thing in zip(reading.colors, reading.things, strict=True) if is_worn(thing)}
    for word in wanted:
        mask = terms == BASIC_COLORS.index(word.color)
        if persons and word.end in worn:
            mask = mask & np.logical_or.reduce(persons)
        if GUESSED[0] < mask.mean() < GUESSED[1]:
            yield SaidPlace(word.start, word.end, torch.from_numpy(mask), certain=False)
