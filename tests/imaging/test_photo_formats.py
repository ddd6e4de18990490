"""Formats that old photos come in: depth, color profiles, pages, phones; each to the right lightness and a picture."""

import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
import torch
from drawn_photos import FakeColorizer, gamma, gray_profile, gray_ramp, icc_profile, xyz
from PIL import ExifTags, Image, ImageCms

from lcoins.color.lab import split_lab
from lcoins.colorize.batch import BatchResult, PhotoOptions, colorize_files
from lcoins.colorize.jobs import PHOTO_SUFFIXES
from lcoins.colorize.photo import recompose_strips
from lcoins.imaging import decode
from lcoins.imaging.decode import PhotoError, load_photo, to_tensor
from lcoins.imaging.icc import srgb_profile
from lcoins.imaging.read import GrayPhoto, read_gray_photo
from lcoins.imaging.write import write_picture

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # under D50
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64)  # how such a file begins


def adobe_rgb() -> bytes:
    colorants = {f"{name}XYZ": xyz(*value) for name, value in zip("rgb", ADOBE_RGB, strict=True)}
    return icc_profile("RGB ", colorants | dict.fromkeys(("rTRC", "gTRC", "bTRC"), gamma(2.19921875)))


def lightness_of_light(linear: np.ndarray) -> np.ndarray:
    """CIE 1976."""
    return np.where(linear > 0.008856, 116 * np.cbrt(linear) - 16, 903.3 * linear)


def lightness_of_srgb(coded: np.ndarray) -> np.ndarray:
    """Of gray in [0, 1], IEC 61966-2-1."""
    return lightness_of_light(np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4))


def sixteen_bit_ramp() -> np.ndarray:
    """Every level of 16-bit gray, (256, 256)."""
    return np.arange(65536, dtype=np.uint16).reshape(256, 256)


def sixteen_bit_colors(height: int = 40, width: int = 60) -> np.ndarray:
    return np.random.default_rng(5).integers(0, 65536, (height, width, 3), dtype=np.uint16)


def read_lightness(path: Path, **options: bool) -> np.ndarray:
    return read_gray_photo(path, **options).lightness[0, 0].numpy()


def write_sixteen_bit_picture(path: Path, levels: np.ndarray, **metadata: Any) -> Path:
    """Levels (H, W, 3) as a PNG or TIFF, in strips of 7 rows."""
    height, width = levels.shape[:2]
    parts = (torch.from_numpy(levels[top : top + 7].astype(np.float32) / 65535) for top in range(0, height, 7))
    write_picture(path, GrayPhoto(torch.empty(1, 1, height, width), 16, metadata, ()), parts)
    return path


def colored(photo: Path, output: Path, sentence: str = "a red wall", **options: Any) -> BatchResult:
    return colorize_files(FakeColorizer(), [photo], [sentence], PhotoOptions(output, **options))


# Depth


@pytest.mark.parametrize("name", ["g.png", "g.tif"])
def test_16_bit_gray_is_read_at_its_full_depth(tmp_path: Path, name: str) -> None:
    Image.fromarray(sixteen_bit_ramp()).save(tmp_path / name)
    scan = read_gray_photo(tmp_path / name)
    assert (scan.bits, scan.size, scan.notices) == (16, (256, 256), ())
    assert np.abs(scan.lightness[0, 0].numpy() - lightness_of_srgb(sixteen_bit_ramp() / 65535)).max() < 0.01


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "zlib"},
        {"compression": "zlib", "byteorder": ">"},
        {"tile": (16, 32)},
        {"planarconfig": "separate"},
        {"planarconfig": "separate", "byteorder": ">"},
    ],
    ids=str,
)
def test_16_bit_color_of_a_tiff_is_read_at_its_full_depth(tmp_path: Path, options: dict[str, Any]) -> None:
    """Levels whose upper bytes are all alike, so that the lower ones are all there is to see."""
    levels = sixteen_bit_colors() % 256 + 30_000
    stored = np.moveaxis(levels, 2, 0) if "planarconfig" in options else levels
    tifffile.imwrite(tmp_path / "c.tif", stored.astype(np.uint16), photometric="rgb", **options)
    scan = read_gray_photo(tmp_path / "c.tif")
    assert (scan.bits, scan.size) == (16, (60, 40))
    middle = lightness_of_srgb(np.array(30_000 / 65535))
    found, expected = scan.lightness[0, 0].numpy(), lightness_of_srgb(levels @ [0.212671, 0.715160, 0.072169] / 65535)
    assert np.abs(found - expected).max() < 0.002 < 0.1 < np.abs(expected - middle).max()
    np.testing.assert_array_equal(np.asarray(load_photo(tmp_path / "c.tif")), levels >> 8)


