"""Pictures to files: through Pillow, but PNG of 16 bits, which it cannot write, and TIFF strip by strip.

Pillow puts "?" into the texts of a TIFF for all that is not ASCII.

pyvips writes 16 bits too, but loses date, camera and place in a TIFF (docs/results/pyvips.md).
"""

import math
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, TiffTags
from torch import Tensor

from lcoins.files import open_whole
from lcoins.imaging.metadata import as_stored
from lcoins.imaging.read import GrayPhoto

Strips = Iterable[NDArray[np.uint8 | np.uint16]]

_METERS_PER_INCH = 0.0254
_CHUNK = 2**20  # bytes of compressed pixels in a chunk of a PNG, and of pixels in a strip of a TIFF


@dataclass(frozen=True)
class OutputFormat:
    """Pillow's name of a format, the options that it is saved with, and the most pixels a side that it holds."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    longest_side: float = math.inf


# By suffix. TIFF is not compressed, because Pillow writes neither camera data nor place into a compressed one.
OUTPUT_FORMATS: dict[str, OutputFormat] = {
    **dict.fromkeys(
        (".jpg", ".jpeg", ".jpe", ".jfif"), OutputFormat("JPEG", {"quality": 95, "subsampling": 0}, 65_500)
    ),
    ".png": OutputFormat("PNG"),
    **dict.fromkeys((".tif", ".tiff"), OutputFormat("TIFF")),
    ".webp": OutputFormat("WEBP", {"quality": 95}, 16_383),
}


def write_picture(path: Path, photo: GrayPhoto, strips: Iterator[Tensor]) -> None:
    """Writes the picture of a photo, whole or not at all, in the format of the path's suffix, with its metadata.

    ``strips`` (R, W, 3) are sRGB in [0, 1], from top to bottom. A PNG or TIFF of a 16-bit photo has 16 bits too. Raises
    OSError where the disk is full.
    """
    output = OUTPUT_FORMATS[path.suffix.lower()]
    with open_whole(path) as file:
        if output.name == "TIFF" or (output.name == "PNG" and photo.bits == 16):
            white, depth = 2**photo.bits - 1, np.uint16 if photo.bits == 16 else np.uint8
            levels = ((strip * white).round().to(torch.int32).numpy().astype(depth) for strip in strips)
            (_write_tiff if output.name == "TIFF" else _write_png)(file, photo.size, levels, photo.metadata, photo.bits)
        else:
            image = strips_to_image(photo.size, strips)
            image.save(file, format=output.name, **output.options, **photo.metadata)


def strips_to_image(size: tuple[int, int], strips: Iterator[Tensor]) -> Image.Image:
    """Strips (R, W, 3) of sRGB in [0, 1] as an RGB image of 8 bits and of ``size`` (width, height)."""
    picture = Image.new("RGB", size)
    top = 0
    for strip in strips:
        pixels = (strip * 255).round().to(torch.uint8).contiguous().numpy()
        picture.paste(Image.fromarray(pixels), (0, top))
        top += len(pixels)
    return picture


def _write_png(file: IO[bytes], size: tuple[int, int], strips: Strips, metadata: dict[str, Any], bits: int) -> None:
    file.write(b"\x89PNG\r\n\x1a\n")
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, bits, 2, 0, 0, 0))
    if "icc_profile" in metadata:
        _write_chunk(file, b"iCCP", b"sRGB\0\0" + zlib.compress(metadata["icc_profile"]))
    if "dpi" in metadata:
        density = (round(dots / _METERS_PER_INCH) for dots in metadata["dpi"])
        _write_chunk(file, b"pHYs", struct.pack(">IIB", *density, 1))
    if "exif" in metadata:
        _write_chunk(file, b"eXIf", metadata["exif"].removeprefix(b"Exif\0\0"))
    # The lower bytes are noise, which no effort compresses: level 1 takes half the time of 6 for 2 % more bytes.
    compressor, waiting = zlib.compressobj(1), bytearray()
    above = np.zeros((1, size[0] * 6), dtype=np.uint8)
    for strip in strips:
        rows = np.ascontiguousarray(strip, dtype=">u2").view(np.uint8).reshape(len(strip), -1)
        filtered = rows - np.concatenate([above, rows[:-1]])  # PNG's filter "up": photos change little from row to row
        waiting += compressor.compress(np.insert(filtered, 0, 2, axis=1).tobytes())
        above = rows[-1:]
        if len(waiting) > _CHUNK:
            _write_chunk(file, b"IDAT", bytes(waiting))
            waiting.clear()
    _write_chunk(file, b"IDAT", bytes(waiting) + compressor.flush())
    _write_chunk(file, b"IEND", b"")


def _write_chunk(file: IO[bytes], name: bytes, body: bytes) -> None:
    file.write(struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)))


def _write_tiff(file: IO[bytes], size: tuple[int, int], strips: Strips, metadata: dict[str, Any], bits: int) -> None:
    """Uncompressed, as Pillow's own are, in the order of bytes of a PC."""
    width, height = size
    pixel = 3 * bits // 8  # bytes
    rows = min(height, max(1, _CHUNK // (width * pixel)))
    counts = [min(rows, height - top) * width * pixel for top in range(0, height, rows)]
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if "exif" in metadata:
        exif = Image.Exif()
        exif.load(metadata["exif"])
        for tag in exif:
            if tag in TiffTags.TAGS_V2_GROUPS:
                tags[tag] = {inner: as_stored(value) for inner, value in exif.get_ifd(tag).items()}
            else:
                tags[tag] = as_stored(exif[tag])
    if "dpi" in metadata:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = metadata["dpi"]
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inch
    if "icc_profile" in metadata:
        tags[TiffImagePlugin.ICCPROFILE] = metadata["icc_profile"]
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = size
    tags[TiffImagePlugin.BITSPERSAMPLE] = (bits, bits, bits)
    tags[TiffImagePlugin.SAMPLESPERPIXEL] = 3
    tags[TiffImagePlugin.COMPRESSION] = 1
    tags[TiffImagePlugin.PHOTOMETRIC_INTERPRETATION] = 2  # RGB
    tags[TiffImagePlugin.PLANAR_CONFIGURATION] = 1
    tags[TiffImagePlugin.ROWSPERSTRIP] = rows
    for tag in (TiffImagePlugin.STRIPOFFSETS, TiffImagePlugin.STRIPBYTECOUNTS):
        tags.tagtype[tag] = TiffTags.LONG
    tags[TiffImagePlugin.STRIPBYTECOUNTS] = tuple(counts)
    # From the end of the directory, which adds its own length to them.
    tags[TiffImagePlugin.STRIPOFFSETS] = tuple(np.cumsum([0, *counts[:-1]]).tolist())
    tags.save(file)
    for strip in strips:
        file.write(strip.astype(f"<u{bits // 8}").tobytes())
