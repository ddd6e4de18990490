"""Pictures of 16 bits a channel to PNG and TIFF files, which Pillow cannot write, strip by strip."""

import struct
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin, TiffTags

Strips = Iterable[NDArray[np.uint16]]

_METERS_PER_INCH = 0.0254
_CHUNK = 2**20  # bytes of compressed pixels in a chunk of a PNG, and of pixels in a strip of a TIFF


def write_deep(path: Path, kind: str, size: tuple[int, int], strips: Strips, metadata: dict[str, Any]) -> None:
    """Writes strips (R, W, 3) of sRGB levels 0..65535, from top to bottom, as a ``PNG`` or ``TIFF`` file.

    ``metadata`` as Pillow takes it: ``dpi``, ``icc_profile`` and ``exif``, each if need be.
    """
    with path.open("wb") as file:
        DEEP_KINDS[kind](file, size, strips, metadata)


def _write_png(file: IO[bytes], size: tuple[int, int], strips: Strips, metadata: dict[str, Any]) -> None:
    file.write(b"\x89PNG\r\n\x1a\n")
    _write_chunk(file, b"IHDR", struct.pack(">IIBBBBB", *size, 16, 2, 0, 0, 0))
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


def _write_tiff(file: IO[bytes], size: tuple[int, int], strips: Strips, metadata: dict[str, Any]) -> None:
    """Uncompressed, as Pillow's own are, in the order of bytes of a PC."""
    width, height = size
    rows = min(height, max(1, _CHUNK // (width * 6)))
    counts = [min(rows, height - top) * width * 6 for top in range(0, height, rows)]
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if "exif" in metadata:
        exif = Image.Exif()
        exif.load(metadata["exif"])
        for tag in exif:
            tags[tag] = exif.get_ifd(tag) if tag in TiffTags.TAGS_V2_GROUPS else exif[tag]
    if "dpi" in metadata:
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = metadata["dpi"]
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2  # inch
    if "icc_profile" in metadata:
        tags[TiffImagePlugin.ICCPROFILE] = metadata["icc_profile"]
    tags[TiffImagePlugin.IMAGEWIDTH], tags[TiffImagePlugin.IMAGELENGTH] = size
    tags[TiffImagePlugin.BITSPERSAMPLE] = (16, 16, 16)
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
        file.write(strip.astype("<u2").tobytes())


DEEP_KINDS = {"PNG": _write_png, "TIFF": _write_tiff}
