"""Any photo file to an upright 8-bit sRGB picture: the only place that decodes.

Pillow leaves four traps that this module closes: 16-bit grey converted to RGB is clipped to white, transparency shows
whatever lies hidden under it, EXIF orientation is ignored, and an embedded colour profile is dropped.
"""

import struct
import zlib
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms
from torch import Tensor

MAX_PIXELS = 200_000_000
FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "WEBP", "AVIF", "JPEG2000", "BMP", "GIF", "PPM")

# Everything that Pillow's decoders were seen to raise on damaged files; UserWarning where a caller makes it an error.
DAMAGED: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError)
DAMAGED += (AttributeError, OverflowError, MemoryError, RuntimeError, UserWarning, struct.error, zlib.error)
_BAD_PROFILE: tuple[type[Exception], ...] = (*DAMAGED, ImageCms.PyCMSError)
_ORIENTATION = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# Pillow's own bound warns at 89 and raises at 179 million pixels, before ours is asked; this lets ours decide.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS
Image.init()
_READABLE = tuple(name for name in FORMATS if name in Image.OPEN)  # FORMATS without what this Pillow lacks


class PhotoError(ValueError):
    """A file that gives no picture: ``kind`` in two or three words, ``detail``, and ``advice`` what to do about it."""

    kind: str = "damaged photo"
    detail: str = ""
    advice: str = ""


def load_photo(
    path: Path | str, size: tuple[int, int] | None = None, *, profile: bool = True, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The photo as an upright sRGB picture of mode RGB, at its own size.

    ``size`` (width, height) is the least size that the caller needs: a JPEG at least twice as large is decoded at a
    half, quarter or eighth; other formats ignore it. ``profile`` converts from an embedded colour profile; without it
    the stored numbers are taken for sRGB, as published evaluations do. Transparency lies on white; of an animation the
    first frame is taken. Raises FileNotFoundError, and :class:`PhotoError`, a ValueError, for what is no whole
    photo of at most ``max_pixels`` pixels; a truncated file is refused, never filled with grey.
    """
    path = Path(path)
    image = _open(path, max_pixels)
    _decode(image, path, size)
    try:
        return _to_rgb(_upright(image), profile)
    except DAMAGED as error:
        raise _bad(path, "unsupported photo", str(error), "save it again as an 8-bit RGB JPEG or PNG") from error


def check_photo(path: Path | str, max_pixels: int = MAX_PIXELS) -> None:
    """Raises what :func:`load_photo` would raise, in a fraction of its time for a JPEG.

    Every byte is still decoded (Pillow refuses a JPEG cut by even two bytes), only the pixels are made at an eighth.
    """
    load_photo(path, size=(1, 1), max_pixels=max_pixels)


def to_tensor(image: Image.Image) -> Tensor:
    """A picture of mode RGB as float32 (3, H, W) in [0, 1].

    >>> to_tensor(Image.new("RGB", (1, 1), (255, 0, 51))).flatten().tolist()
    [1.0, 0.0, 0.20000000298023224]
    """
    if image.mode != "RGB":
        raise ValueError(f"expected a picture of mode RGB, got {image.mode}; load it with load_photo")
    pixels = torch.from_numpy(np.array(image))
    return pixels.permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format).div_(255)


def _bad(path: Path, kind: str, detail: str, advice: str) -> PhotoError:
    error = PhotoError(f"{path}: {kind}: {detail}; {advice}")
    error.kind, error.detail, error.advice = kind, detail, advice
    return error


def _open(path: Path, max_pixels: int) -> Image.Image:
    """Reads the header and applies the bounds; the pixels are not decoded yet."""
    try:
        data = path.read_bytes()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{path}: no such photo; check the name and the folder") from error
    except (OSError, ValueError) as error:
        raise _bad(path, "unreadable file", str(error), "check its name, its permissions and the disk") from error
    if not data:
        raise _bad(path, "empty file", "0 bytes", "copy or download it again")
    too_large = f"more than {max_pixels:,} pixels", "scale it down first"
    try:
        image = Image.open(BytesIO(data), formats=_READABLE)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _bad(path, "photo too large", *too_large) from error
    except DAMAGED as error:
        advice = f"expected one of {', '.join(_READABLE)}; convert it, or copy or download it again"
        raise _bad(path, "unreadable photo", "of no known format, or cut off in its header", advice) from error
    if image.width * image.height > max_pixels:
        raise _bad(path, "photo too large", f"{image.width} x {image.height} is {too_large[0]}", too_large[1])
    return image


def _decode(image: Image.Image, path: Path, size: tuple[int, int] | None) -> None:
    """Decodes the pixels in place, a JPEG at the smallest scale that is no smaller than ``size`` either way up."""
    try:
        if size is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (max(size), max(size)))
        image.load()
    except DAMAGED as error:
        truncated = isinstance(error, EOFError) or "truncated" in str(error)
        kind = "truncated photo" if truncated else "damaged photo"
        raise _bad(path, kind, str(error), "copy or download it again") from error


def _upright(image: Image.Image) -> Image.Image:
    """Applies the EXIF orientation; one that cannot be read is no orientation. (Pillow turns a TIFF by itself.)"""
    orientation = None
    with suppress(*DAMAGED):
        orientation = image.getexif().get(_ORIENTATION)
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _to_rgb(image: Image.Image, profile: bool) -> Image.Image:
    """Any mode to RGB: 16 bits scaled, transparency on white, then from the embedded profile to sRGB."""
    flat = _flatten(image)
    embedded = image.info.get("icc_profile")
    transform = _from_profile(embedded, flat.mode) if profile and isinstance(embedded, bytes) else None
    if flat.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")
    return transform.apply(flat) if transform is not None else flat.convert("RGB")


def _flatten(image: Image.Image) -> Image.Image:
    """To one of the modes L, RGB, CMYK and LAB, in the file's own colour space."""
    if image.mode.startswith("I") or image.mode == "F":
        return _scale_deep(image)
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _scale_deep(image: Image.Image) -> Image.Image:
    """Grey of 16 bits (65535 is white) or float (1.0 is white) to 8 bits, rounded."""
    pixels = np.asarray(image)
    white = 1.0 if image.mode == "F" else 65535.0
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= white):
        raise ValueError(f"grey pixels of mode {image.mode} outside 0..{white:g}, so which value is white is unknown")
    return Image.fromarray(np.rint(pixels * (255.0 / white)).astype(np.uint8))


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@lru_cache(maxsize=32)
def _from_profile(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from an embedded profile; None if it changes nothing, is damaged, or was made for another mode."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}.get(mode) != source.profile.xcolor_space.strip():
            return None
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    except _BAD_PROFILE:
        return None
    levels = np.linspace(0, 255, 6, dtype=np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    chart = Image.fromarray(colours).convert(mode)
    change = np.asarray(transform.apply(chart), dtype=int) - np.asarray(chart.convert("RGB"))
    return transform if np.abs(change).max() > 1 else None
