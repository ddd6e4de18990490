"""Malformed photos, several hundred, the same every time: each gives a picture, or one error of one line, in time.

Nothing else may come of them: no other exception, no warning (they are errors here), no line of a library's own.
"""

import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drawn_photos import FakeColorizer, gray_profile, some_exif
from PIL import Image, ImageCms

from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.imaging.decode import readable_formats
from lcoins.imaging.read import read_gray_photo

SECONDS = 5.0  # for one file; most take 2 ms
SUFFIXES = {
    "jpeg": ".jpg",
    "png": ".png",
    "tiff": ".tif",
    "webp": ".webp",
    "gif": ".gif",
    "bmp": ".bmp",
    "ppm": ".ppm",
    "jpeg2000": ".jp2",
    "avif": ".avif",
    "heif": ".heic",
}


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def whole_photos() -> dict[str, bytes]:
    """A sound photo of every format and kind that is read, 24 x 16 pixels, by name."""
    random = np.random.default_rng(1)
    colors = Image.fromarray(random.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    gray, deep = colors.convert("L"), Image.fromarray(random.integers(0, 65536, (16, 24), dtype=np.uint16))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif, known = some_exif(), {"dpi": (300, 300)}
    photos = {
        "jpeg rgb": encoded(colors, "JPEG", exif=exif, icc_profile=srgb, **known),
        "jpeg progressive": encoded(gray, "JPEG", progressive=True, icc_profile=gray_profile(1.8)),
        "jpeg cmyk": encoded(colors.convert("CMYK"), "JPEG"),
        "png rgba": encoded(colors.convert("RGBA"), "PNG", exif=exif, **known),
        "png palette": encoded(colors.convert("P"), "PNG", transparency=3),
        "png deep": encoded(deep, "PNG", icc_profile=gray_profile(2.2)),
        "png deep color": deep_png(random.integers(0, 65536, (16, 24, 3)).astype(">u2").tobytes()),
        "tiff raw": encoded(colors, "TIFF", exif=exif, icc_profile=srgb, **known),
        "tiff lzw": encoded(colors, "TIFF", compression="tiff_lzw"),
        "tiff fax": encoded(gray.convert("1"), "TIFF", compression="group4"),
        "tiff deep": encoded(deep, "TIFF", icc_profile=gray_profile(1.8)),
        "tiff float": encoded(Image.fromarray(np.asarray(gray, dtype=np.float32) / 255), "TIFF"),
        "tiff pages": encoded(gray, "TIFF", save_all=True, append_images=[gray]),
        "webp lossy": encoded(colors, "WEBP", exif=exif, icc_profile=srgb),
        "webp moving": encoded(colors, "WEBP", save_all=True, append_images=[gray.convert("RGB")], lossless=True),
        "gif moving": encoded(gray, "GIF", save_all=True, append_images=[gray.rotate(90)]),
        "bmp": encoded(colors, "BMP", **known),
        "ppm": encoded(colors, "PPM"),
    }
    readable_formats()  # registers HEIF
    optional = {"jpeg2000": ("JPEG2000", {}), "avif": ("AVIF", {}), "heif": ("HEIF", {"exif": exif})}
    photos |= {
        name: encoded(colors, kind, **options) for name, (kind, options) in optional.items() if kind in Image.SAVE
    }
    return photos


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def deep_png(pixels: bytes, width: int = 24, height: int = 16, *more: bytes, depth: int = 16, color: int = 2) -> bytes:
    """A PNG written by hand, for what no encoder would write."""
    stride = len(pixels) // 16
    rows = b"".join(b"\0" + pixels[start : start + stride] for start in range(0, len(pixels), max(stride, 1)))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    body = [chunk(b"IHDR", header), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


def tiff(*tags: tuple[int, int, int, int], after: bytes = bytes(64), following: int = 0) -> bytes:
    """A TIFF of one directory, of tags (number, type, count, value), written by hand."""
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", following) + after


def gray_tiff(width: int = 4, height: int = 4, **changes: int) -> list[tuple[int, int, int, int]]:
    values = {
        "width": width,
        "height": height,
        "bits": 8,
        "compression": 1,
        "photometric": 1,
        "offset": 140,
        "samples": 1,
        "rows": height,
        "bytes": width * height,
        "planes": 1,
    } | changes
    numbers = (256, 257, 258, 259, 262, 273, 277, 278, 279, 284)
    return [(number, 4, 1, value % 2**32) for number, value in zip(numbers, values.values(), strict=True)]


def built_by_hand(photos: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Names of files and what is in them: lies about size, loops, other formats in disguise, damaged metadata."""
    for side in (0, 1, 15_000, 2**31 - 1):
        yield f"size {side}.png", deep_png(b"", side, side, depth=8)
        yield f"size {side}.tif", tiff(*gray_tiff(side, side))
        yield f"size {side}.bmp", photos["bmp"][:18] + struct.pack("<ii", side, side) + photos["bmp"][26:]
        yield (
            f"size {side}.gif",
            photos["gif moving"][:6] + struct.pack("<HH", side % 65536, side % 65536) + photos["gif moving"][10:],
        )
        yield f"size {side}.ppm", b"P6 %d %d 255\n" % (side, side) + bytes(100)
        start = photos["jpeg rgb"].index(b"\xff\xc0") + 5
        yield (
            f"size {side}.jpg",
            photos["jpeg rgb"][:start]
            + struct.pack(">HH", side % 65536, side % 65536)
            + photos["jpeg rgb"][start + 4 :],
        )
    for depth in (0, 1, 3, 16, 255):
        for color in (0, 1, 2, 3, 6):
            yield f"depth {depth} {color}.png", deep_png(bytes(48), depth=depth, color=color)
    for key in ("bits", "compression", "photometric", "offset", "samples", "rows", "bytes", "planes"):
        for value in (0, 2, 3, 12, 16, 4096, 2**31, 2**32 - 1):
            yield f"{key} {value}.tif", tiff(*gray_tiff(**{key: value}))
    yield "loop.tif", tiff(*gray_tiff(), following=8)
    yield "exif loop.tif", tiff(*gray_tiff(), (0x8769, 4, 1, 8))
    yield "gps loop.tif", tiff(*gray_tiff(), (0x8825, 4, 1, 8), (0x8769, 4, 1, 8))
    yield "resolution.tif", tiff(*gray_tiff(), (282, 5, 1, 130), (283, 5, 1, 130), after=struct.pack("<II", 1, 0) * 8)
    yield "many tags.tif", tiff(*((number, 4, 2**28, 8) for number in range(256, 600)))
    yield "deep directories.tif", chained_directories(3000)
    for resolution in (0, 1, 2**32 - 1):
        body = struct.pack(">IIB", resolution, resolution, 1)
        yield f"dpi {resolution}.png", deep_png(bytes(24 * 16), 24, 16, chunk(b"pHYs", body), depth=8, color=0)
    bomb = zlib.compress(bytes(30_000_000))
    yield "text bomb.png", deep_png(bytes(24 * 16), 24, 16, chunk(b"zTXt", b"a\0\0" + bomb), depth=8, color=0)
    yield "profile bomb.png", deep_png(bytes(24 * 16), 24, 16, chunk(b"iCCP", b"a\0\0" + bomb), depth=8, color=0)
    colors = Image.new("RGB", (24, 16), (90, 90, 90))
    for place, damaged in enumerate(damaged_blocks(some_exif(), 40)):
        for kind in ("JPEG", "PNG", "WEBP"):
            yield f"exif {place}.{kind.lower()}", encoded(colors, kind, exif=damaged)
    for place, damaged in enumerate(damaged_blocks(gray_profile(2.2), 20)):
        yield f"profile {place}.jpg", encoded(colors.convert("L"), "JPEG", icc_profile=damaged)
        yield f"profile {place}.png", encoded(Image.fromarray(np.zeros((4, 4), np.uint16)), "PNG", icc_profile=damaged)
    yield "script.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nshowpage\n"
    yield "document.png", b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n"
    yield "drawing.png", b"<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'><rect width='9'/></svg>"
    yield "layers.jpg", b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 16, 16, 8, 3) + bytes(60)
    yield "icon.png", encoded(colors, "ICO")
    yield "page.jpg", b"<html><body>404 Not Found</body></html>"
    yield "archive.jpg", b"PK\3\4" + bytes(60)
    yield "nothing.jpg", b""
    yield "one byte.tif", b"I"
    yield "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)


def chained_directories(count: int) -> bytes:
    """A TIFF whose pages lead from one to the next."""
    page = struct.pack("<H", 10) + b"".join(struct.pack("<HHII", *tag) for tag in gray_tiff())
    step = len(page) + 4
    pages = (page + struct.pack("<I", 8 + step * (place + 1)) for place in range(count))
    return b"II*\0" + struct.pack("<I", 8) + b"".join(pages)


def damaged_blocks(block: bytes, count: int) -> Iterator[bytes]:
    """A block of metadata with bytes exchanged or its end cut off, but with its first bytes."""
    random = np.random.default_rng(len(block))
    for _ in range(count):
        data = bytearray(block)
        for place in random.integers(8, len(data), 4):
            data[place] = random.choice([0, 1, 127, 255, random.integers(256)])
        yield bytes(data[: len(data) if random.random() < 0.7 else random.integers(8, len(data))])


def damaged_photos(photos: dict[str, bytes]) -> Iterator[tuple[str, bytes]]:
    """Each photo cut off, with bits turned over, with a stretch of noise, doubled in itself, and under a wrong name."""
    random = np.random.default_rng(2)
    for name, data in photos.items():
        suffix = SUFFIXES[name.split()[0]]
        for place in range(8):
            yield f"{name} cut {place}{suffix}", data[: random.integers(1, len(data))]
        for place in range(12):
            spoilt = bytearray(data)
            for where in random.integers(0, min(len(data), 600 if place % 2 else 10**6), 1 + place):
                spoilt[where] ^= 1 << random.integers(8)
            yield f"{name} bits {place}{suffix}", bytes(spoilt)
        for place in range(4):
            start = random.integers(4, len(data))
            yield f"{name} noise {place}{suffix}", data[:start] + random.bytes(40) + data[start + 40 :]
        yield f"{name} in itself{suffix}", data[: len(data) // 2] + data
        yield f"{name} wrong name{'.png' if suffix != '.png' else '.jpg'}", data
    for place in range(20):
        yield f"noise {place}.jpg", random.bytes(int(random.integers(1, 3000)))
        start = list(photos.values())[place % len(photos)][:12]
        yield f"start {place}.png", start + random.bytes(2000)


def malformed_files() -> dict[str, bytes]:
    photos = whole_photos()
    return dict(damaged_photos(photos)) | dict(built_by_hand(photos))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("malformed")
    for name, data in malformed_files().items():
        (path / name).write_bytes(data)
    return path


def test_sound_photos_are_read(tmp_path: Path) -> None:
    """Or what is damaged of them would test little."""
    for name, data in whole_photos().items():
        path = tmp_path / f"{name}{SUFFIXES[name.split()[0]]}"
        path.write_bytes(data)
        assert sorted(read_gray_photo(path).size) == [16, 24], name


def test_every_malformed_file_gives_a_picture_or_one_line(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    read, refused, strange = 0, 0, []
    for path in sorted(folder.iterdir()):
        start = time.perf_counter()
        try:
            scan = read_gray_photo(path)
        except (ValueError, FileNotFoundError) as error:
            refused += 1
            if not str(error).startswith(f"{path}: ") or not str(error).isprintable():
                strange.append(f"{path.name}: {error!r}")
        except Exception as error:
            strange.append(f"{path.name}: {error!r}")
        else:
            read += 1
            if not (scan.lightness.isfinite().all() and -0.1 <= scan.lightness.min() <= scan.lightness.max() <= 100.1):
                strange.append(f"{path.name}: lightness {scan.lightness.min()} to {scan.lightness.max()}")
            strange += [f"{path.name}: {line!r}" for line in scan.notices if not line.isprintable()]
        if time.perf_counter() - start > SECONDS:
            strange.append(f"{path.name}: {time.perf_counter() - start:.1f} s")
    assert not strange, "\n".join(strange)
    assert read + refused >= 500 and read >= 50 and refused >= 200
    assert capfd.readouterr() == ("", "")


def test_a_folder_of_them_is_gone_through(folder: Path, tmp_path: Path) -> None:
    """Every file becomes a picture or a failure; what could be read can also be written, metadata and all."""
    some = tmp_path / "some"
    some.mkdir()
    for path in sorted(folder.iterdir())[::4]:
        shutil.copy(path, some)
    result = colorize_files(FakeColorizer(), [some], ["a red wall"], PhotoOptions(tmp_path / "out"))
    assert len(result.written) + len(result.failed) == len(list(some.iterdir()))
    assert len(result.written) >= 50 and len(result.failed) >= 50
    for path in result.written:
        with Image.open(path) as picture:
            picture.load()