def test_transparency_of_16_bits_lies_on_white(tmp_path: Path) -> None:
    levels = np.zeros((1, 3, 4), np.uint16)
    levels[0, :, 3] = 0, 32_768, 65_535
    tifffile.imwrite(tmp_path / "a.tif", levels, photometric="rgb", extrasamples=["unassalpha"])
    expected = lightness_of_srgb(np.array([[1.0, 1 - 32_768 / 65_535, 0.0]]))
    assert np.abs(read_lightness(tmp_path / "a.tif") - expected).max() < 0.01


def test_depth_that_cannot_be_kept_is_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "c.tif", np.zeros((4, 4, 4), np.uint16), photometric="separated")
    scan = read_gray_photo(tmp_path / "c.tif")
    assert (scan.bits, scan.notices) == (8, (f"{tmp_path / 'c.tif'}: of its 16 bits a channel the upper 8 were read",))
    assert scan.lightness.min() > 99


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_white_may_be_zero(tmp_path: Path, dtype: type[np.generic]) -> None:
    white = 1.0 if dtype is np.float32 else np.iinfo(dtype).max  # type: ignore[type-var]
    pixels = np.array([[0, white]]).astype(dtype)
    tifffile.imwrite(tmp_path / "n.tif", pixels, photometric="miniswhite")
    np.testing.assert_allclose(read_lightness(tmp_path / "n.tif"), [[100, 0]], atol=0.01)
    half = (pixels / 2).astype(dtype)
    tifffile.imwrite(tmp_path / "p.tif", half, photometric="miniswhite", iccprofile=gray_profile(1.0))
    np.testing.assert_allclose(read_lightness(tmp_path / "p.tif"), [[100, 76.07]], atol=0.5)  # half the light
    assert np.asarray(load_photo(tmp_path / "n.tif"))[0, :, 0].tolist() == [255, 0]


def test_gray_of_12_bits(tmp_path: Path) -> None:
    """Two pixels of 12 bits in three bytes: 4095 and 2048."""
    tags = [(256, 2), (257, 1), (258, 12), (259, 1), (262, 1), (273, 122), (277, 1), (278, 1), (279, 3)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    header = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    (tmp_path / "g.tif").write_bytes(header.ljust(122, b"\0") + bytes([0xFF, 0xF8, 0x00]) + bytes(8))
    expected = lightness_of_srgb(np.array([[1.0, 2048 / 4095]]))
    assert np.abs(read_lightness(tmp_path / "g.tif") - expected).max() < 0.05


def test_float_gray_is_read_at_its_full_depth(tmp_path: Path) -> None:
    pixels = (sixteen_bit_ramp() / 65535).astype(np.float32)
    Image.fromarray(pixels).save(tmp_path / "f.tif")
    assert np.abs(read_lightness(tmp_path / "f.tif") - lightness_of_srgb(pixels)).max() < 0.01


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_a_picture_of_16_bits_has_the_levels_it_was_given(tmp_path: Path, name: str) -> None:
    levels = sixteen_bit_colors(23, 31)
    path = write_sixteen_bit_picture(tmp_path / name, levels)
    if name == "out.tif":
        np.testing.assert_array_equal(tifffile.imread(path), levels)
    with Image.open(path) as picture:  # Pillow shows the upper byte
        np.testing.assert_array_equal(np.asarray(picture), levels >> 8)
    exact = lightness_of_light(((levels / 65535 + 0.055) / 1.055) ** 2.4 @ [0.212671, 0.715160, 0.072169])
    away_from_black = levels.min(axis=-1) > 0.04045 * 65535
    assert np.abs(read_lightness(path) - exact)[away_from_black].max() < 0.01


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_lightness_of_16_bits_comes_back_in_the_picture(tmp_path: Path, name: str) -> None:
    Image.fromarray(sixteen_bit_ramp()).save(tmp_path / "g.png")
    scan = read_gray_photo(tmp_path / "g.png")
    write_picture(tmp_path / name, scan, recompose_strips(scan.lightness, torch.zeros(1, 2, 4, 4)))
    again = read_gray_photo(tmp_path / name)
    assert again.bits == 16
    assert (again.lightness - scan.lightness).abs().max() < 0.005  # a level of 8 bits is 0.4


@pytest.mark.parametrize(
    ("photo", "output", "bits"),
    [
        ("g.png", "o.png", 16),
        ("g.tif", "o.tif", 16),
        ("g.png", "o.tif", 16),
        ("g.png", "o.jpg", 8),
        ("l.png", "o.png", 8),
    ],
)
def test_the_depth_of_a_picture_is_that_of_its_photo_where_the_format_has_it(
    tmp_path: Path, photo: str, output: str, bits: int
) -> None:
    pixels = sixteen_bit_ramp() if photo.startswith("g") else (sixteen_bit_ramp() >> 8).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / photo)
    colored(tmp_path / photo, tmp_path / output)
    assert read_gray_photo(tmp_path / output).bits == bits
    assert np.abs(read_lightness(tmp_path / output) - read_lightness(tmp_path / photo)).max() < (
        1.5 if bits == 8 else 0.01
    )


