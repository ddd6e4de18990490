"""The types that flow from a data set to a model: Sample, Instances, Batch."""

import hashlib
import random
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lcoins.color.object_pairs import ObjectColors
from lcoins.color.words import find_colors


@dataclass
class Instances:
    """The K instances of one picture: ``masks`` (K, H, W) bool, and the color class that the caption gives to each.

    ``distinguished_by`` says what the caption tells them apart by (in scenes: place, size, pattern or kind), if known.
    """

    masks: Tensor
    colors: tuple[str, ...]
    distinguished_by: str | None = None


@dataclass(eq=False)
class SaidPlace:
    """Where what a color word of a caption speaks of is seen.

    The word has the characters [start, end) of the caption, and ``mask`` (H, W) is bool. An empty mask says that the
    picture does not show it. ``certain`` is False where the place was guessed from colors.
    """

    start: int
    end: int
    mask: Tensor
    certain: bool = True


# Part of the key that draws the substitutes of color words. Keep the British spelling: another would draw other words.
RECOLOR_KEY = "recolour"
# Draws what validation and test sets show and ask for, which is the same whatever the seed of a run.
HELD_OUT_SEED = 0
VOID = 255  # the label of a pixel that belongs to no known class


@dataclass
class Sample:
    """One (photo, caption) pair: ``rgb`` (3, H, W) sRGB, uint8 or float32 in [0, 1].

    ``recolored`` is the caption with every color word exchanged (paper, 3.7); without a color word it is the caption.
    ``index`` counts the samples of the data set, ``name`` identifies the pair in reports, and ``photo`` is the same for
    all captions of one photo. ``pairs`` says which color word belongs to which object, by indices into
    :func:`lcoins.color.words.split_words`; ``labels`` (H, W) uint8 holds the class of each pixel, 255 for none. Both
    are None if they are not known. ``emphasis`` (H, W) says how much a pixel counts because an instance was painted
    there, 0 elsewhere; ``further_views`` are the same crop in other paint under other words, which share its batch.
    ``places`` are those of the caption's color words of which they are known.
    """

    rgb: Tensor
    caption: str
    recolored: str
    index: int
    name: str
    instances: Instances | None = None
    photo: str = ""
    pairs: ObjectColors | None = None
    labels: Tensor | None = None
    emphasis: Tensor | None = None
    places: tuple[SaidPlace, ...] = ()
    further_views: "tuple[Sample, ...]" = ()

    @property
    def views(self) -> "tuple[Sample, ...]":
        """The sample and its further views."""
        return (self, *self.further_views)


@dataclass
class Batch:
    """Stacked samples: ``rgb`` (B, 3, H, W) of the samples' type, captions as strings (each model tokenizes them).

    ``has_color`` (B,) marks the captions that name a color and so take part in the counter-color loss. ``labels``
    (B, H, W) is None if no sample has labels, and 255 throughout a sample without any. Once the batch is on the device,
    the data module fills the last three, in network scale: ``lightness`` (B, 1, H, W), augmented in training; ``ab``
    (B, 2, H, W) of the original photo; ``original_lightness`` (B, 1, H, W). ``emphasis`` (B, 1, H, W) is None if
    nothing was painted; ``crop`` (B,) numbers the crops from 0, ascending, if some of them have several views.
    """

    rgb: Tensor
    captions: list[str]
    recolored: list[str]
    has_color: Tensor
    index: Tensor
    names: list[str]
    instances: list[Instances | None]
    photos: list[str]
    pairs: list[ObjectColors | None] = field(default_factory=list)
    places: list[tuple[SaidPlace, ...]] = field(default_factory=list)
    labels: Tensor | None = None
    lightness: Tensor | None = None
    ab: Tensor | None = None
    original_lightness: Tensor | None = None
    emphasis: Tensor | None = None
    crop: Tensor | None = None

    def __len__(self) -> int:
        return len(self.captions)

    @property
    def first_views(self) -> Tensor:
        """The index of the first view of each crop; of every sample, where no crop has several views."""
        if self.crop is None:
            return torch.arange(len(self), device=self.rgb.device)
        numbers = torch.arange(int(self.crop[-1]) + 1, device=self.crop.device)
        return torch.searchsorted(self.crop, numbers)

    @property
    def target_ab(self) -> Tensor:
        """``ab``; raises ValueError before the data module has filled it."""
        if self.ab is None:
            raise ValueError("this batch has no ab yet; pass it to the data module's on_after_batch_transfer first")
        return self.ab

    def float_rgb(self, device: torch.device | str | None = None) -> Tensor:
        """sRGB (B, 3, H, W) as float32 in [0, 1] on ``device``; 8-bit pixels are converted there, after the copy."""
        rgb = self.rgb.to(device)
        return rgb.float() / 255 if rgb.dtype == torch.uint8 else rgb


def collate(samples: list[Sample]) -> Batch:
    """Stacks samples of the same picture size into a Batch; further views stand right after their sample."""
    crop = [number for number, sample in enumerate(samples) for _ in sample.views]
    several = len(crop) > len(samples)
    samples = [view for sample in samples for view in sample.views]
    return Batch(
        rgb=torch.stack([sample.rgb for sample in samples]),
        captions=[sample.caption for sample in samples],
        recolored=[sample.recolored for sample in samples],
        has_color=torch.tensor([bool(find_colors(sample.caption)) for sample in samples]),
        index=torch.tensor([sample.index for sample in samples]),
        names=[sample.name for sample in samples],
        instances=[sample.instances for sample in samples],
        photos=[sample.photo or sample.name for sample in samples],
        pairs=[sample.pairs for sample in samples],
        places=[sample.places for sample in samples],
        labels=_stack_labels(samples),
        emphasis=_stack_emphasis(samples),
        crop=torch.tensor(crop) if several else None,
    )


def _stack_labels(samples: list[Sample]) -> Tensor | None:
    if all(sample.labels is None for sample in samples):
        return None
    unknown = torch.full(samples[0].rgb.shape[-2:], VOID, dtype=torch.uint8)
    return torch.stack([unknown if sample.labels is None else sample.labels for sample in samples])


def _stack_emphasis(samples: list[Sample]) -> Tensor | None:
    if all(sample.emphasis is None for sample in samples):
        return None
    none = torch.zeros(samples[0].rgb.shape[-2:])
    return torch.stack([none if sample.emphasis is None else sample.emphasis for sample in samples])[:, None]


def key(*parts: int | str) -> int:
    """A 63-bit seed made of (seed, epoch, index, purpose ...): equal parts give equal seeds on every machine."""
    digest = hashlib.blake2b("/".join(map(str, parts)).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


def keyed_random(*parts: int | str) -> random.Random:
    """A generator seeded by these parts, so that a resumed run draws what an uninterrupted one does."""
    return random.Random(key(*parts))
