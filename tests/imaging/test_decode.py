"""Decoding: every mode gives the right pixels upright, and every damaged file a PhotoError, never anything else."""

import pickle
import struct
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from lcoins.imaging.decode import PhotoError, check_photo, load_photo, to_tensor

# Four flat quarters: red and green above, blue and white below. Wide, so that a turn shows.
WIDTH, HEIGHT = 64, 32
QUARTERS = {(16, 8): (255, 0, 0), (48, 8): (0, 255, 0), (16, 24): (0, 0, 255), (48, 24): (255, 255, 255)}


def quarters() -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT))
    for (x, y), color in QUARTERS.items():
        image.paste(color, (x - 16, y - 8, x + 16, y + 8))
    return image


def ramp() -> np.ndarray:
    """Gray 0..255 from left to right, (8, 256) uint8."""
    return np.tile(np.arange(256, dtype=np.uint8), (8, 1))


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved(folder: Path, image: Image.Image, name: str, **options: Any) -> Path:
    image.save(folder / name, **options)
    return folder / name


def pixel(image: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = image.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def assert_quarters(image: Image.Image, tolerance: int = 0) -> None:
    assert (image.mode, image.size) == ("RGB", (WIDTH, HEIGHT))
    for place, color in QUARTERS.items():
        assert np.abs(np.subtract(pixel(image, *place), color)).max() <= tolerance, place


@pytest.mark.parametrize(
    ("mode", "name", "tolerance"),
    [
        ("RGB", "q.png", 0),
        ("RGB", "q.bmp", 0),
        ("RGB", "q.tif", 0),
        ("RGB", "q.ppm", 0),
        ("RGB", "q.jpg", 4),
        ("RGB", "q.jp2", 0),
        ("RGBA", "q.png", 0),
        ("P", "q.png", 0),
        ("P", "q.gif", 0),
        ("CMYK", "q.jpg", 4),
        ("CMYK", "q.tif", 0),
        ("YCbCr", "q.jpg", 4),
    ],
)
def test_every_color_mode_keeps_its_colors(tmp_path: Path, mode: str, name: str, tolerance: int) -> None:
    image = quarters()
    converted = image.convert(mode, palette=Image.Palette.ADAPTIVE) if mode == "P" else image.convert(mode)
    options = {"quality": 95, "subsampling": 0} if name.endswith("jpg") else {}
    assert_quarters(load_photo(saved(tmp_path, converted, name, **options)), tolerance)


def test_lab_tiff(tmp_path: Path) -> None:
    """Not at the edge of the gamut, where the 8 bits of a* and b* are too coarse to compare."""
    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    lab = ImageCms.profileToProfile(Image.new("RGB", (8, 8), (180, 120, 90)), *profiles, outputMode="LAB")
    assert lab is not None
    loaded = load_photo(saved(tmp_path, lab, "lab.tif"))
    assert np.abs(np.subtract(pixel(loaded, 0, 0), (180, 120, 90))).max() <= 3


@pytest.mark.parametrize("name", ["g.png", "g.tif", "g.jpg"])
def test_gray_is_repeated(tmp_path: Path, name: str) -> None:
    options = {"quality": 100} if name.endswith("jpg") else {}
    loaded = load_photo(saved(tmp_path, Image.fromarray(ramp()), name, **options))
    assert loaded.mode == "RGB"
    gap = np.asarray(loaded).astype(int) - ramp()[..., None]
    assert np.abs(gap).max() <= (1 if name.endswith("jpg") else 0)


@pytest.mark.parametrize("name", ["g.png", "g.tif"])
def test_16_bit_gray_is_scaled_not_clipped(tmp_path: Path, name: str) -> None:
    deep = ramp().astype(np.uint16) * 257
    loaded = np.asarray(load_photo(saved(tmp_path, Image.fromarray(deep), name)))
    np.testing.assert_array_equal(loaded, np.repeat(ramp()[..., None], 3, axis=2))


def test_16_bit_gray_is_rounded_to_the_nearest_level(tmp_path: Path) -> None:
    deep = np.array([[0, 128, 129, 257, 385, 386, 65535 - 128, 65535 - 129]], dtype=np.uint16)
    loaded = np.asarray(load_photo(saved(tmp_path, Image.fromarray(deep), "g.png")))
    assert loaded[0, :, 0].tolist() == [0, 0, 1, 1, 1, 2, 255, 254]


def test_big_endian_16_bit_tiff(tmp_path: Path) -> None:
    image = Image.frombytes("I;16B", (256, 8), (ramp().astype(">u2") * 257).astype(">u2").tobytes())
    loaded = np.asarray(load_photo(saved(tmp_path, image, "g.tif")))
    np.testing.assert_array_equal(loaded[..., 1], ramp())


def test_16_bit_color_png(tmp_path: Path) -> None:
    """Pillow cannot write it, so the chunks are written here."""
    deep = (np.asarray(quarters()).astype(">u2") * 257).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in deep)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, 2, 0, 0, 0)
    path = tmp_path / "q.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    assert_quarters(load_photo(path))


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def test_float_gray_of_0_to_1(tmp_path: Path) -> None:
    loaded = load_photo(saved(tmp_path, Image.fromarray(ramp().astype(np.float32) / 255), "g.tif"))
    np.testing.assert_array_equal(np.asarray(loaded)[..., 2], ramp())