@pytest.mark.parametrize("name", ["out.png", "out.tif"])
def test_a_picture_of_16_bits_keeps_the_metadata(tmp_path: Path, name: str) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Artist] = "Grandmother"
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "1951:06:01 12:00:00"}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitude: (51.0, 30.0, 0.0)}
    Image.fromarray(sixteen_bit_ramp()[:100]).save(tmp_path / "g.tif", exif=exif.tobytes(), dpi=(600, 300))
    result = colored(tmp_path / "g.tif", tmp_path / name)
    assert not result.notices
    with Image.open(tmp_path / name) as picture:
        found = picture.getexif()
        assert picture.size == (100, 256)
        assert found[ExifTags.Base.Artist] == "Grandmother"
        assert found.get(ExifTags.Base.Orientation, 1) == 1
        assert found.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "1951:06:01 12:00:00"
        assert found.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (51.0, 30.0, 0.0)
        assert picture.info["dpi"] == pytest.approx((300, 600), rel=0.001)
        assert picture.info["icc_profile"] == srgb_profile()


def test_a_tiff_without_resolution_gets_none(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "g.tif", sixteen_bit_ramp(), photometric="minisblack", resolutionunit="none")
    assert "dpi" not in read_gray_photo(tmp_path / "g.tif").metadata


# Color profiles


@pytest.mark.parametrize("exponent", [1.8, 2.2])
@pytest.mark.parametrize(("bits", "tolerance"), [(8, 0.5), (16, 0.03)])
def test_the_curve_of_a_gray_profile_is_applied(tmp_path: Path, exponent: float, bits: int, tolerance: float) -> None:
    pixels = sixteen_bit_ramp() if bits == 16 else (sixteen_bit_ramp() >> 8).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "g.png", icc_profile=gray_profile(exponent))
    scan = read_gray_photo(tmp_path / "g.png")
    assert (scan.bits, scan.notices) == (bits, ())
    expected = lightness_of_light((pixels / np.iinfo(pixels.dtype).max) ** exponent)
    assert np.abs(scan.lightness[0, 0].numpy() - expected).max() < tolerance


@pytest.mark.parametrize("mode", ["LA", "L"])
def test_transparent_gray_keeps_its_profile(tmp_path: Path, mode: str) -> None:
    level, profile = Image.new("L", (8, 8), 55), gray_profile(1.0)
    level.save(tmp_path / "plain.png", icc_profile=profile)
    transparent = {"transparency": 200} if mode == "L" else {}
    level.convert(mode).save(tmp_path / "a.png", icc_profile=profile, **transparent)
    photo = read_gray_photo(tmp_path / "a.png")
    assert photo.notices == () and torch.equal(photo.lightness, read_gray_photo(tmp_path / "plain.png").lightness)
    assert load_photo(tmp_path / "a.png").tobytes() == load_photo(tmp_path / "plain.png").tobytes()


def test_a_wide_color_space_is_brought_to_srgb_at_8_bits_and_at_16_alike(tmp_path: Path) -> None:
    colors = (sixteen_bit_colors() >> 8).astype(np.uint8)
    Image.fromarray(colors).save(tmp_path / "c.png", icc_profile=adobe_rgb())
    tifffile.imwrite(tmp_path / "c.tif", colors.astype(np.uint16) * 257, photometric="rgb", iccprofile=adobe_rgb())
    Image.fromarray(colors).save(tmp_path / "plain.png")
    shallow, deep = read_lightness(tmp_path / "c.png"), read_lightness(tmp_path / "c.tif")
    assert read_gray_photo(tmp_path / "c.tif").bits == 16
    assert np.abs(shallow - deep).max() < 0.3  # of which 8 bits after the conversion explain 0.2
    assert np.abs(shallow - read_lightness(tmp_path / "plain.png")).max() > 2


