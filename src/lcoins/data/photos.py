"""Captioned photos as a data set."""

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import Dataset

from lcoins.color.object_pairs import ObjectColors, guess_object_colors
from lcoins.color.words import BASIC_COLORS, COLOR_LAB, recolor, swap_sides
from lcoins.data.captioned_instances import Polygons
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pack import Pack
from lcoins.data.pairs import ListedPairs, Pair
from lcoins.data.photo_store import open_photos
from lcoins.data.pixel_labels import Box, PixelLabels
from lcoins.data.types import HELD_OUT_SEED, RECOLOR_KEY, Sample, keyed_random
from lcoins.imaging.decode import PhotoError

RATIO = (3 / 4, 4 / 3)


@dataclass(frozen=True)
class RandomView:
    """What training draws of a photo in each epoch: a random crop, and a flip with probability 1/2.

    ``crop_scale`` bounds the crop's share of the photo's area; None takes the whole photo, squashed to a square.
    ``hflip`` "plain" flips the picture alone, "swap_words" also exchanges "left" and "right" in the caption.
    """

    crop_scale: tuple[float, float] | None = (0.2, 1.0)
    hflip: Literal["none", "plain", "swap_words"] = "none"

    def __post_init__(self) -> None:
        if self.crop_scale is not None:
            crop_bounds(self.crop_scale, "crop_scale")
        if self.hflip not in ("none", "plain", "swap_words"):
            raise ValueError(f"hflip: expected none, plain or swap_words, got {self.hflip!r}")


@dataclass(frozen=True)
class Annotations:
    """What is known about photos beside their captions; None stands for nothing.

    ``polygons`` gives the instances of a test set, which are judged by the eleven basic color words. ``object_colors``
    holds object-color pairs by photo and caption; a photo that it lacks has none, and without it the pairs are guessed
    from each caption. ``labels`` gives the class of each pixel.
    """

    polygons: Polygons | None = None
    object_colors: Mapping[str, Sequence[ObjectColors]] | None = None
    labels: PixelLabels | None = None


class Photos(Dataset[Sample]):
    """Photos under ``root``, a folder or a pack, with their captions, as squares of ``image_size`` pixels.

    With a ``view``, for training, there is one item per photo and epoch, with one of its captions drawn at random; all
    draws depend on (seed, epoch, index) alone. Without one, for evaluation, there is one item per pair, in the list's
    order, squashed bilinearly as in the paper's protocol; nothing of it depends on the seed. Embedded color profiles
    are ignored, as in published figures.
    """

    def __init__(
        self,
        root: Path | str,
        pairs: Sequence[Pair] | IndexedPairs,
        image_size: int,
        *,
        seed: int,
        view: RandomView | None = None,
        annotations: Annotations | None = None,
    ) -> None:
        if not len(pairs):
            raise ValueError("expected at least one photo with a caption, got an empty list")
        self.image_size, self.seed, self.view = image_size, seed, view
        self.annotations = annotations or Annotations()
        judged = self.annotations.polygons is not None
        self.palette = {word: COLOR_LAB[word] for word in BASIC_COLORS} if judged else None
        self.pairs = pairs if isinstance(pairs, IndexedPairs) else ListedPairs(pairs)
        self.source = open_photos(root)
        if isinstance(self.source, Pack) and view is None:
            _expect_exact(self.source, [self.pairs.name(photo) for photo in range(self.pairs.photos)])
        # In shared memory, so that workers which outlive an epoch see the next one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on; call it before the epoch's first item."""
        self._epoch.fill_(epoch)

    @property
    def texts(self) -> Iterator[str]:
        """Every caption that the set can show, flipped ones among them."""
        swaps = self.view is not None and self.view.hflip == "swap_words"
        return chain(self.pairs.texts, map(swap_sides, self.pairs.texts)) if swaps else self.pairs.texts

    def __len__(self) -> int:
        return len(self.pairs) if self.view is None else self.pairs.photos

    def __getitem__(self, index: int) -> Sample:
        return self._evaluation_item(index) if self.view is None else self._training_item(index, self.view)

    def __getitems__(self, indices: list[int]) -> list[Sample]:
        """The items of a batch, whose photos are received together where they are in object storage."""
        self.fetch(indices)
        return [self[index] for index in indices]

    def fetch(self, indices: Sequence[int]) -> None:
        """Receives the photos of items that will be asked for next, where they are in object storage."""
        if isinstance(self.source, Pack) and self.source.is_remote:
            photos = indices if self.view is not None else [self.pairs.item(index)[0] for index in indices]
            self.source.fetch([self.pairs.name(photo) for photo in photos])

    def _evaluation_item(self, index: int) -> Sample:
        number, caption_index = self.pairs.item(index)
        photo, captions = self.pairs.name(number), self.pairs.captions(number)
        side = (self.image_size, self.image_size)
        whole = Image.fromarray(self._load(photo, None))
        picture = whole.resize(side, Image.Resampling.BILINEAR)
        caption = captions[caption_index]
        recolored = recolor(caption, keyed_random(HELD_OUT_SEED, RECOLOR_KEY, 0, index))
        rgb = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
        name = _name(photo, caption_index, len(captions))
        sample = self._sample(rgb, index, name, photo, caption_index, caption, recolored)
        sample.labels = self._crop_labels(photo, whole.size, (0, 0, *whole.size), flipped=False)
        if self.annotations.polygons is not None:
            sample.instances = self.annotations.polygons.instances(photo, caption, self.image_size)
        return sample

    def _training_item(self, index: int, view: RandomView) -> Sample:
        epoch, photo, captions = int(self._epoch), self.pairs.name(index), self.pairs.captions(index)
        rng = keyed_random(self.seed, "photo", epoch, index)
        caption_index = rng.randrange(len(captions))
        caption = captions[caption_index]
        flipped = view.hflip != "none" and rng.random() < 0.5
        # Enough pixels that the smallest square crop is not enlarged, and twice as many as a squashed photo needs.
        reduction = view.crop_scale[0] ** 0.5 if view.crop_scale is not None else 0.5
        least = math.ceil(self.image_size / reduction)
        pixels = torch.from_numpy(self._load(photo, (least, least)))
        size = (pixels.shape[1], pixels.shape[0])
        box = draw_crop(size, view.crop_scale, rng) if view.crop_scale is not None else (0, 0, *size)
        left, upper, right, lower = box
        pixels = pixels[upper:lower, left:right]
        # On 8-bit pixels as they lie in memory: three times as fast as Pillow, and equally accurate.
        side = (self.image_size, self.image_size)
        rgb = interpolate(pixels.permute(2, 0, 1)[None], side, mode="bicubic", antialias=True)[0]
        rgb = rgb.flip(-1) if flipped else rgb
        if flipped and view.hflip == "swap_words":
            caption = swap_sides(caption)
        recolored = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, epoch, index))
        name = _name(photo, caption_index, len(captions))
        sample = self._sample(rgb.contiguous(), index, name, photo, caption_index, caption, recolored)
        sample.labels = self._crop_labels(photo, size, box, flipped)
        return sample

    def _load(self, photo: str, size: tuple[int, int] | None) -> np.ndarray:
        try:
            return self.source.load(photo, size)
        except (PhotoError, FileNotFoundError) as error:
            raise ValueError(f"photo {photo!r} was readable when training started and no longer is: {error}") from error

    def _sample(
        self, rgb: Tensor, index: int, name: str, photo: str, caption_index: int, caption: str, recolored: str
    ) -> Sample:
        known = self.annotations.object_colors
        if known is None:
            pairs: ObjectColors | None = guess_object_colors(caption)
        else:  # swapping "left" and "right" moves no word, so the pairs fit a flipped caption too
            pairs = known[photo][caption_index] if photo in known else None
        return Sample(rgb, caption, recolored, index, name, photo=photo, pairs=pairs)

    def _crop_labels(self, photo: str, size: tuple[int, int], box: Box, flipped: bool) -> Tensor | None:
        known = self.annotations.labels
        labels = known.crop(photo, size, box, self.image_size) if known is not None else None
        return labels.flip(-1) if labels is not None and flipped else labels


