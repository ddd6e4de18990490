"""Training samples from photos with instances: things repainted under composed sentences, or photos as they are.

Not part of the paper. A repainted photo comes in several views, the same crop in other colors under other words, so
that only the words tell which thing has which color.
"""

import math
import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from lcoins.color.lab import split_lab
from lcoins.color.names import PAINTED_LAB
from lcoins.color.words import recolor, swap_sides
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.instance_recoloring import paint
from lcoins.data.instance_sentences import WITHOUT_THINGS, Mention, compose, parts_of_sentences
from lcoins.data.photo_store import open_photos
from lcoins.data.photos import crop_bounds, draw_crop
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.repainting import (
    FORMS_OF_COLORS,
    Painted,
    choose_things,
    describe,
    draw_colors,
    exchange_colors,
    label,
)
from lcoins.data.things import NEVER_PAINTED, Thing, find_things
from lcoins.data.types import RECOLOR_KEY, Sample, key, keyed_random
from lcoins.imaging.decode import PhotoError

ENOUGH = 0.012  # share of the photo: a photo with a thing of so much can be repainted
WHOLE_PHOTO = 0.5  # how often a photo is squashed rather than cropped, as it is when it is evaluated
SAME_THINGS = 0.8  # of the further views: other colors on the same things, in the same sentence
EXCHANGED = 0.5  # of the further views of several things: the colors change places, so that only their order tells
GRAY_VIEW = 0.1  # of the further views: all that is painted is gray
TRIES = 4  # photos that are drawn to be repainted before one is taken as it is
MOST_NAMED = 4  # things in a sentence about a photo without captions


@dataclass(frozen=True)
class Source:
    """Photos of one folder or pack: their names, captions of some, and instances.

    ``repainted`` and ``plain`` say how often one of its photos is drawn in either role, compared with other sources.
    """

    root: Path
    photos: tuple[str, ...]
    captions: Mapping[str, Sequence[str]]
    instances: CocoInstances | None
    repainted: float
    plain: float

    @property
    def paintable(self) -> tuple[str, ...]:
        """The photos that have something to paint."""
        return tuple(
            photo
            for photo in self.photos
            if self.instances is not None
            and any(name not in NEVER_PAINTED and share >= ENOUGH for name, share in self.instances.named_shares(photo))
        )

    @property
    def described(self) -> tuple[str, ...]:
        """The photos that can be shown as they are: those with captions, or all where none has any."""
        return tuple(photo for photo in self.photos if photo in self.captions or not self.captions)


@dataclass(frozen=True)
class RepaintingOptions:
    """What is drawn of each training sample.

    Args:
        share: of the samples that are repainted photos, 0..1; the others keep their own captions.
        views: of each repainted photo: one crop in so many paints, each under its own words.
        word_recoloring: share of the other samples that have a color word exchanged together with what it names, 0..1.
        crop_scale: the least and the largest share of a photo that a crop takes.
    """

    share: float
    views: int
    word_recoloring: float
    crop_scale: Sequence[float]

    def __post_init__(self) -> None:
        for name, value in (("share", self.share), ("word_recoloring", self.word_recoloring)):
            if not 0 <= value <= 1:
                raise ValueError(f"data.repainting.{name}: expected 0..1, got {value}")
        if self.views < 1:
            raise ValueError(f"data.repainting.views: expected at least 1, got {self.views}")
        crop_bounds(self.crop_scale, "data.repainting.crop_scale")