@pytest.mark.parametrize(
    "pixels",
    [
        np.array([row], kind)
        for row, kind in (([0, 255], "f4"), ([0, np.nan], "f4"), ([-1, 1], "f4"), ([0, 70_000], "i4"))
    ],
    ids=["0 to 255", "nan", "negative", "32 bit"],
)
def test_deep_gray_without_a_known_white_is_refused(tmp_path: Path, pixels: np.ndarray) -> None:
    path = saved(tmp_path, Image.fromarray(pixels), "g.tif")
    with pytest.raises(PhotoError, match="which value is white is unknown"):
        load_photo(path)


def test_one_bit(tmp_path: Path) -> None:
    loaded = load_photo(saved(tmp_path, quarters().convert("1", dither=Image.Dither.NONE), "b.png"))
    assert [pixel(loaded, *place)[0] for place in QUARTERS] == [0, 255, 0, 255]


def test_transparency_lies_on_white_whatever_hides_under_it(tmp_path: Path) -> None:
    hidden = Image.new("RGBA", (3, 1))
    for x, alpha in enumerate((0, 128, 255)):
        hidden.putpixel((x, 0), (200, 0, 0, alpha))
    loaded = load_photo(saved(tmp_path, hidden, "t.png"))
    assert [pixel(loaded, x, 0) for x in range(3)] == [(255, 255, 255), (227, 127, 127), (200, 0, 0)]
    gray = load_photo(saved(tmp_path, hidden.convert("LA"), "la.png"))
    assert [pixel(gray, x, 0)[0] for x in (0, 2)] == [255, 60]


def test_transparency_in_a_palette(tmp_path: Path) -> None:
    image = Image.new("P", (3, 1))
    image.putpalette([200, 0, 0, 0, 200, 0, 0, 0, 200])
    for x in range(3):
        image.putpixel((x, 0), x)
    one = load_photo(saved(tmp_path, image, "one.png", transparency=1))
    assert [pixel(one, x, 0) for x in range(3)] == [(200, 0, 0), (255, 255, 255), (0, 0, 200)]
    several = load_photo(saved(tmp_path, image, "several.png", transparency=bytes([0, 255, 0])))
    assert [pixel(several, x, 0) for x in range(3)] == [(255, 255, 255), (0, 200, 0), (255, 255, 255)]


# How each EXIF orientation is stored: the turn that undoes the one the reader must make (EXIF 2.32, 4.6.4).
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", [1, *STORED, 9])
@pytest.mark.parametrize("name", ["o.jpg", "o.png", "o.tif", "o.webp"])
def test_exif_orientation_is_applied_once(tmp_path: Path, name: str, orientation: int) -> None:
    image = quarters()
    if orientation in STORED:
        image = image.transpose(STORED[orientation])
    exif = Image.Exif()
    exif[0x0112] = orientation
    options: dict[str, Any] = {"lossless": True} if name == "o.webp" else {}
    if name == "o.jpg":
        options = {"quality": 95, "subsampling": 0}
    assert_quarters(load_photo(saved(tmp_path, image, name, exif=exif, **options)), 4)


def test_a_color_profile_is_converted_unless_told_otherwise(tmp_path: Path) -> None:
    """A profile whose red and blue primaries are exchanged, so that stored red means blue."""
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exchanged = srgb.replace(b"rXYZ", b"_XYZ", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"_XYZ", b"bXYZ", 1)
    image = Image.new("RGB", (8, 8), (255, 0, 0))
    path = saved(tmp_path, image, "p.png", icc_profile=exchanged)
    assert np.abs(np.subtract(pixel(load_photo(path), 0, 0), (0, 0, 255))).max() <= 3
    assert pixel(load_photo(path, profile=False), 0, 0) == (255, 0, 0)


