"""A photo's file to what coloring needs of it: full-size lightness at full depth, its metadata, and remarks."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from torch import Tensor

from lcoins.color import lab
from lcoins.imaging.decode import DAMAGED, MAX_PIXELS, decoded, embedded_transform, explained, flatten, opened_photo
from lcoins.imaging.icc import ProfileError, deep_profile_to_srgb, lab_to_srgb
from lcoins.imaging.metadata import kept_metadata
from lcoins.imaging.orientation import turn_of, upright_rows, upright_size
from lcoins.imaging.restore import is_tinted, read_tone
from lcoins.imaging.sixteen_bit import deep_pixels, is_deep, is_deep_gray, loses_depth

Levels = NDArray[np.uint8 | np.uint16]

STRIP_PIXELS = 2**18  # of a full-size photo in work at once: the strip's arrays stay near the processor's cache
_BORDER = 0.05  # of each side, not sampled: a scanner's lid or the paper around a picture is no part of it
_SAMPLED = 256  # rows and columns looked at to judge the tone


@dataclass(frozen=True)
class Scan:
    """A photo as it is colored: lightness (1, 1, H, W) in 0..100, upright; the depth of its file, 8 or 16 bits.

    ``metadata`` is what a picture keeps, as options to save it with; ``notices`` are remarks for the user.
    """

    lightness: Tensor
    bits: int
    metadata: dict[str, Any]
    notices: tuple[str, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.lightness.shape[-1], self.lightness.shape[-2]


@dataclass(frozen=True)
class _Pixels:
    """Upright pixels as sRGB levels of 8 or 16 bits, made strip by strip: (R, W) of gray, else (R, W, 3)."""

    size: tuple[int, int]
    bits: int
    rows: Callable[[int, int], Levels]


def read_scan(path: Path, *, restore_tone: bool = False, max_pixels: int = MAX_PIXELS) -> Scan:
    """Reads a photo of any format at its full depth, in bounded memory.

    An embedded color profile is applied; transparency lies on white; of several pages or frames the first is taken.
    ``restore_tone`` takes away a print's own tint and stretches faded contrast (:mod:`lcoins.imaging.restore`): the
    lightness is that of the restored print. Raises FileNotFoundError, and :class:`lcoins.imaging.decode.PhotoError`, a
    ValueError.
    """
    notices: list[str] = []
    with opened_photo(path, max_pixels) as opened:
        if _has_more(opened):
            notices.append(f"{path}: holds several pictures; the first was taken")
        if loses_depth(opened):
            notices.append(f"{path}: of its 16 bits a channel the upper 8 were read")
        deep = is_deep(opened)
        if opened.format == "PNG":  # may keep its metadata behind the pixels; of a TIFF decoding drops the orientation
            image = decoded(opened, path)
            metadata, remarks = kept_metadata(opened, path)
        else:
            metadata, remarks = kept_metadata(opened, path)
            image = decoded(opened, path)
        notices += remarks
        with explained(path):
            pixels = (_deep if deep else _shallow)(path, image, notices)
            lightness = _lightness(pixels, path, restore_tone, notices)
    return Scan(lightness, pixels.bits, metadata, tuple(notices))


def photo_lightness(image: Image.Image) -> Tensor:
    """L* of an RGB photo, (1, 1, H, W) in 0..100."""
    return _in_strips(_Pixels(image.size, 8, lambda top, bottom: np.asarray(upright_rows(image, None, top, bottom))))


def strips(height: int, width: int, pixels: int = STRIP_PIXELS) -> Iterator[tuple[int, int]]:
    """First and last row, the last excluded, of strips of at most ``pixels`` pixels, but at least one row."""
    rows = max(1, pixels // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _shallow(path: Path, image: Image.Image, notices: list[str]) -> _Pixels:
    """Pixels of 8 bits, flattened and brought to sRGB a strip at a time."""
    turn = turn_of(image)
    mode = flatten(upright_rows(image, turn, 0, 1)).mode
    transform = None
    try:
        transform = lab_to_srgb() if mode == "LAB" else embedded_transform(image, mode)
    except ProfileError as error:
        notices.append(f"{path}: its color profile was left out: {error}")

    def rows(top: int, bottom: int) -> Levels:
        flat = flatten(upright_rows(image, turn, top, bottom))
        if transform is not None:
            flat = transform.apply(flat)
        levels: NDArray[np.uint8] = np.asarray(flat if flat.mode == "L" else flat.convert("RGB"))
        return levels

    return _Pixels(upright_size(image, turn), 8, rows)


def _deep(path: Path, image: Image.Image, notices: list[str]) -> _Pixels:
    """Pixels of 16 bits; of 8 where the profile can be applied to no more."""
    profile, mode = image.info.get("icc_profile"), "L" if is_deep_gray(image) else "RGB"
    try:
        foreign = embedded_transform(image, mode) is not None  # and not that of sRGB
    except ProfileError as error:
        notices.append(f"{path}: its color profile was left out: {error}")
        foreign = False
    convert = None
    if foreign:
        try:
            convert = deep_profile_to_srgb(profile, mode)
        except ProfileError as error:
            notices.append(f"{path}: its color profile was applied to 8 of the 16 bits: {error}")
            return _shallow(path, image, notices)
    pixels = deep_pixels(path, image)

    def rows(top: int, bottom: int) -> Levels:
        return pixels[top:bottom] if convert is None else convert(pixels[top:bottom])

    return _Pixels((pixels.shape[1], pixels.shape[0]), 16, rows)


def _has_more(opened: Image.Image) -> bool:
    """Whether an opened photo has further pages or frames. The second picture of an MPO belongs to the first."""
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        return opened.tag_v2.next != 0
    with suppress(*DAMAGED):
        return opened.format in ("GIF", "WEBP") and bool(getattr(opened, "is_animated", False))
    return False


def _lightness(pixels: _Pixels, path: Path, restore_tone: bool, notices: list[str]) -> Tensor:
    """Lightness of the photo, or of the print restored; a tint that is left is remarked."""
    sample = _sample(pixels)
    if restore_tone:
        tone = read_tone(sample)
        return _in_strips(pixels, lambda levels: tone.gray(_in_color(levels)))
    if is_tinted(sample):
        notices.append(f"{path}: looks like a tinted print; --restore-tone takes the tint away before it is colored")
    return _in_strips(pixels)


def _sample(pixels: _Pixels) -> Levels:
    """Some pixels from all over the photo but its border, (N, 3)."""

    def places(length: int) -> NDArray[np.int64]:
        first = int(length * _BORDER)
        return np.unique(np.linspace(first, length - 1 - first, _SAMPLED).astype(np.int64))

    rows, columns = places(pixels.size[1]), places(pixels.size[0])
    return np.concatenate([_in_color(pixels.rows(row, row + 1)[:, columns])[0] for row in rows])


def _in_color(levels: Levels) -> Levels:
    return levels if levels.ndim == 3 else np.broadcast_to(levels[..., None], (*levels.shape, 3))


def _in_strips(pixels: _Pixels, change: Callable[[Levels], Levels] = lambda levels: levels) -> Tensor:
    width, height = pixels.size
    lightness = torch.empty(1, 1, height, width)
    for top, bottom in strips(height, width):
        lightness[:, :, top:bottom] = lab.lightness_of_levels(change(pixels.rows(top, bottom)))
    return lightness
