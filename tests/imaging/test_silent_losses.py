"""What a picture shows otherwise than the photo's viewer did, or lacks of its file, is said, and no more is lost."""

import struct
from pathlib import Path

import numpy as np
import pytest
from drawn_photos import FakeColorizer, gray_ramp
from PIL import ExifTags, Image, TiffImagePlugin
from PIL.PngImagePlugin import PngInfo

from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.imaging.decode import is_transparent, load_photo
from lcoins.imaging.read import read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS

TEXT = "capté à Zürich ✓"


def with_gamma(path: Path, image: Image.Image, gamma: float, **chunks: bytes) -> Path:
    info = PngInfo()
    info.add(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    for name, content in chunks.items():
        info.add(name.encode(), content)
    image.save(path, pnginfo=info)
    return path


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("gamma", "level"), [(1.0, 0.7353), (0.45455, 0.5), (0.22727, 0.2412), (0.0, 0.5)])
def test_a_png_looks_as_in_a_browser(tmp_path: Path, bits: int, gamma: float, level: float) -> None:
    pixels = np.full((6, 5), 0.5 * (2**bits - 1), np.uint16 if bits == 16 else np.uint8)
    path = with_gamma(tmp_path / "g.png", Image.fromarray(pixels), gamma)
    expected = read_gray_photo(plain(tmp_path, round(level * 65535))).lightness
    assert (read_gray_photo(path).lightness - expected).abs().max() < 0.4
    if bits == 8:
        assert abs(load_photo(path).getpixel((0, 0))[0] - 255 * level) <= 1  # type: ignore[index]
        assert load_photo(path, profile=False).getpixel((0, 0)) == (127, 127, 127)


def plain(folder: Path, level: int) -> Path:
    Image.fromarray(np.full((6, 5), level, np.uint16)).save(folder / "plain.png")
    return folder / "plain.png"


def test_an_srgb_chunk_counts_for_more_than_gamma(tmp_path: Path) -> None:
    path = with_gamma(tmp_path / "g.png", Image.new("RGB", (4, 4), (127, 127, 127)), 1.0, sRGB=b"\0")
    assert load_photo(path).getpixel((0, 0)) == (127, 127, 127)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "RGB"])
@pytest.mark.parametrize("transparent", [True, False])
def test_transparency_is_named_where_there_is_any(tmp_path: Path, mode: str, transparent: bool) -> None:
    image = Image.new("RGBA", (90, 90), (10, 20, 30, 255))
    if transparent:
        image.putpixel((80, 80), (255, 0, 0, 100))
    if mode in ("P", "RGB"):
        image = image.convert("RGB").convert(mode)
        value = image.getpixel((80, 80)) if transparent else 250 if mode == "P" else (1, 2, 3)
        image.save(tmp_path / "t.png", transparency=value)
    else:
        image.convert(mode).save(tmp_path / "t.png")
    with Image.open(tmp_path / "t.png") as opened:
        assert is_transparent(opened) is transparent
    notices = read_gray_photo(tmp_path / "t.png").notices
    assert [notice for notice in notices if "lie on white" in notice] == [
        f"{tmp_path / 't.png'}: its transparent parts lie on white in the picture"
    ] * transparent


def exif_with_texts() -> Image.Exif:
    stored = TEXT.encode().decode("latin-1")  # as a camera writes it, and as Pillow reads it

    class Stored(str):
        def encode(self, encoding: str = "", errors: str = "") -> bytes:
            return str.encode(self, "latin-1")

    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = Stored(stored)
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.LensModel: Stored(stored), ExifTags.Base.ISOSpeedRatings: 200}
    return exif


@pytest.mark.parametrize("suffix", [*OUTPUT_FORMATS, "deep.png", "deep.tif"])
def test_texts_keep_their_letters(tmp_path: Path, suffix: str) -> None:
    image = Image.fromarray(np.full((40, 60), 30_000, np.uint16)) if "deep" in suffix else gray_ramp()
    photo = tmp_path / "photo.png"
    image.save(photo, exif=exif_with_texts())
    target = tmp_path / f"out{suffix if suffix.startswith('.') else '.' + suffix.split('.')[1]}"
    result = colorize_files(FakeColorizer(), [photo], ["a red wall"], PhotoOptions(target))
    assert not result.notices
    with Image.open(target) as opened:
        exif = opened.getexif()
        found = (exif[ExifTags.Base.ImageDescription], exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.LensModel])
        assert [text.encode("latin-1").decode() for text in found] == [TEXT, TEXT]
        assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ISOSpeedRatings] == 200


def test_one_damaged_tag_costs_itself_alone(tmp_path: Path) -> None:
    exif = exif_with_texts()
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSAltitude: 12.0}
    content = bytearray(exif.tobytes())
    altitude = content.index(struct.pack(">HHI", ExifTags.GPS.GPSAltitude, TiffImagePlugin.TiffTags.RATIONAL, 1))
    content[altitude + 2 : altitude + 12] = struct.pack(">HI4s", TiffImagePlugin.TiffTags.ASCII, 4, b"high")
    gray_ramp().save(tmp_path / "photo.jpg", exif=bytes(content))
    scan = read_gray_photo(tmp_path / "photo.jpg")
    (notice,) = scan.notices
    assert notice == f"{tmp_path / 'photo.jpg'}: damaged parts of its metadata were left out: GPSAltitude"
    exif = Image.Exif()
    exif.load(scan.metadata["exif"])
    assert exif.get_ifd(ExifTags.IFD.GPSInfo) == {ExifTags.GPS.GPSLatitudeRef: "N"}
    assert ExifTags.Base.ImageDescription in exif
