"""Photos with the outlines of their things, at the size of the paper's protocol: what the benchmark of obedience reads.

Photos come one at a time, so that memory does not grow with their number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lcoins.color.lab import split_lab
from lcoins.data.augment import Augmentation, Draws
from lcoins.data.caption_lists import read_pairs
from lcoins.data.coco_instances import CocoInstances, CroppedInstances, disjoint
from lcoins.data.pack import Pack
from lcoins.data.pairs import captions_by_photo
from lcoins.data.photo_store import open_photos
from lcoins.data.types import key
from lcoins.data.validate import ProblemsFound, describe


@dataclass(frozen=True, eq=False)
class PhotoWithThings:
    """One photo squashed to a square: ``rgb`` (3, S, S) uint8, its K things by name and mask, and its captions.

    ``lightness`` (1, S, S), in 0..100, is what a system sees: that of ``rgb``, unless the photos are augmented.
    ``masks`` (K, S, S) are disjoint: where two outlines overlap, the smaller thing is in front.
    """

    name: str
    rgb: Tensor
    lightness: Tensor
    kinds: tuple[str, ...]
    masks: NDArray[np.bool_]
    captions: Sequence[str] = ()


class PhotosWithThings:
    """The photos of a file of instances that lie under ``root``, in the file's order; each pass reads them anew.

    Raises FileNotFoundError without the folder, the file of instances or the caption list, and ValueError where one of
    them cannot be used. A photo that the file of instances lists and the folder lacks is left out and counted in
    ``missing``, which is complete after a pass; one that cannot be decoded is an error.

    Args:
        root: folder of photos, or a pack that keeps them at their own size.
        instances: JSON in COCO's format.
        captions: caption list, or None.
        limit: read no more than so many photos, the first ones; None reads all.
        image_size: pixels of a side, to which photos are squashed bilinearly; the paper's protocol has 224.
        seed: decides what is asked of a photo, and what augmentation draws for it.
        augmentation: of the lightness, such as :class:`~lcoins.data.augment.OldPhoto`; None leaves it as it is.
    """

    def __init__(
        self,
        root: Path | str,
        instances: Path | str,
        captions: Path | str | None = None,
        *,
        limit: int | None = None,
        image_size: int = 224,
        seed: int = 0,
        augmentation: Augmentation | None = None,
    ) -> None:
        if (limit is not None and limit < 1) or image_size < 1:
            raise ValueError(
                f"expected data.limit and data.image_size of at least 1, got {limit} and {image_size}; "
                f"data.limit=null reads all photos"
            )
        if augmentation is not None and not callable(augmentation):
            raise ValueError(f"data.augmentation: expected null or a config with a _target_, got {augmentation}")
        self.source = open_photos(root)
        self.files = {"instances": Path(instances)} | ({"captions": Path(captions)} if captions else {})
        self.captions = _captions(self.files.get("captions"))
        self.instances = CocoInstances(instances)
        self.limit, self.image_size, self.seed, self.augmentation = limit, image_size, seed, augmentation
        self.missing = 0

    def __len__(self) -> int:
        """How many photos a pass reads at most: those that are missing are known only afterwards."""
        return min(len(self.instances.photos), self.limit or len(self.instances.photos))

    def __iter__(self) -> Iterator[PhotoWithThings]:
        self.missing = found = 0
        for name in self.instances.photos:
            if found == self.limit:
                return
            try:
                rgb = self._load(name)
            except FileNotFoundError:
                self.missing += 1
                continue
            found += 1
            kinds, masks = single_things(self.instances.crop(name, self.image_size))
            yield PhotoWithThings(name, rgb, self._lightness(name, rgb), kinds, masks, self.captions.get(name, ()))

    def _lightness(self, name: str, rgb: Tensor) -> Tensor:
        """The photo's lightness (1, S, S), augmented as its name and the seed decide."""
        photo = rgb[None].float() / 255
        if self.augmentation is None:
            return split_lab(photo)[0][0]
        return self.augmentation(photo, Draws([key(self.seed, "luminance", name)]))[0]

    def _load(self, name: str) -> Tensor:
        if isinstance(self.source, Pack) and name in self.source and not self.source.is_exact(name):
            raise ValueError(
                f"{self.source.folder}: {name} was shrunk when packed, and figures would differ; take the folder of "
                f"photos, {self.source.source}, or a pack made with --size 0"
            )
        side = (self.image_size, self.image_size)
        picture = Image.fromarray(self.source.load(name)).resize(side, Image.Resampling.BILINEAR)
        return torch.from_numpy(np.array(picture)).permute(2, 0, 1).contiguous()


def single_things(found: CroppedInstances) -> tuple[tuple[str, ...], NDArray[np.bool_]]:
    """Names and disjoint masks (K, S, S) of the things of a photo, without the kinds of which it has a crowd too.

    A crowd is several things in one outline, so a name that has one does not mean one thing.
    """
    single = [index for index, crowd in enumerate(found.crowd) if not crowd]
    masks = disjoint(found.masks[single])
    crowds = {name for name, crowd in zip(found.names, found.crowd, strict=True) if crowd}
    kept = [place for place, index in enumerate(single) if found.names[index] not in crowds]
    return tuple(found.names[single[place]] for place in kept), masks[kept]


def _captions(path: Path | None) -> dict[str, list[str]]:
    """The captions of each photo; a list with a bad row is refused, since the tasks would silently be fewer."""
    if path is None:
        return {}
    pairs, problems = read_pairs(path)
    if problems:
        raise ProblemsFound(f"{describe(problems, len(pairs))}\nMend these rows of {path}.")
    return captions_by_photo(pairs)