class RecoloredPhotos(Dataset[Sample]):
    """An epoch of ``samples`` draws from several sources, ``image_size`` pixels wide and high.

    Some are repainted photos, which come in several views; the others are photos with their own captions. All draws
    depend on (seed, epoch, index) alone. Raises ValueError where no photo can be drawn in a role that is asked for.
    """

    palette = None

    def __init__(
        self, sources: Sequence[Source], image_size: int, samples: int, options: RepaintingOptions, seed: int
    ) -> None:
        self.sources, self.image_size, self.samples = list(sources), image_size, samples
        self.options, self.seed = options, seed
        self.crop_scale = (options.crop_scale[0], options.crop_scale[1])
        self.word_recoloring = WordRecoloring(options.word_recoloring)
        self.stores = [open_photos(source.root) for source in sources]
        self.paintable = [source.paintable for source in sources]
        self.described = [source.described for source in sources]
        self.repainted_ends = source_ends([source.repainted for source in sources], self.paintable)
        self.plain_ends = source_ends([source.plain for source in sources], self.described)
        if options.share > 0 and not self.repainted_ends[-1] > 0:
            raise ValueError(
                "no photo can be repainted: none of data.train with repainted above 0 has an instance that is large "
                "enough and no person; give instances, or set data.repainting.share=0"
            )
        if not self.plain_ends[-1] > 0:
            raise ValueError("no photo can be shown as it is; give a set of data.train a plain above 0")
        # In shared memory, so that workers which outlive an epoch see the next one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def texts(self) -> Iterable[str]:
        """Texts that together have every color word, and every word of the captions.

        Those of composed sentences are added where a source has no captions. Where all have some, its vocabulary stays
        that of published runs, which knows what people say and no rare name that only a composed sentence has.
        """
        captions = [text for source in self.sources for own in source.captions.values() for text in own]
        silent = [source.instances for source in self.sources if not source.captions]
        kinds = {kind for instances in silent if instances is not None for kind in instances.categories}
        composed = (*parts_of_sentences(sorted(kinds)), *FORMS_OF_COLORS) if silent else ()
        return [*captions, *map(swap_sides, captions), *composed, *PAINTED_LAB]

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        rng = keyed_random(self.seed, "instances", int(self._epoch), index)
        if rng.random() < self.options.share:
            for _ in range(TRIES):
                source, photo = draw_photo(self.repainted_ends, self.paintable, rng)
                sample = self._repainted(source, photo, index, rng)
                if sample is not None:
                    return sample
        source, photo = draw_photo(self.plain_ends, self.described, rng)
        return self._as_it_is(source, photo, index, rng)

    def _repainted(self, source: int, photo: str, index: int, rng: random.Random) -> Sample | None:
        """Views of a crop with its things in several sets of colors, or None where nothing can be painted."""
        rgb, things, flipped = self._crop(source, photo, rng)
        lightness, ab = split_lab(rgb[None].float() / 255)
        chosen = choose_things(things, rng)
        if not chosen:
            return None
        words = key(repr(rng.random()), "words")  # of the sentence, which stays while the things do
        captions = [swap_sides(text) if flipped else text for text in self.sources[source].captions.get(photo, ())]
        views: list[Sample] = []
        used: dict[str, set[str]] = {}
        painted: Painted = []
        for view in range(self.options.views):
            before = chosen
            if view and rng.random() >= SAME_THINGS:
                chosen, words = choose_things(things, rng), key(words, "others")
            gray = bool(view) and rng.random() < GRAY_VIEW
            exchanges = chosen is before and len(painted) > 1 and rng.random() < EXCHANGED
            painted = (exchange_colors(painted) if exchanges else []) or draw_colors(chosen, rng, used, gray)
            if not painted:
                return None
            for thing, color in painted:
                used.setdefault(label(thing), set()).add(color.name)
            pixels, emphasis = paint(lightness[0, 0], ab[0], painted, rng)
            caption, _ = describe(painted, things, captions, random.Random(words))
            other = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, int(self._epoch), index, view))
            views.append(Sample(pixels, caption, other, index, f"{photo}_{view}", photo=photo, emphasis=emphasis))
        return replace(views[0], further_views=tuple(views[1:]))

    def _as_it_is(self, source: int, photo: str, index: int, rng: random.Random) -> Sample:
        """A photo with one of its captions; without any, with a sentence about what its things are known to be."""
        rgb, things, flipped = self._crop(source, photo, rng)
        captions = self.sources[source].captions.get(photo, ())
        if captions:
            caption = rng.choice(list(captions))
            caption = swap_sides(caption) if flipped else caption
            recolored, (caption,) = self.word_recoloring(rgb[None].float() / 255, [caption], [rng])
            rgb = (recolored[0] * 255).round().to(torch.uint8)
        else:
            known = [Mention(thing, thing.color) for thing in rng.sample(things, min(len(things), MOST_NAMED))]
            caption = compose(known, rng) if known else rng.choice(WITHOUT_THINGS)
        other = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, int(self._epoch), index))
        return Sample(rgb, caption, other, index, photo, photo=photo)

    def _crop(self, source: int, photo: str, rng: random.Random) -> tuple[Tensor, list[Thing], bool]:
        """A crop (3, S, S) uint8, its things, and whether it is flipped."""
        side = (self.image_size, self.image_size)
        pixels = torch.from_numpy(self._load(source, photo))
        height, width = pixels.shape[:2]
        box = (0, 0, width, height)
        if rng.random() >= WHOLE_PHOTO:
            box = draw_crop((width, height), self.crop_scale, rng)
        left, upper, right, lower = box
        flipped = rng.random() < 0.5
        cut = pixels[upper:lower, left:right].permute(2, 0, 1)[None]
        rgb = interpolate(cut, side, mode="bicubic", antialias=True)[0]
        rgb = (rgb.flip(-1) if flipped else rgb).contiguous()
        instances = self.sources[source].instances
        if instances is None or photo not in instances:
            return rgb, [], flipped
        share = (left / width, upper / height, right / width, lower / height)
        found = instances.crop(photo, self.image_size, share, flipped=flipped)
        lightness, ab = split_lab(rgb[None].float() / 255)
        return rgb, find_things(found, lightness[0, 0], ab[0], rng), flipped

    def _load(self, source: int, photo: str) -> np.ndarray:
        # Enough pixels that the smallest square crop is not enlarged.
        least = math.ceil(self.image_size / self.crop_scale[0] ** 0.5)
        try:
            return self.stores[source].load(photo, (least, least))
        except (PhotoError, FileNotFoundError) as error:
            raise ValueError(f"photo {photo!r} of {self.sources[source].root} cannot be read: {error}") from error


def source_ends(frequencies: Sequence[float], photos: Sequence[Sequence[str]]) -> list[float]:
    """Where each source's share of a role ends on a line that all photos make up by their frequencies."""
    return [*accumulate(frequency * len(own) for frequency, own in zip(frequencies, photos, strict=True))]


def draw_photo(ends: Sequence[float], photos: Sequence[Sequence[str]], rng: random.Random) -> tuple[int, str]:
    """The number of a source, and one of its photos."""
    source = min(bisect_right(ends, rng.random() * ends[-1]), len(ends) - 1)
    return source, rng.choice(photos[source])
