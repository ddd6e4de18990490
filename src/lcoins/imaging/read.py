"""A photo's file to what coloring needs of it: full-size lightness at full depth, its metadata, and remarks.

lcoins reads with Pillow and its own code for 16 bits. pyvips reads large 16-bit TIFFs in two thirds of the time, but is
off by up to 0.39 L* where they have a color profile, and reads no HEIC, JPEG 2000, BMP or 12-bit TIFF
(docs/results/pyvips.md).
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from torch import Tensor

from lcoins.color import lab
from lcoins.color.contrast import BORDER
from lcoins.color.margins import find_margins
from lcoins.imaging.decode import DAMAGED, decoded, explained, flatten, is_transparent, opened_photo
from lcoins.imaging.gamma import gamma_table
from lcoins.imaging.icc import ProfileError, embedded_transform, lab_to_srgb, sixteen_bit_profile_to_srgb
from lcoins.imaging.metadata import kept_metadata
from lcoins.imaging.orientation import upright_rows, upright_size, upright_turn
from lcoins.imaging.quiet import MAX_PIXELS
from lcoins.imaging.restore import is_tinted, read_tone
from lcoins.imaging.sixteen_bit import is_sixteen_bit, is_sixteen_bit_gray, loses_depth, sixteen_bit_pixels

Levels = NDArray[np.uint8 | np.uint16]

STRIP_PIXELS = 2**18  # of a full-size photo in work at once: the strip's arrays stay near the processor's cache
_MP_ENTRIES = 0xB002  # the tag of an MPO with a description of each of its pictures
_SAMPLED = 256  # rows and columns sampled to judge the tone


@dataclass(frozen=True)
class GrayPhoto:
    """A photo as it is colored: upright, reduced to its lightness (1, 1, H, W) in 0..100.

    Args:
        lightness: at full size.
        bits: the depth of its file, 8 or 16.
        metadata: what a picture keeps of the file, as options to save it with.
        notices: remarks for the user.
        tinted: whether it looks like a tinted print whose tone was not restored.
    """

    lightness: Tensor
    bits: int
    metadata: dict[str, Any]
    notices: tuple[str, ...]
    tinted: bool = False

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


def read_gray_photo(path: Path, *, restore_tone: bool = False, max_pixels: int = MAX_PIXELS) -> GrayPhoto:
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
        read_pixels = _pixels_of_16_bits if is_sixteen_bit(opened) else _pixels_of_8_bits
        if opened.format == "PNG":  # may keep its metadata behind the pixels
            image = decoded(opened, path)
            metadata, remarks = kept_metadata(opened, path)
        else:  # decoding drops the orientation of a TIFF
            metadata, remarks = kept_metadata(opened, path)
            image = decoded(opened, path)
        notices += remarks
        with explained(path):
            table = gamma_table(image, 16 if read_pixels is _pixels_of_16_bits else 8)
            if is_transparent(image):
                notices.append(f"{path}: its transparent parts lie on white in the picture")
            pixels = read_pixels(path, image, notices)
            if table is not None:
                pixels = _through(pixels, table)
            sample = _sample(pixels)
            tone = read_tone(sample) if restore_tone else None
            lightness = _lightness_in_strips(pixels, None if tone is None else lambda rows: tone.gray(_in_color(rows)))
            tinted = tone is None and is_tinted(sample)
    return GrayPhoto(lightness, pixels.bits, metadata, tuple(notices), tinted)


def photo_lightness(image: Image.Image) -> Tensor:
    """L* of an RGB photo, (1, 1, H, W) in 0..100."""
    pixels = _Pixels(image.size, 8, lambda top, bottom: np.asarray(upright_rows(image, None, top, bottom)))
    return _lightness_in_strips(pixels)


def strips(height: int, width: int, pixels: int = STRIP_PIXELS) -> Iterator[tuple[int, int]]:
    """First and last row, the last excluded, of strips of at most ``pixels`` pixels, but at least one row."""
    rows = max(1, pixels // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _pixels_of_8_bits(path: Path, image: Image.Image, notices: list[str]) -> _Pixels:
    """Pixels of 8 bits, flattened and converted to sRGB a strip at a time."""
    turn = upright_turn(image)
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


def _pixels_of_16_bits(path: Path, image: Image.Image, notices: list[str]) -> _Pixels:
    """Pixels of 16 bits, or of 8 where the profile can only be applied to 8."""
    profile, mode = image.info.get("icc_profile"), "L" if is_sixteen_bit_gray(image) else "RGB"
    try:
        foreign = embedded_transform(image, mode) is not None  # None for sRGB too
    except ProfileError as error:
        notices.append(f"{path}: its color profile was left out: {error}")
        foreign = False
    convert = None
    if foreign:
        try:
            convert = sixteen_bit_profile_to_srgb(profile, mode)
        except ProfileError as error:
            notices.append(f"{path}: its color profile was applied to 8 of the 16 bits: {error}")
            return _pixels_of_8_bits(path, image, notices)
    pixels = sixteen_bit_pixels(path, image)

    def rows(top: int, bottom: int) -> Levels:
        return pixels[top:bottom] if convert is None else convert(pixels[top:bottom])

    return _Pixels((pixels.shape[1], pixels.shape[0]), 16, rows)


def _has_more(opened: Image.Image) -> bool:
    """Whether an opened photo has further pages, frames or pictures, beside the small previews of a camera's MPO."""
    if isinstance(opened, TiffImagePlugin.TiffImageFile):
        return opened.tag_v2.next != 0
    with suppress(*DAMAGED):
        if opened.format == "MPO":
            others = opened.mpinfo[_MP_ENTRIES][1:]  # type: ignore[attr-defined]
            return not all(str(other["Attribute"]["MPType"]).startswith("Large Thumbnail") for other in others)
        return int(getattr(opened, "n_frames", 1)) > 1
    return False


def _through(pixels: _Pixels, table: Levels) -> _Pixels:
    """Pixels whose levels are exchanged by a table."""
    return replace(pixels, rows=lambda top, bottom: table[pixels.rows(top, bottom)])


def _sample(pixels: _Pixels) -> Levels:
    """Pixels (N, 3) from a grid all over the photo except its margin and border."""
    columns, rows = (np.linspace(0, length - 1, _SAMPLED).astype(np.int64) for length in pixels.size)
    grid = np.concatenate([_in_color(pixels.rows(row, row + 1)[:, columns]) for row in rows])
    (box,) = find_margins(lab.lightness_of_levels(grid)).boxes
    top, left, bottom, right = box or (0, 0, _SAMPLED, _SAMPLED)
    down, across = int((bottom - top) * BORDER), int((right - left) * BORDER)
    picture = grid[top + down : bottom - down, left + across : right - across]
    return picture.reshape(-1, 3)


def _in_color(levels: Levels) -> Levels:
    return levels if levels.ndim == 3 else np.broadcast_to(levels[..., None], (*levels.shape, 3))


def _lightness_in_strips(pixels: _Pixels, change: Callable[[Levels], Levels] | None = None) -> Tensor:
    """L* of all pixels (1, 1, H, W), after ``change`` of their levels where it is given."""
    width, height = pixels.size
    lightness = torch.empty(1, 1, height, width)
    for top, bottom in strips(height, width):
        levels = pixels.rows(top, bottom)
        lightness[:, :, top:bottom] = lab.lightness_of_levels(levels if change is None else change(levels))
    return lightness
