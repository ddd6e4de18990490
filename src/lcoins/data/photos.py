"""Captioned photos as a data set."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate
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
from lcoins.data.caption_lists import Pair, captions_by_photo
from lcoins.data.coco_instances import Polygons
from lcoins.data.pack import Pack
from lcoins.data.photo_store import open_photos
from lcoins.data.pixel_labels import Box, PixelLabels
from lcoins.data.types import RECOLOR_KEY, Sample, keyed_random
from lcoins.imaging.decode import PhotoError

RATIO = (3 / 4, 4 / 3)


class Photos(Dataset[Sample]):
    """Photos under ``root``, a folder or a pack, with their captions, squares of ``image_size`` pixels.

    In training one item per photo and epoch, with one of its captions drawn at random, a random crop of ``crop_scale``
    of its area (None: the whole photo, squashed) and, by ``hflip``, a flip of every second photo: "plain" flips the
    picture alone, "swap_words" exchanges "left" and "right" in the caption too. All draws depend on (seed, epoch,
    index) alone. In evaluation one item per pair, in the list's order, squashed bilinearly as in the paper's protocol.
    ``profiles`` honors embedded color profiles; published figures, and so the default, take the stored numbers.
    ``polygons`` gives the pairs of an evaluation their instances, which are judged by the eleven basic color words.
    ``labels`` gives the samples the classes of their pixels, ``object_colors`` their object-color pairs by photo and
    caption, None for a photo that it lacks; without it the pairs are guessed from the caption.
    """

    def __init__(
        self,
        root: Path | str,
        pairs: list[Pair],
        image_size: int,
        *,
        training: bool,
        seed: int,
        crop_scale: tuple[float, float] | None = (0.2, 1.0),
        hflip: Literal["none", "plain", "swap_words"] = "none",
        profiles: bool = False,
        polygons: Polygons | None = None,
        object_colors: Mapping[str, Sequence[ObjectColors]] | None = None,
        labels: PixelLabels | None = None,
    ) -> None:
        if not pairs:
            raise ValueError("expected at least one photo with a caption, got an empty list")
        if crop_scale is not None and not 0 < crop_scale[0] <= crop_scale[1] <= 1:
            raise ValueError(f"crop_scale: expected two areas with 0 < least <= most <= 1, got {tuple(crop_scale)}")
        if hflip not in ("none", "plain", "swap_words"):
            raise ValueError(f"hflip: expected none, plain or swap_words, got {hflip!r}")
        self.image_size = image_size
        self.training, self.seed, self.crop_scale, self.hflip = training, seed, crop_scale, hflip
        self.polygons, self.object_colors, self.labels = polygons, object_colors, labels
        self.palette = {word: COLOR_LAB[word] for word in BASIC_COLORS} if polygons is not None else None
        self.captions = captions_by_photo(pairs)
        self.items = list(_places(pairs))
        self.photos = list(self.captions)
        self.source = open_photos(root, profiles)
        if isinstance(self.source, Pack) and not training:
            _expect_exact(self.source, self.photos)
        # In shared memory, so that workers which outlive an epoch see the next one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on; call it before the epoch's first item."""
        self._epoch.fill_(epoch)

    @property
    def texts(self) -> list[str]:
        """Every caption that the set can show, flipped ones among them."""
        said = [caption for own in self.captions.values() for caption in own]
        return [*said, *map(swap_sides, said)] if self.hflip == "swap_words" else said

    def __len__(self) -> int:
        return len(self.photos if self.training else self.items)

    def __getitem__(self, index: int) -> Sample:
        return self._training_item(index) if self.training else self._evaluation_item(index)

    def _evaluation_item(self, index: int) -> Sample:
        photo, place = self.items[index]
        side = (self.image_size, self.image_size)
        whole = Image.fromarray(self._load(photo, None))
        picture = whole.resize(side, Image.Resampling.BILINEAR)
        caption = self.captions[photo][place]
        recolored = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, 0, index))
        rgb = torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()
        sample = self._sample(rgb, index, photo, place, caption, recolored)
        sample.labels = self._crop_labels(photo, whole.size, (0, 0, *whole.size), flipped=False)
        if self.polygons is not None:
            sample.instances = self.polygons.instances(photo, caption, self.image_size)
        return sample

    def _training_item(self, index: int) -> Sample:
        epoch, photo = int(self._epoch), self.photos[index]
        rng = keyed_random(self.seed, "photo", epoch, index)
        place = rng.randrange(len(self.captions[photo]))
        caption = self.captions[photo][place]
        flipped = self.hflip != "none" and rng.random() < 0.5
        # Enough pixels that the smallest square crop need not be enlarged, and twice those of a squashed photo.
        reduction = self.crop_scale[0] ** 0.5 if self.crop_scale is not None else 0.5
        least = math.ceil(self.image_size / reduction)
        pixels = torch.from_numpy(self._load(photo, (least, least)))
        size = (pixels.shape[1], pixels.shape[0])
        box = draw_crop(size, self.crop_scale, rng) if self.crop_scale is not None else (0, 0, *size)
        left, upper, right, lower = box
        pixels = pixels[upper:lower, left:right]
        # On 8-bit pixels as they lie in memory: three times as fast as Pillow, and of the same accuracy.
        side = (self.image_size, self.image_size)
        rgb = interpolate(pixels.permute(2, 0, 1)[None], side, mode="bicubic", antialias=True)[0]
        rgb = rgb.flip(-1) if flipped else rgb
        if flipped and self.hflip == "swap_words":
            caption = swap_sides(caption)
        recolored = recolor(caption, keyed_random(self.seed, RECOLOR_KEY, epoch, index))
        sample = self._sample(rgb.contiguous(), index, photo, place, caption, recolored)
        sample.labels = self._crop_labels(photo, size, box, flipped)
        return sample

    def _load(self, photo: str, size: tuple[int, int] | None) -> np.ndarray:
        try:
            return self.source.load(photo, size)
        except (PhotoError, FileNotFoundError) as error:
            raise ValueError(f"photo {photo!r} can no longer be read, though training had started: {error}") from error

    def _sample(self, rgb: Tensor, index: int, photo: str, place: int, caption: str, recolored: str) -> Sample:
        name = photo if len(self.captions[photo]) == 1 else f"{photo}_{place}"
        if self.object_colors is None:
            pairs: ObjectColors | None = guess_object_colors(caption)
        else:  # a flipped caption has other words at the same places
            pairs = self.object_colors[photo][place] if photo in self.object_colors else None
        return Sample(rgb, caption, recolored, index, name, photo=photo, pairs=pairs)

    def _crop_labels(self, photo: str, size: tuple[int, int], box: Box, flipped: bool) -> Tensor | None:
        labels = self.labels.crop(photo, size, box, self.image_size) if self.labels is not None else None
        return labels.flip(-1) if labels is not None and flipped else labels


