"""Any photo file to an upright sRGB picture: the only module that decodes.

It handles what Pillow alone gets wrong: 16-bit gray converted to RGB is clipped to white, 12-bit gray comes out nearly
black, 16-bit "white is zero" as a negative and 16-bit color in separate planes as noise, transparency shows whatever
lies hidden under it, EXIF orientation is ignored, an embedded color profile is dropped, and warnings of damage appear
in the middle of other output.
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin
from torch import Tensor

from lcoins.imaging.gamma import gamma_table
from lcoins.imaging.icc import ProfileError, embedded_transform, lab_to_srgb
from lcoins.imaging.orientation import upright
from lcoins.imaging.quiet import MAX_PIXELS, quiet_decoders

FORMATS = ("JPEG", "MPO", "PNG", "TIFF", "WEBP", "AVIF", "HEIF", "JPEG2000", "BMP", "GIF", "PPM")
# Suffixes of photos from phones, listed by hand: Pillow knows them only where pillow-heif is installed, and without it
# such photos must be met with an error that names it.
HEIF_SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif")
# Files of a folder that count as photos: every suffix of one of FORMATS.
PHOTO_SUFFIXES = frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS)
PHOTO_SUFFIXES |= frozenset(HEIF_SUFFIXES)

# Everything that Pillow's decoders raise on damaged files; UserWarning where a caller makes it an error.
DAMAGED: tuple[type[Exception], ...] = (OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError)
DAMAGED += (AttributeError, ArithmeticError, MemoryError, RuntimeError, UserWarning, struct.error, zlib.error)
_ROWS = 64  # looked at together
_PLANES = ("R", "G", "B", "A")
_GRAY = ("1", "L", "LA", "La")
# Magic bytes: of an HEIC photo behind "ftyp", and of a TIFF file.
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_TIFF_HEADERS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@lru_cache(maxsize=1)
def readable_formats() -> tuple[str, ...]:
    """FORMATS without those whose library is not installed."""
    with suppress(ImportError):  # the extra "heif"
        from pillow_heif import register_heif_opener

        register_heif_opener()
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


class PhotoError(ValueError):
    """A file that gives no picture: the ``kind`` of error in two or three words, ``detail``, and ``advice``."""

    kind: str = "damaged photo"
    detail: str = ""
    advice: str = ""


def load_photo(
    path: Path | str, size: tuple[int, int] | None = None, *, profile: bool = True, max_pixels: int = MAX_PIXELS
) -> Image.Image:
    """The photo as an upright sRGB picture of mode RGB, at its own size.

    Transparency lies on white; of an animation the first frame is taken. Raises FileNotFoundError, and
    :class:`PhotoError`, a ValueError, for a file that is no photo, is damaged or too large; a truncated file is
    refused, never filled with gray.

    Args:
        path: the photo's file.
        size: the least (width, height) that the caller needs: a JPEG at least twice as large is decoded at a half,
            quarter or eighth; other formats ignore it.
        profile: convert from an embedded color profile; without it the stored numbers are taken for sRGB, as published
            evaluations do.
        max_pixels: the largest photo that is accepted.
    """
    path = Path(path)
    with opened_photo(path, max_pixels) as opened:
        image = upright(decoded(opened, path, size))
        with explained(path):
            return _to_rgb(image, profile)


def check_photo(path: Path | str, max_pixels: int = MAX_PIXELS) -> None:
    """Raises what :func:`load_photo` would raise, in a fraction of its time for a JPEG.

    Every byte is still decoded (Pillow refuses a JPEG cut by even two bytes), but pixels are computed at an eighth.
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


def _photo_error(path: Path, kind: str, detail: str, advice: str) -> PhotoError:
    error = PhotoError(f"{path}: {kind}: {detail}; {advice}")
    error.kind, error.detail, error.advice = kind, detail, advice
    return error