def test_an_srgb_profile_changes_nothing_at_16_bits(tmp_path: Path) -> None:
    levels = sixteen_bit_colors()
    with_profile = write_sixteen_bit_picture(tmp_path / "p.png", levels, icc_profile=srgb_profile())
    np.testing.assert_array_equal(
        read_lightness(with_profile), read_lightness(write_sixteen_bit_picture(tmp_path / "n.png", levels))
    )


def table_profile() -> bytes:
    """An RGB profile of a table in place of curves: L* is 100 times the mean of the channels, a and b are 0."""
    straight = struct.pack(">HH", 0, 65535) * 3
    corners = b"".join(
        struct.pack(">HHH", (red + green + blue) * 0xFF00 // 3, 0x8000, 0x8000)
        for red in (0, 1)
        for green in (0, 1)
        for blue in (0, 1)
    )
    matrix = (round(value * 65536) for value in np.eye(3).flatten())
    head = b"mft2" + struct.pack(">IBBBB9iHH", 0, 3, 3, 2, 0, *matrix, 2, 2)
    profile = icc_profile("RGB ", {"A2B0": head + straight + corners + straight})
    return profile.replace(b"XYZ ", b"Lab ", 1)  # the space it leads to; the next is the white point's


def test_a_profile_of_tables_is_applied_to_8_of_16_bits(tmp_path: Path) -> None:
    levels = np.full((4, 6, 3), 32_896, np.uint16)
    tifffile.imwrite(tmp_path / "c.tif", levels, photometric="rgb", iccprofile=table_profile())
    scan = read_gray_photo(tmp_path / "c.tif")
    assert scan.bits == 8
    assert "c.tif: its color profile was applied to 8 of the 16 bits" in scan.notices[0]
    assert (scan.lightness - 50.2).abs().max() < 0.5  # as sRGB it would be 53.6


@pytest.mark.parametrize("name", ["p.png", "p.tif", "p.jpg", "p.webp"])
@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        (b"not a profile" * 20, "it is damaged"),
        (srgb_profile()[:300], "it is damaged"),
        (b"", ""),
        ("gray", "'GRAY' pixels"),
    ],
    ids=["text", "cut", "none", "of another mode"],
)
def test_a_profile_that_cannot_be_applied_is_said(tmp_path: Path, name: str, profile: bytes, reason: str) -> None:
    data = gray_profile(2.2) if profile == "gray" else profile  # type: ignore[comparison-overlap]
    gray_ramp().convert("RGB").save(tmp_path / name, icc_profile=data)
    result = colored(tmp_path / name, tmp_path / "out.png")
    assert result.written
    if reason:
        (notice,) = result.notices
        assert f"{name}: its color profile was left out: it is" in notice and reason in notice
    else:
        assert not result.notices


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.tif", "out.webp"])
def test_the_picture_says_that_it_is_srgb(tmp_path: Path, name: str) -> None:
    gray_ramp().save(tmp_path / "g.png", icc_profile=gray_profile(1.8))
    colored(tmp_path / "g.png", tmp_path / name)
    with Image.open(tmp_path / name) as picture:
        profile = ImageCms.ImageCmsProfile(BytesIO(picture.info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert np.abs(read_lightness(tmp_path / name) - read_lightness(tmp_path / "g.png")).mean() < 1


# Orientation


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["o.jpg", "o.png", "o.tif", "deep.png", "deep.tif"])
def test_lightness_is_upright(tmp_path: Path, name: str, orientation: int) -> None:
    """As :func:`load_photo` turns it, which has tests of its own."""
    pixels = np.linspace(0, 60_000, 30 * 17).reshape(17, 30).astype(np.uint16)
    image = Image.fromarray(pixels if name.startswith("deep") else (pixels >> 8).astype(np.uint8))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image.save(tmp_path / name, exif=exif)
    expected = split_lab(to_tensor(load_photo(tmp_path / name))[None])[0][0, 0].numpy()
    found = read_lightness(tmp_path / name)
    assert found.shape == ((30, 17) if orientation > 4 else (17, 30))
    assert np.abs(found - expected).max() < 0.3


def test_16_bit_color_is_upright(tmp_path: Path) -> None:
    levels = sixteen_bit_colors(10, 6)
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    turned = write_sixteen_bit_picture(tmp_path / "t.png", np.rot90(levels), exif=exif.tobytes())
    np.testing.assert_array_equal(
        read_lightness(turned), read_lightness(write_sixteen_bit_picture(tmp_path / "u.png", levels))
    )


# Pages, frames, and kinds of TIFF


@pytest.mark.parametrize("name", ["m.tif", "m.gif", "m.webp", "m.png", "m.avif", "m.mpo"])
def test_of_several_pictures_the_first_is_taken_and_that_is_said(tmp_path: Path, name: str) -> None:
    first, second = Image.new("L", (20, 10), 200), Image.new("L", (20, 10), 10)
    options = {"quality": 100} if name == "m.avif" else {}
    first.save(tmp_path / name, save_all=True, append_images=[second], **options)
    scan = read_gray_photo(tmp_path / name)
    assert scan.notices == (f"{tmp_path / name}: holds several pictures; the first was taken",)
    assert (scan.lightness - 80.6).abs().max() < 1
    first.save(tmp_path / f"one_{name}")
    assert not read_gray_photo(tmp_path / f"one_{name}").notices


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "F"])
def test_every_kind_of_tiff_has_the_lightness_of_its_8_bit_picture(tmp_path: Path, mode: str) -> None:
    ramp = gray_ramp().convert("RGB")
    if mode == "LAB":
        profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(ramp, *profiles, outputMode="LAB")
    elif mode in ("I;16", "F"):
        image = Image.fromarray(
            (np.asarray(ramp)[..., 0] / 255 * (1 if mode == "F" else 65535)).astype(
                np.float32 if mode == "F" else np.uint16
            )
        )
    else:
        image = ramp.convert(mode)
    assert image is not None
    image.save(tmp_path / "k.tif")
    expected = split_lab(to_tensor(load_photo(tmp_path / "k.tif"))[None])[0][0, 0].numpy()
    assert np.abs(read_lightness(tmp_path / "k.tif") - expected).max() < 0.3