class MergedPhotos(Dataset[Sample]):
    """Several training sets as one, in the order given: each of their photos is seen once an epoch."""

    palette = None

    def __init__(self, sets: Sequence[Photos]) -> None:
        self.sets = list(sets)
        self.starts = list(accumulate((len(samples) for samples in self.sets), initial=0))

    @property
    def texts(self) -> Iterator[str]:
        """The captions of all sets."""
        return (text for samples in self.sets for text in samples.texts)

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws of all sets depend on."""
        for samples in self.sets:
            samples.set_epoch(epoch)

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, index: int) -> Sample:
        number, own = self._place(index)
        return replace(self.sets[number][own], index=index)

    def __getitems__(self, indices: list[int]) -> list[Sample]:
        """The items of a batch, whose photos are received together where they are in object storage."""
        places = [self._place(index) for index in indices]
        for number, samples in enumerate(self.sets):
            samples.fetch([own for place, own in places if place == number])
        return [self[index] for index in indices]

    def _place(self, index: int) -> tuple[int, int]:
        """The set that an item is of, and its index there."""
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        number = bisect_right(self.starts, index) - 1
        return number, index - self.starts[number]


def _expect_exact(pack: Pack, photos: list[str]) -> None:
    """Refuses a pack of shrunk photos: the protocol squashes the photo as it is, and figures would differ."""
    shrunk = [photo for photo in photos if not pack.is_exact(photo)]
    if shrunk:
        raise ValueError(
            f"{pack.folder}: {len(shrunk)} of {len(photos)} photos were shrunk to {pack.size} px when packed "
            f"({shrunk[0]} ...); evaluate on the folder of photos, {pack.source}, or on a pack made with --size 0"
        )


def _name(photo: str, caption_index: int, captions: int) -> str:
    """The name of a sample in reports: that of its photo, with a number where the photo has several captions."""
    return photo if captions == 1 else f"{photo}_{caption_index}"


def crop_bounds(scale: Sequence[float], option: str) -> tuple[float, float]:
    """The least and the largest share of a photo that a crop takes; ValueError names the ``option`` otherwise."""
    if len(scale) != 2 or not 0 < scale[0] <= scale[1] <= 1:
        wanted = "expected two areas with 0 < least <= most <= 1"
        raise ValueError(f"{option}: {wanted}, got {tuple(scale)}; give both, such as [0.2, 1]")
    return scale[0], scale[1]


def draw_crop(size: tuple[int, int], scale: tuple[float, float], rng: Random) -> Box:
    """A box inside a picture of ``size`` (width, height): area uniform in ``scale``, log of the ratio uniform.

    The rule of torchvision's RandomResizedCrop: ten tries, then the largest central box of an allowed ratio.
    """
    width, height = size
    for _ in range(10):
        area = width * height * rng.uniform(*scale)
        ratio = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, upper = rng.randint(0, width - w), rng.randint(0, height - h)
            return left, upper, left + w, upper + h
    w = min(width, max(1, round(height * RATIO[1])))
    h = min(height, max(1, round(width / RATIO[0])))
    left, upper = (width - w) // 2, (height - h) // 2
    return left, upper, left + w, upper + h
