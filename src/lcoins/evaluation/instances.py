"""What instance awareness is worth, measured with exact masks: color, bleeding, background, and recoloring.

All work on one picture: ab (2, H, W) in CIELAB units, lightness (1, H, W) in 0..100, masks (K, H, W) bool, disjoint.
Averages over pictures are the caller's. Not in the paper, which argues with pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from skimage.color import deltaE_ciede2000
from torch import Tensor
from torch.nn.functional import max_pool2d

from lcoins.evaluation.quality import MIN_WORD_DISTANCE, Lab, mean_ab

RING = 0.05  # width of the ring around a mask, as a share of the picture's longer side


def named_differences(
    lightness: Tensor, ab: Tensor, masks: Tensor, words: Sequence[str], palette: Mapping[str, Lab]
) -> list[float]:
    """CIEDE2000 between each instance and the color that its word names, both at the photo's own lightness.

    For instance k: mean over its pixels of ``dE00((L, a, b), (L, a_w, b_w))``, (a_w, b_w) the palette's ab of its word.
    Range 0 to about 100; 1 is just visible. Not 0 for the truth, whose colors vary and stay inside sRGB.
    """
    found = []
    for mask, word in zip(masks, words, strict=True):
        own = torch.cat([lightness[:, mask], ab[:, mask]]).T.double().cpu().numpy()
        named = own.copy()
        named[:, 1:] = palette[word][1:]
        found.append(float(deltaE_ciede2000(own, named).mean()))
    return found


@dataclass(frozen=True)
class Regions:
    """Where what is measured in one picture: ``masks`` and ``rings`` (K, H, W), ``background`` (H, W), all bool.

    A ring is what lies within 5 % of the picture's longer side of a mask and in no mask; the background is the rest.
    """

    masks: Tensor
    rings: Tensor
    background: Tensor


def regions(masks: Tensor) -> Regions:
    """The regions of a picture with these masks (K, H, W), disjoint."""
    width = max(1, round(RING * max(masks.shape[-2:])))
    grown = masks[:, None].float()
    for kernel, padding in (((2 * width + 1, 1), (width, 0)), ((1, 2 * width + 1), (0, width))):  # one axis at a time
        grown = max_pool2d(grown, kernel, stride=1, padding=padding)
    rings = (grown[:, 0] > 0) & ~masks.any(dim=0)
    return Regions(masks, rings, ~(masks | rings).any(dim=0))


def ab_error(ab: Tensor, truth: Tensor) -> Tensor:
    """Distance of each pixel to its true color on the ab plane, (H, W) >= 0."""
    return (ab - truth).norm(dim=0)


def bleeding(ab: Tensor, truth: Tensor, where: Regions) -> float | None:
    """Mean :func:`ab_error` in the rings around the masks, >= 0: color that ran over the edge, or is missing there.

    The mean is over rings, so that a small instance counts as much as a large one. None where no ring has a pixel.
    """
    error = ab_error(ab, truth)
    found = [float(error[ring].mean()) for ring in where.rings if bool(ring.any())]
    return sum(found) / len(found) if found else None


def background_error(ab: Tensor, truth: Tensor, where: Regions) -> float | None:
    """Mean :func:`ab_error` in the background, >= 0. None where there is none."""
    return float(ab_error(ab, truth)[where.background].mean()) if bool(where.background.any()) else None


@dataclass(frozen=True)
class Response:
    """How a picture answered to exchanged words; see :func:`response`."""

    response: float | None
    spill_instances: float | None
    spill_background: float | None


def response(
    before: Tensor,
    after: Tensor,
    where: Regions,
    old: Sequence[str],
    new: Sequence[str],
    palette: Mapping[str, Lab],
) -> Response:
    """How far the instances moved to their new words, and how far everything else moved, which should not.

    - ``response``: for an instance whose word changed, with m its mean ab and d = ab(new) - ab(old) of the palette,
      ``(m_after - m_before) . d / |d|^2``: 0 without movement, 1 for the whole way, any sign; mean over them. Words
      whose ab differ by less than 15 units (white and black) have no way between them and do not count.
    - ``spill_instances``: mean over the other instances of the mean ``|ab_after - ab_before|``, >= 0.
    - ``spill_background``: the same over the background, >= 0.

    Raises ValueError if no word changed. None where there is no way, no other instance or no background.
    """
    changed = [k for k, (one, other) in enumerate(zip(old, new, strict=True)) if one != other]
    if not changed:
        raise ValueError("no color word changed, so there is no response to measure; leave this pair out")
    masks = where.masks
    moves = (mean_ab(after, masks) - mean_ab(before, masks)).double().cpu()
    shares = []
    for k in changed:
        way = torch.tensor(palette[new[k]][1:], dtype=torch.float64) - torch.tensor(palette[old[k]][1:])
        if float(way.norm()) >= MIN_WORD_DISTANCE:
            shares.append(float(moves[k] @ way / way.square().sum()))
    shift = (after - before).norm(dim=0)
    others = [float(shift[masks[k]].mean()) for k in range(len(masks)) if k not in changed]
    return Response(
        response=float(np.mean(shares)) if shares else None,
        spill_instances=float(np.mean(others)) if others else None,
        spill_background=float(shift[where.background].mean()) if bool(where.background.any()) else None,
    )