def test_a_tiff_of_a_kind_that_is_not_read_says_so(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "f.tif", np.zeros((5, 5, 3), np.float32), photometric="rgb")
    with pytest.raises(PhotoError, match=r"f\.tif: unreadable photo: a TIFF of a kind that is not read"):
        read_gray_photo(tmp_path / "f.tif")


@pytest.mark.skipif(not decode.Image.core or "AVIF" not in Image.OPEN, reason="Pillow without AVIF")
def test_avif_becomes_a_jpeg(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "a.avif")
    result = colorize_files(FakeColorizer(), [tmp_path / "a.avif"], ["a red wall"])
    assert result.written == [tmp_path / "a_colorized.jpg"]


# Photos of phones


def test_heic_is_read_and_written_as_jpeg(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Grandmother"
    heif = pillow_heif.from_pillow(gray_ramp(160, 120).convert("RGB"))
    heif.info["exif"] = exif.tobytes()
    heif.save(tmp_path / "phone.heic", quality=95)
    result = colorize_files(FakeColorizer(), [tmp_path / "phone.heic"], ["a red wall"])
    assert result.written == [tmp_path / "phone_colorized.jpg"]
    with Image.open(result.written[0]) as picture:
        assert (picture.format, picture.getexif()[ExifTags.Base.Artist]) == ("JPEG", "Grandmother")
        pixels = np.asarray(picture.convert("L")).astype(int)
    assert max(picture.size) == 160 and abs(pixels.max() - pixels.min()) > 100
    folder = colorize_files(FakeColorizer(), [tmp_path], ["a red wall"], PhotoOptions(tmp_path / "out"))
    assert tmp_path / "out" / "phone.heic.jpg" in folder.written


def test_without_its_library_an_heic_photo_names_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without = tuple(name for name in decode.readable_formats() if name != "HEIF")
    monkeypatch.setattr(decode, "readable_formats", lambda: without)
    (tmp_path / "phone.heic").write_bytes(HEIC)
    with pytest.raises(PhotoError, match=r"phone\.heic: HEIC photo: .*; pip install 'lcoins\[heif\]'$"):
        read_gray_photo(tmp_path / "phone.heic")
    assert {".heic", ".heif"} <= PHOTO_SUFFIXES


# Size


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/zero")
def test_a_device_is_no_photo() -> None:
    with pytest.raises(FileNotFoundError, match="no such photo"):
        read_gray_photo(Path("/dev/zero"))