class MergedPhotos(Dataset[Sample]):
    """Several photo sets as one, each photo once an epoch (in evaluation: each pair once), in the order given."""

    palette = None

    def __init__(self, parts: Sequence[Photos]) -> None:
        self.parts = list(parts)
        self.starts = list(accumulate((len(part) for part in self.parts), initial=0))

    @property
    def texts(self) -> list[str]:
        """The captions of all parts."""
        return [text for part in self.parts for text in part.texts]

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws of all parts depend on."""
        for part in self.parts:
            part.set_epoch(epoch)

    def __len__(self) -> int:
        return self.starts[-1]

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        part = bisect_right(self.starts, index) - 1
        return replace(self.parts[part][index - self.starts[part]], index=index)


def _expect_exact(pack: Pack, photos: list[str]) -> None:
    """Figures of shrunk photos are not those of the protocol, which squashes the photo itself."""
    shrunk = [photo for photo in photos if not pack.is_exact(photo)]
    if shrunk:
        raise ValueError(
            f"{pack.folder}: {len(shrunk)} of {len(photos)} photos were shrunk to {pack.size} px when packed "
            f"({shrunk[0]} ...); evaluate on the folder of photos, {pack.source}, or on a pack made with --size 0"
        )


def _places(pairs: list[Pair]) -> Iterator[tuple[str, int]]:
    """Each pair as (photo, place of its caption among the photo's own)."""
    seen = Counter[str]()
    for pair in pairs:
        yield pair.photo, seen[pair.photo]
        seen[pair.photo] += 1


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
