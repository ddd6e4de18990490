"""Training samples from photos with instances: things repainted under composed sentences, or photos as they are."""

import random
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from lcoins.color.lab import split_lab
from lcoins.color.names import BASIC_LAB, PAINTED_LAB, NamedColor
from lcoins.color.words import recolor, swap_sides
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.instance_recoloring import draw_color, is_allowed, paint
from lcoins.data.instance_sentences import Mention, compose, recolored
from lcoins.data.photo_store import open_photos
from lcoins.data.photos import draw_crop
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.things import NEVER_PAINTED, Thing, find_things
from lcoins.data.types import RECOLOR_KEY, Sample, key, keyed_random

ENOUGH = 0.012  # share of the photo: a photo with a thing of so much can be repainted
WHOLE_PHOTO = 0.5  # how often a photo is squashed rather than cropped, as it is when it is evaluated
HOW_MANY = (0.5, 0.32, 0.18)  # one, two or three things
SAME_THINGS = 0.8  # of the further views: other colors on the same things, in the same sentence
EXCHANGED = 0.5  # of the further views of several things: the colors change places, so that only their order tells
GRAY_VIEW = 0.1
OWN_CAPTION = 0.4  # of the repainted photos that have one


@dataclass(frozen=True)
class Source:
    """Photos of one folder: names, captions of some, instances, and how often one is drawn repainted or as it is."""

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
            and any(name not in NEVER_PAINTED and share >= ENOUGH for name, share in self.instances.of(photo))
        )


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
        if not (0 <= self.share <= 1 and 0 <= self.word_recoloring <= 1):
            raise ValueError(
                f"data.repainting: share and word_recoloring must lie in 0..1, not {self.share} and "
                f"{self.word_recoloring}"
            )
        if self.views < 1:
            raise ValueError(f"data.repainting.views must be at least 1, not {self.views}")


class RecoloredPhotos(Dataset[Sample]):
    """An epoch of ``samples`` draws from several sources, ``image_size`` pixels wide and high.

    Some are repainted photos, which come in several views; the others are photos with their own captions. All draws
    depend on (seed, epoch, index) alone.
    """

    palette = None

    def __init__(
        self, sources: Sequence[Source], image_size: int, samples: int, options: RepaintingOptions, seed: int
    ) -> None:
        self.sources, self.image_size, self.samples, self.seed = list(sources), image_size, samples, seed
        self.repainted, self.views = options.share, options.views
        self.crop_scale = (options.crop_scale[0], options.crop_scale[1])
        self.word_recoloring = WordRecoloring(options.word_recoloring)
        self.folders = [open_photos(source.root) for source in sources]
        self.paintable = [source.paintable for source in sources]
        self.plain = [
            tuple(photo for photo in source.photos if photo in source.captions or not source.captions)
            for source in sources
        ]
        self.repainted_ends = [*accumulate(s.repainted * len(p) for s, p in zip(sources, self.paintable, strict=True))]
        self.plain_ends = [*accumulate(s.plain * len(p) for s, p in zip(sources, self.plain, strict=True))]
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    @property
    def texts(self) -> Iterable[str]:
        """Every word that a caption can hold."""
        said = [text for source in self.sources for texts in source.captions.values() for text in texts]
        return [*said, *map(swap_sides, said), *PAINTED_LAB]

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.samples:
            raise IndexError(f"sample {index} of {self.samples}")
        rng = keyed_random(self.seed, "instances", int(self._epoch), index)
        if rng.random() < self.repainted:
            for _ in range(4):
                source, photo = self._draw(self.repainted_ends, self.paintable, rng)
                sample = self._repainted(source, photo, index, rng)
                if sample is not None:
                    return sample
        source, photo = self._draw(self.plain_ends, self.plain, rng)
        return self._as_it_is(source, photo, index, rng)

    def _draw(self, ends: Sequence[float], photos: Sequence[Sequence[str]], rng: random.Random) -> tuple[int, str]:
        source = min(bisect_right(ends, rng.random() * ends[-1]), len(ends) - 1)
        return source, rng.choice(photos[source])

    def _crop(self, source: int, photo: str, rng: random.Random) -> tuple[Tensor, list[Thing], bool]:
        """A crop (3, S, S) uint8, its things, and whether it is flipped."""
        side = (self.image_size, self.image_size)
        pixels = torch.from_numpy(self.folders[source].load(photo, side))
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

    def _repainted(self, source: int, photo: str, index: int, rng: random.Random) -> Sample | None:
        """Views of a crop with its things in several sets of colors, or None where nothing can be painted."""
        rgb, things, flipped = self._crop(source, photo, rng)
        lightness, ab = split_lab(rgb[None].float() / 255)
        chosen = _choose(things, rng)
        if not chosen:
            return None
        words = key(repr(rng.random()), "words")
        own = [swap_sides(text) if flipped else text for text in self.sources[source].captions.get(photo, ())]
        views: list[Sample] = []
        used: dict[str, set[str]] = {}
        painted: list[tuple[Thing, NamedColor]] = []
        for view in range(self.views):
            same = chosen
            if view and rng.random() >= SAME_THINGS:
                chosen, words = _choose(things, rng), key(words, "others")
            gray = bool(view) and rng.random() < GRAY_VIEW
            exchanged = _exchanged(painted) if chosen is same and len(painted) > 1 and rng.random() < EXCHANGED else []
            painted = exchanged or _colored(chosen, rng, used, gray)
            for thing, color in painted:
                used.setdefault(f"{thing.kind} {thing.place}", set()).add(color.name)
            if not painted:
                return None
            pixels, emphasis = paint(lightness[0, 0], ab[0], painted, rng)
            caption = _sentence(painted, things, own, random.Random(words))
            second = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, int(self._epoch), index, view))
            views.append(Sample(pixels, caption, second, index, f"{photo}_{view}", photo=photo, emphasis=emphasis))
        return replace(views[0], further_views=tuple(views[1:]))

    def _as_it_is(self, source: int, photo: str, index: int, rng: random.Random) -> Sample:
        rgb, things, flipped = self._crop(source, photo, rng)
        own = self.sources[source].captions.get(photo, ())
        if own:
            caption = rng.choice(list(own))
            caption = swap_sides(caption) if flipped else caption
            floating, (caption,) = self.word_recoloring(rgb[None].float() / 255, [caption], rng)
            rgb = (floating[0] * 255).round().to(torch.uint8)
        else:
            known = [Mention(thing, thing.color) for thing in rng.sample(things, min(len(things), 4))]
            caption = compose(known, rng) if known else rng.choice(("a photo", "a picture", "a scene"))
        second = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, int(self._epoch), index))
        return Sample(rgb, caption, second, index, photo, photo=photo)


