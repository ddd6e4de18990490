"""Files that are no whole photo, for fuzzing: truncated, altered, random, misnamed, and bombs. All small on disk."""

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
from PIL import Image

FORMATS = {"jpg": "JPEG", "png": "PNG", "tif": "TIFF", "webp": "WEBP", "gif": "GIF", "bmp": "BMP", "jp2": "JPEG2000"}


def photo(random_: random.Random, kind: str) -> bytes:
    """A small photo in a format, now and then in another mode."""
    pixels = np.random.default_rng(random_.randrange(2**32)).integers(0, 256, (24, 31, 3), dtype=np.uint8)
    image, file = Image.fromarray(pixels), io.BytesIO()
    if kind in ("PNG", "TIFF") and random_.random() < 0.5:
        image = image.convert(random_.choice(["1", "L", "P", "RGBA", "I;16"]) if kind == "PNG" else "CMYK")
    image.save(file, format=kind)
    return file.getvalue()


def truncated(random_: random.Random) -> tuple[str, bytes]:
    suffix, kind = random_.choice(list(FORMATS.items()))
    data = photo(random_, kind)
    return suffix, data[: random_.randrange(len(data))]


def altered(random_: random.Random) -> tuple[str, bytes]:
    suffix, kind = random_.choice(list(FORMATS.items()))
    data = bytearray(photo(random_, kind))
    for _ in range(random_.randint(1, 40)):
        data[random_.randrange(len(data))] = random_.randrange(256)
    return suffix, bytes(data)


def altered_header(random_: random.Random) -> tuple[str, bytes]:
    suffix, kind = random_.choice(list(FORMATS.items()))
    data = bytearray(photo(random_, kind))
    for _ in range(random_.randint(1, 6)):
        data[random_.randrange(min(80, len(data)))] = random_.choice([0, 1, 127, 128, 255])
    return suffix, bytes(data)


def noise(random_: random.Random) -> tuple[str, bytes]:
    start = random_.choice([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"RIFF\0\0\0\0WEBP", b"GIF89a"])
    return random_.choice(list(FORMATS)), start + random_.randbytes(random_.randrange(5000))


def misnamed(random_: random.Random) -> tuple[str, bytes]:
    texts = [
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<html>",
        b"#!/bin/sh\n",
        b"%PDF-1.7",
    ]
    return random_.choice(list(FORMATS)), random_.choice(texts) * random_.randint(1, 50)


def zip_bomb(random_: random.Random) -> tuple[str, bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("photo.jpg", bytes(random_.randint(1, 8) * 2**20))
    return random_.choice(["jpg", "png"]), file.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(random_: random.Random) -> tuple[str, bytes]:
    """A PNG of enormous size in its header, or with an enormous text in a small chunk."""
    width, height = random_.choice([(2**31 - 1, 2**31 - 1), (60_000, 60_000), (100_000, 700), (1, 2**31 - 1), (0, 5)])
    rows, texts = zlib.compress(bytes(10**5)), b""
    if random_.random() < 0.4:
        (width, height), texts = (4, 4), _chunk(b"zTXt", b"c\0\0" + zlib.compress(bytes(64 * 2**20), 9))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return "png", b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + texts + _chunk(b"IDAT", rows) + _chunk(b"IEND", b"")


def jpeg_bomb(random_: random.Random) -> tuple[str, bytes]:
    """A JPEG that says to be of enormous size."""
    data = bytearray(photo(random_, "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(
        ">HH", *random_.choice([(65535, 65535), (65535, 1), (0, 31), (9000, 9000)])
    )
    return "jpg", bytes(data)


def tiff_loop(random_: random.Random) -> tuple[str, bytes]:
    """A TIFF whose directory points to itself, or past the end, or says to hold a great many rows."""
    side = [16, 2**31, 40_000]
    tags = [
        (256, 4, 1, random_.choice(side)),
        (257, 4, 1, random_.choice(side)),
        (258, 3, 1, 8),
        (259, 3, 1, random_.choice([1, 5, 7, 32773])),
        (262, 3, 1, 1),
        (273, 4, 1, random_.choice([8, 2**32 - 1])),
        (278, 4, 1, 2**31),
        (279, 4, 1, random_.choice([9, 2**31])),
    ]
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    following = random_.choice([0, 8, 2**31])
    return "tif", b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + bytes(99)


KINDS: tuple[Callable[[random.Random], tuple[str, bytes]], ...] = (
    truncated,
    altered,
    altered_header,
    noise,
    misnamed,
    zip_bomb,
    png_bomb,
    jpeg_bomb,
    tiff_loop,
)


def hostile(seed: int) -> tuple[str, bytes]:
    """Name and content of the file of a seed; nine kinds in turn."""
    random_ = random.Random(seed)
    suffix, data = KINDS[seed % len(KINDS)](random_)
    return f"{KINDS[seed % len(KINDS)].__name__}_{seed}.{suffix}", data
