"""Things of one crop put into another, so that a kind is known by what it looks like and not by what it lies in.

Not part of the paper; the augmentation is that of Ghiasi et al. (Simple Copy-Paste, CVPR 2021). A gray photo shows a
cut edge less than a colored one, and outlines, which are all that is learned from, stay exact.
"""

import random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from lcoins.color.sides import is_worn
from lcoins.data.coco_instances import CroppedInstances
from lcoins.data.things import LEFT, NEVER_PAINTED

SOURCE_SHARE = (0.01, 0.5)  # of the crop that a thing is taken from
SIZES = (0.5, 1.3)  # of the thing's own sides
COVERED = 0.4  # of the crop at most
MOST = 2  # things that are pasted
PERSON = "person"
CARRIED = 0.5  # of an outline: what lies so far in a pasted thing comes along, as what a person wears


def paste(
    rgb: Tensor, found: CroppedInstances, other: Tensor, others: CroppedInstances, rng: random.Random
) -> tuple[Tensor, CroppedInstances]:
    """A crop (3, S, S) uint8 and its instances, with one thing or two of another crop of that size in front of them.

    They come with what lies in them, larger or smaller, flipped or not, anywhere; clothes come with persons alone. Of
    what they hide most the outline is gone. The crop comes back as it is where nothing of the other can be pasted.
    """
    shares = others.masks.mean(axis=(1, 2)) if len(others.masks) else ()
    each = enumerate(zip(others.names, shares, others.crowd, strict=True))
    fit = [
        index
        for index, (kind, share, crowd) in each
        if SOURCE_SHARE[0] <= share <= SOURCE_SHARE[1] and not crowd and _stands_alone(kind)
    ]
    for _ in range(rng.randint(1, MOST)):
        if fit:
            rgb, found = _paste_one(rgb, found, other, others, rng.choice(fit), rng)
    return rgb, found


def _stands_alone(kind: str) -> bool:
    return kind == PERSON or not (kind in NEVER_PAINTED or is_worn(kind))


def _paste_one(
    rgb: Tensor, found: CroppedInstances, other: Tensor, others: CroppedInstances, chosen: int, rng: random.Random
) -> tuple[Tensor, CroppedInstances]:
    region = others.masks[chosen]
    rows, columns = np.nonzero(region)
    top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
    scale, side = rng.uniform(*SIZES), rgb.shape[-1]
    height, width = (max(2, min(side, round(scale * length))) for length in (bottom - top, right - left))
    inside = (others.masks & region).sum(axis=(1, 2)) >= CARRIED * others.masks.sum(axis=(1, 2)).clip(min=1)
    carried = [index for index in range(len(others.names)) if inside[index]]
    cut = torch.cat([other.float(), torch.from_numpy(others.masks[carried] & region).float() * 255])
    cut = torch.cat([cut, torch.from_numpy(region).float()[None] * 255])[:, top:bottom, left:right]
    cut = cut.flip(-1) if rng.random() < 0.5 else cut
    cut = interpolate(cut[None], (height, width), mode="bilinear", align_corners=False, antialias=True)[0]
    row, column = rng.randint(0, side - height), rng.randint(0, side - width)
    spot = (..., slice(row, row + height), slice(column, column + width))
    opaque = cut[-1] / 255
    hidden = np.zeros((side, side), bool)
    hidden[spot] = (opaque > 0.5).numpy()
    if not 0 < hidden.mean() <= COVERED:
        return rgb, found
    result = rgb.clone()
    result[spot] = torch.lerp(rgb[spot].float(), cut[:3], opaque).round().clamp(0, 255).to(torch.uint8)
    pasted = np.zeros((len(carried), side, side), bool)
    pasted[spot] = (cut[3:-1] > 127).numpy()
    return result, _in_front(found, hidden, [others.names[index] for index in carried], pasted & hidden)


def _in_front(
    found: CroppedInstances, hidden: NDArray[np.bool_], names: list[str], pasted: NDArray[np.bool_]
) -> CroppedInstances:
    """The instances of a crop, of which some is hidden by others."""
    left = found.masks & ~hidden
    kept = [index for index in range(len(left)) if left[index].sum() >= LEFT * found.masks[index].sum()]
    return CroppedInstances(
        (*(found.names[index] for index in kept), *names),
        np.concatenate([left[kept], pasted]),
        (*(found.crowd[index] for index in kept), *(False for _ in names)),
    )
