"""EXIF orientation: turns a photo upright, as a whole, some rows at a time, or as an array."""

from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ON_THEIR_SIDE = (_TURNS[5], _TURNS[6], _TURNS[7], _TURNS[8])
_FROM_THE_END = (_TURNS[3], _TURNS[4], _TURNS[7], _TURNS[8])  # the first row is stored as the last row or column

Turn = Image.Transpose | None


def upright_turn(image: Image.Image) -> Turn:
    """The turn that makes a decoded photo upright, None for none. (Pillow itself turns a TIFF.)"""
    orientation: Any = None
    with suppress(Exception):  # a damaged block of EXIF data may raise anything, and then counts as none
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def upright(image: Image.Image) -> Image.Image:
    """The photo turned as its EXIF orientation says."""
    turn = upright_turn(image)
    return image if turn is None else image.transpose(turn)


def upright_size(image: Image.Image, turn: Turn) -> tuple[int, int]:
    """Width and height of the photo after its turn."""
    return (image.height, image.width) if turn in _ON_THEIR_SIDE else image.size


def upright_rows(image: Image.Image, turn: Turn, top: int, bottom: int) -> Image.Image:
    """Rows of the photo after its turn, as an image, without turning a copy of the whole photo."""
    across = turn in _ON_THEIR_SIDE
    length = image.width if across else image.height
    first, last = (length - bottom, length - top) if turn in _FROM_THE_END else (top, bottom)
    stored = image.crop((first, 0, last, image.height) if across else (0, first, image.width, last))
    return stored if turn is None else stored.transpose(turn)


def upright_view(pixels: NDArray[np.uint16], turn: Turn) -> NDArray[np.uint16]:
    """A view of pixels (H, W) or (H, W, C) after their turn."""
    if turn in (_TURNS[5], _TURNS[7]):
        pixels = pixels.swapaxes(0, 1)
    quarters = {_TURNS[3]: 2, _TURNS[6]: 3, _TURNS[7]: 2, _TURNS[8]: 1}.get(turn, 0) if turn is not None else 0
    pixels = np.rot90(pixels, quarters)
    return np.flip(pixels, {_TURNS[2]: 1, _TURNS[4]: 0}[turn]) if turn in (_TURNS[2], _TURNS[4]) else pixels