@pytest.mark.parametrize("profile", ["srgb", "damaged", "of another mode", "wrong tag"])
def test_a_profile_that_says_nothing_leaves_the_pixels_alone(tmp_path: Path, profile: str) -> None:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image = quarters().convert("CMYK") if profile == "of another mode" else quarters()
    data = {"damaged": srgb[: len(srgb) // 2], "wrong tag": srgb.replace(b"rTRC", b"xxxx")}.get(profile, srgb)
    assert_quarters(load_photo(saved(tmp_path, image, "p.tif", icc_profile=data)))


def test_a_large_jpeg_is_decoded_small_but_never_below_the_size_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path, quarters().resize((640, 320)), "q.jpg", quality=95)
    assert load_photo(path).size == (640, 320)
    assert load_photo(path, (300, 150)).size == (640, 320)  # whichever way up it is stored
    assert load_photo(path, (160, 160)).size == (320, 160)
    assert load_photo(path, (161, 161)).size == (640, 320)
    assert load_photo(path, (1, 1)).size == (80, 40)
    assert load_photo(saved(tmp_path, quarters(), "q.png"), (1, 1)).size == (WIDTH, HEIGHT)


def photo_bytes() -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return encoded(Image.fromarray(noise), "JPEG")


@pytest.mark.parametrize("reader", [load_photo, check_photo])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("lost", [2, 20, 2000])
def test_a_truncated_jpeg_is_refused(
    tmp_path: Path, reader: Callable[[Path], object], progressive: bool, lost: int
) -> None:
    image = Image.open(BytesIO(photo_bytes()))
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded(image, "JPEG", progressive=progressive)[:-lost])
    with pytest.raises(PhotoError, match=r"cut\.jpg: truncated photo") as caught:
        reader(path)
    assert caught.value.kind == "truncated photo"
    assert "again" in caught.value.advice


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("text.jpg", b"<html>404 Not Found</html>", "unreadable photo"),
        ("empty.jpg", b"", "empty file"),
        ("header.jpg", photo_bytes()[:40], "unreadable photo"),
        ("cut.png", encoded(Image.effect_noise((64, 64), 50), "PNG")[:-400], "truncated photo"),
        ("cut.webp", encoded(quarters(), "WEBP")[:-20], "unreadable photo"),
        ("cut.gif", encoded(quarters(), "GIF")[:-20], "truncated photo"),
        ("cut.tif", encoded(quarters(), "TIFF")[:-400], "truncated photo"),
        ("script.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "unreadable photo"),
    ],
)
def test_what_is_no_whole_photo_is_named(tmp_path: Path, name: str, data: bytes, kind: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    for reader in (load_photo, check_photo):
        with pytest.raises(ValueError, match=f"{name}: ") as caught:
            reader(path)
        assert isinstance(caught.value, PhotoError)
        assert caught.value.kind == kind
        assert caught.value.advice in str(caught.value)


def test_a_missing_photo_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none.jpg", tmp_path, tmp_path / "none" / "none.jpg"):
        with pytest.raises(FileNotFoundError, match="no such photo"):
            load_photo(path)
    with pytest.raises(PhotoError, match="unreadable file"):
        load_photo(tmp_path / ("x" * 300 + ".jpg"))


@pytest.mark.parametrize("side", [15_000, 60_000])
def test_huge_dimensions_are_refused_before_decoding(tmp_path: Path, side: int) -> None:
    """A header alone, a few bytes, announcing more pixels than memory may hold."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path = tmp_path / "huge.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    with pytest.raises(PhotoError, match=r"photo too large: .*200,000,000 pixels"):
        load_photo(path)


def test_the_bound_on_pixels_is_the_callers(tmp_path: Path) -> None:
    path = saved(tmp_path, quarters(), "q.png")
    assert load_photo(path, max_pixels=WIDTH * HEIGHT).size == (WIDTH, HEIGHT)
    with pytest.raises(PhotoError, match="64 x 32 is more than 2,047 pixels"):
        load_photo(path, max_pixels=WIDTH * HEIGHT - 1)


def test_a_photo_error_survives_the_way_between_processes() -> None:
    error = PhotoError("x.jpg: damaged photo")
    error.kind = "empty file"
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.kind) == (str(error), "empty file")


def seeds() -> dict[str, bytes]:
    small, exif = quarters().resize((24, 12)), Image.Exif()
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return {
        "jpeg": encoded(small, "JPEG", exif=exif, icc_profile=profile),
        "cmyk": encoded(small.convert("CMYK"), "JPEG"),
        "png": encoded(small.convert("RGBA"), "PNG", exif=exif),
        "palette": encoded(small.convert("P"), "PNG", transparency=3),
        "deep": encoded(Image.fromarray(ramp().astype(np.uint16) * 257), "PNG"),
        "webp": encoded(small, "WEBP", exif=exif),
        "gif": encoded(small, "GIF"),
        "bmp": encoded(small, "BMP"),
        "tiff": encoded(small, "TIFF", exif=exif),
    }


SEEDS = seeds()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(
    kind=st.sampled_from(sorted(SEEDS)),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=4),
)
def test_any_damage_gives_a_picture_or_a_photo_error(
    tmp_path: Path, kind: str, keep: float, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(SEEDS[kind])
    for place, value in changes:
        data[int(place * len(data))] = value
    path = tmp_path / "damaged"
    path.write_bytes(bytes(data[: int(keep * len(data))]))
    try:
        picture = load_photo(path)
    except PhotoError as error:
        assert str(path) in str(error)
    else:
        assert picture.mode == "RGB"


def test_a_tensor_has_the_pixels_in_order_and_its_own_memory() -> None:
    image = quarters()
    tensor = to_tensor(image)
    assert (tensor.shape, tensor.dtype, tensor.is_contiguous()) == ((3, HEIGHT, WIDTH), torch.float32, True)
    np.testing.assert_array_equal((tensor * 255).round().byte().permute(1, 2, 0).numpy(), np.asarray(image))
    with pytest.raises(ValueError, match="expected a picture of mode RGB, got L"):
        to_tensor(image.convert("L"))
