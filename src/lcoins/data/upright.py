"""EXIF orientation: a photo turned the way it was taken, whole or a few rows at a time."""

from contextlib import suppress
from typing import Any

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
_FROM_THE_END = (_TURNS[3], _TURNS[4], _TURNS[7], _TURNS[8])  # whose first row is stored as the last row or column

Turn = Image.Transpose | None


def turn_of(image: Image.Image) -> Turn:
    """What makes a decoded photo upright; an orientation that cannot be read is none. (Pillow itself turns a TIFF.)"""
    orientation: Any = None
    with suppress(Exception):  # whatever a damaged block of EXIF data may raise
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def upright(image: Image.Image) -> Image.Image:
    """The photo turned as its EXIF orientation says."""
    turn = turn_of(image)
    return image if turn is None else image.transpose(turn)


def upright_size(image: Image.Image, turn: Turn) -> tuple[int, int]:
    """Width and height of the photo after its turn."""
    return (image.height, image.width) if turn in _ON_THEIR_SIDE else image.size


def upright_rows(image: Image.Image, turn: Turn, top: int, bottom: int) -> Image.Image:
    """Rows of the photo after its turn, as an image; a photo of 100 megapixels is not held twice for it."""
    across = turn in _ON_THEIR_SIDE
    length = image.width if across else image.height
    first, last = (length - bottom, length - top) if turn in _FROM_THE_END else (top, bottom)
    stored = image.crop((first, 0, last, image.height) if across else (0, first, image.width, last))
    return stored if turn is None else stored.transpose(turn)