def _choose(things: Sequence[Thing], rng: random.Random) -> list[Thing]:
    """One to three things to paint, large ones more often; with one of two of a kind mostly the other too."""
    left = [thing for thing in things if thing.paintable]
    wanted = rng.choices((1, 2, 3), HOW_MANY)[0]
    chosen: list[Thing] = []
    while left and len(chosen) < wanted:
        weights = [thing.share**0.3 * (1 if thing.unique or not thing.place else 2) for thing in left]
        thing = rng.choices(left, weights)[0]
        left.remove(thing)
        chosen.append(thing)
        others = [other for other in left if other.kind == thing.kind]
        if others and rng.random() < 0.75:
            chosen += others
            left = [other for other in left if other.kind != thing.kind]
    return chosen


def _colored(
    things: Sequence[Thing], rng: random.Random, used: Mapping[str, set[str]], gray: bool
) -> list[tuple[Thing, NamedColor]]:
    """Each thing with a new color: no two of a kind the same, none that ``used`` gives it already."""
    painted: list[tuple[Thing, NamedColor]] = []
    for thing in things:
        if gray:
            painted.append((thing, NamedColor("gray", BASIC_LAB["gray"])))
            continue
        taken = [color.name for other, color in painted if other.kind == thing.kind or rng.random() < 0.7]
        color = draw_color(thing, rng, [*taken, *used.get(f"{thing.kind} {thing.place}", ())])
        if color is not None:
            painted.append((thing, color))
    return painted


def _exchanged(painted: Sequence[tuple[Thing, NamedColor]]) -> list[tuple[Thing, NamedColor]]:
    """The same colors, each on the next thing; empty where lightness forbids one of them."""
    things, colors = zip(*painted, strict=True)
    turned = [*colors[1:], colors[0]]
    fits = all(is_allowed(color, thing) for thing, color in zip(things, turned, strict=True))
    return [*zip(things, turned, strict=True)] if fits else []


def _sentence(
    painted: Sequence[tuple[Thing, NamedColor]], things: Sequence[Thing], own: Sequence[str], rng: random.Random
) -> str:
    mentions = [Mention(thing, color.name) for thing, color in painted]
    if own and rng.random() < OWN_CAPTION:
        said = recolored(rng.choice(list(own)), mentions, rng)
        if said is not None:
            return said
    if rng.random() < 0.4:  # things that stay as they are, with their color where it is sure
        kinds = {thing.kind for thing, _ in painted}
        others = [thing for thing in things if thing.kind not in kinds and thing.share > 0.01]
        for thing in rng.sample(others, min(len(others), rng.choice((1, 1, 2)))):
            mentions.append(Mention(thing, thing.color if rng.random() < 0.6 else None))
    return compose(mentions, rng)


def is_held_out(photo: str, one_in: int | None) -> bool:
    """Whether a photo is kept from training, to choose by: one in so many, by its file name alone."""
    return one_in is not None and key("held out", Path(photo).name) % one_in == 0