@contextmanager
def opened_photo(path: Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Opens a photo without decoding it: its header is read and its size is within bounds.

    Inside the block its file is open and decoders are quiet (:mod:`lcoins.imaging.quiet`). Raises FileNotFoundError,
    and :class:`PhotoError` for a file that is no photo.
    """
    try:
        if not path.is_file():
            raise FileNotFoundError(path)
        file = path.open("rb")
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise FileNotFoundError(f"{path}: no such photo in {path.absolute().parent}; check the name") from error
    except (OSError, ValueError) as error:
        raise _photo_error(
            path, "unreadable file", str(error), "check its name, its permissions and the disk"
        ) from error
    with file, quiet_decoders():
        try:
            image = Image.open(file, formats=readable_formats())
            _expect_two_bytes(image)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large(path, max_pixels) from error
        except DAMAGED as error:
            file.seek(0)
            raise _unknown(path, file.read(32)) from error
        if image.width * image.height > max_pixels:
            raise _too_large(path, max_pixels, f"{image.width} x {image.height} is ")
        yield image


def _too_large(path: Path, max_pixels: int, found: str = "") -> PhotoError:
    return _photo_error(path, "photo too large", f"{found}more than {max_pixels:,} pixels", "scale it down first")


def _unknown(path: Path, start: bytes) -> PhotoError:
    """The error for a file that no decoder recognizes, by its first bytes."""
    if not start:
        return _photo_error(path, "empty file", "0 bytes", "copy or download it again")
    if start[4:8] == b"ftyp" and start[8:12] in _HEIF_BRANDS and "HEIF" not in readable_formats():
        return _photo_error(path, "HEIC photo", "no library for it is installed", "pip install 'lcoins[heif]'")
    if start[:4] in _TIFF_HEADERS:
        detail = "a TIFF of a kind that is not read, or damaged"
        return _photo_error(path, "unreadable photo", detail, "save it as 8- or 16-bit gray or RGB, or copy it again")
    advice = f"expected one of {', '.join(readable_formats())}; convert it, or copy or download it again"
    return _photo_error(path, "unreadable photo", "of no known format, or cut off in its header", advice)


def _expect_two_bytes(image: Image.Image) -> None:
    """Tells Pillow that 16-bit planes of an uncompressed TIFF have two bytes a pixel, where it assumes one."""
    if isinstance(image, TiffImagePlugin.TiffImageFile) and bits_of_tiff(image) == 16:
        order = "L" if image.tag_v2.prefix == b"II" else "B"
        for index, tile in enumerate(image.tile):
            if isinstance(tile.args, tuple) and tile.args[0] in _PLANES:
                image.tile[index] = tile._replace(args=(f"{tile.args[0]};16{order}", *tile.args[1:]))


def bits_of_tiff(image: TiffImagePlugin.TiffImageFile) -> int:
    """Bits a channel."""
    return max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))


def decoded(image: Image.Image, path: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """Decodes the pixels of an opened photo; with more than 8 bits, 65535 or 1.0 is white.

    A JPEG is decoded at the smallest scale that is no smaller than ``size`` in either orientation. Raises
    :class:`PhotoError`.
    """
    try:
        if size is not None and image.format in ("JPEG", "MPO"):
            image.draft(None, (max(size), max(size)))
        image.load()
        return _with_known_white(image)
    except DAMAGED as error:
        truncated = isinstance(error, EOFError) or "truncated" in str(error)
        kind = "truncated photo" if truncated else "damaged photo"
        raise _photo_error(path, kind, one_line(error), "copy or download it again") from error


def one_line(error: Exception) -> str:
    """The message of a decoder's error, on one line, without control characters that a damaged file may contain."""
    text = " ".join(str(error).split()) or type(error).__name__
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _with_known_white(image: Image.Image) -> Image.Image:
    """Rescales gray TIFFs in which Pillow ignores the level of white: 12 bits, and white as zero."""
    is_gray = image.mode.startswith("I;16") or image.mode == "F"
    if not is_gray or not isinstance(image, TiffImagePlugin.TiffImageFile):
        return image
    bits = bits_of_tiff(image)
    white_is_zero = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0
    if bits != 12 and not white_is_zero:
        return image
    pixels = np.asarray(image)
    if bits == 12:
        pixels = np.rint(pixels * np.float32(65535 / 4095)).astype(np.uint16)
    rescaled = Image.fromarray((1.0 if image.mode == "F" else 65535) - pixels if white_is_zero else pixels)
    rescaled.info = image.info
    return rescaled


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what Pillow and numpy raise on decoded pixels that cannot be converted into a :class:`PhotoError`."""
    try:
        yield
    except PhotoError:
        raise
    except DAMAGED as error:
        advice = "save it again as an 8-bit RGB JPEG or PNG"
        raise _photo_error(path, "unsupported photo", one_line(error), advice) from error


def _to_rgb(image: Image.Image, profile: bool) -> Image.Image:
    """Any mode to RGB: scales 16 bits, puts transparency on white, and converts from the embedded profile to sRGB."""
    flat = flatten(image)
    transform = None
    if profile:
        with suppress(ProfileError):
            transform = embedded_transform(image, flat.mode)
    if flat.mode == "LAB":
        transform = lab_to_srgb()
    if transform is not None:
        return transform.apply(flat)
    table = gamma_table(image, 8) if profile and flat.mode in ("L", "RGB") else None
    return (flat if table is None else flat.point(table.tolist() * len(flat.getbands()))).convert("RGB")


def flatten(image: Image.Image) -> Image.Image:
    """The photo in one of the modes L, RGB, CMYK and LAB, in its own color space, with transparency on white."""
    if image.mode.startswith("I") or image.mode == "F":
        return Image.fromarray(np.rint(sixteen_bit_levels(image) * np.float32(255 / 65535)).astype(np.uint8))
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        flat = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        return flat.getchannel("R") if image.mode in _GRAY else flat.convert("RGB")  # a gray profile needs gray
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of a decoded photo lets through what lies behind it; rows are looked at a few at a time."""
    if image.mode in ("P", "PA") and image.palette is None:
        return False  # a damaged file, in which Pillow asks for transparency in vain
    if not image.has_transparency_data or image.mode.startswith("I") or image.mode == "F":
        return False  # one transparent level among 65,536 of gray is not read
    for top in range(0, image.height, _ROWS):
        rows = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        alpha = rows if "A" in rows.getbands() else rows.convert("RGBA")
        if alpha.getchannel("A").getextrema()[0] < 255:  # type: ignore[operator]
            return True
    return False


def sixteen_bit_levels(image: Image.Image) -> NDArray[np.uint16]:
    """Gray of 16 bits (65535 is white) or float (1.0 is white) as levels 0..65535, (H, W).

    Raises ValueError for other values, since it is unknown which of them is white.
    """
    pixels = np.asarray(image)
    if image.mode.startswith("I;16"):
        return pixels.astype(np.uint16, copy=False)  # in this machine's byte order
    white = 1.0 if image.mode == "F" else 65535.0
    if not (np.isfinite(pixels).all() and pixels.min() >= 0 and pixels.max() <= white):
        raise ValueError(f"gray pixels of mode {image.mode} outside 0..{white:g}, so which value is white is unknown")
    return np.rint(pixels * (65535.0 / white)).astype(np.uint16)
