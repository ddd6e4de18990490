"""Finds photos that are or look the same: a perceptual hash of 64 bits, and all pairs with similar hashes."""

from collections.abc import Iterator

import numpy as np
from PIL import Image
from scipy.fft import dctn

LOOK_ALIKE = 6  # bits of 64 in which two hashes may differ


def perceptual_hash(picture: Image.Image) -> int:
    """The DCT hash of Zauner (2010): signs of the 64 lowest frequencies of a 32 x 32 gray version about their median.

    It hardly changes with size, compression or color; mirroring or cropping changes it.
    """
    gray = np.asarray(picture.convert("L").resize((32, 32), Image.Resampling.BOX), dtype=np.float64)
    low = dctn(gray, norm="ortho")[1:9, 1:9].flatten()
    bits = low > np.median(low)
    return int(np.packbits(bits).view(">u8")[0])


def close_pairs(hashes: np.ndarray, most: int = LOOK_ALIKE, block: int = 512) -> Iterator[tuple[int, int]]:
    """All pairs i < j of uint64 ``hashes`` that differ in at most ``most`` bits, in ascending order of i.

    Compares every pair (60,000 hashes in seconds) in blocks, so memory does not grow with their square.
    """
    for start in range(0, len(hashes), block):
        rest = hashes[start:]
        distance = np.bitwise_count(hashes[start : start + block, None] ^ rest[None, :])
        for i, j in np.argwhere(distance <= most):
            if i < j:
                yield start + int(i), start + int(j)
