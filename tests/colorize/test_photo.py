"""Coloring photos: the photo's own size and lightness stay, files are read and written with care."""

import os
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_photos import NETWORK_AB, FakeColorizer, as_lab, drawn_photo, gray_ramp, some_exif
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin

from lcoins.color import lab
from lcoins.colorize.batch import PhotoOptions, colorize_files
from lcoins.colorize.jobs import Job
from lcoins.colorize.photo import colorize_photo, recompose
from lcoins.imaging.icc import srgb_profile


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99), st.sampled_from(sorted(NETWORK_AB)))
def test_size_and_lightness_stay_however_extreme_the_colors(width: int, height: int, seed: int, color: str) -> None:
    photo = drawn_photo(width, height, seed)
    picture = colorize_photo(FakeColorizer(noise=1.0), photo, f"a {color} wall")
    assert picture.size == photo.size and picture.mode == "RGB"
    assert (as_lab(picture)[0] - as_lab(photo)[0]).abs().max() < 0.6


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (500, 3)])
def test_odd_sizes(size: tuple[int, int]) -> None:
    picture = colorize_photo(FakeColorizer(), drawn_photo(*size), "a red wall")
    assert picture.size == size


def test_the_colors_are_the_networks() -> None:
    photo = Image.new("RGB", (30, 20), (120, 120, 120))
    colorizer = FakeColorizer()
    ab = as_lab(colorize_photo(colorizer, photo, "  a   gray wall\n"))[1]
    assert ab.abs().max() < 0.5
    assert colorizer.asked[0][1] == "a gray wall"
    red = as_lab(colorize_photo(colorizer, photo, "a red wall"))[1]
    network_ab = torch.tensor(NETWORK_AB["red"]).view(1, 2, 1, 1).expand(1, 2, 20, 30)
    expected = lab.fit_gamut(as_lab(photo)[0], lab.from_network_ab(network_ab))
    assert (red - expected).abs().max() < 1.0


def test_the_network_sees_the_whole_photo_squashed() -> None:
    photo = Image.fromarray(np.repeat(np.array([[0, 255]], np.uint8), 100, axis=1).repeat(50, axis=0)).convert("RGB")
    colorizer = FakeColorizer()
    colorize_photo(colorizer, photo, "a red wall")
    seen = colorizer.asked[0][0]
    assert seen.shape == (1, 1, 8, 8)
    torch.testing.assert_close(seen[0, 0, :, 0], torch.full((8,), -1.0), atol=1e-4, rtol=0)
    torch.testing.assert_close(seen[0, 0, :, -1], torch.full((8,), 1.0), atol=1e-4, rtol=0)


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 60), st.integers(1, 60), st.integers(1, 12), st.integers(1, 900))
def test_strips_give_the_picture_of_the_whole(width: int, height: int, side: int, strip_pixels: int) -> None:
    # Not for a width of 1, where PyTorch 2.14 itself repeats the first row when it resizes with antialias.
    random = torch.Generator().manual_seed(width * 61 + height)
    lightness = torch.rand(1, 1, height, width, generator=random) * 100
    ab = (torch.rand(1, 2, side, side, generator=random) - 0.5) * 200
    whole_ab = lab.fit_gamut(lightness, lab.resize_ab(ab, (height, width)))
    whole = (lab.join_lab(lightness, whole_ab)[0] * 255).permute(1, 2, 0)
    picture = np.array(recompose(lightness, ab, strip_pixels=strip_pixels))
    # Half a level of rounding, and a last step of the gamut's bisection that may fall either way.
    assert np.abs(picture - whole.numpy()).max() <= 0.5 + 0.1


def test_strength_scales_ab_before_the_gamut() -> None:
    lightness, ab = torch.full((1, 1, 6, 9), 60.0), torch.tensor([20.0, -12.0]).view(1, 2, 1, 1)
    slope = torch.full((1, 2, 1, 1), 5.0)
    plain = recompose(lightness, ab, slope)
    assert recompose(lightness, ab, slope, strength=1.0).tobytes() == plain.tobytes()
    for strength in (0.0, 0.5, 1.5):
        expected = strength * (ab + slope * 0.6)
        assert (as_lab(recompose(lightness, ab, slope, strength=strength))[1] - expected).abs().max() < 0.6
    for strength in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="strength of color"):
            recompose(lightness, ab, strength=strength)


def test_refuses_what_it_cannot_color() -> None:
    with pytest.raises(ValueError, match="empty"):
        colorize_photo(FakeColorizer(), drawn_photo(4, 4), " \n")
    with pytest.raises(ValueError, match="mode 'L'"):
        colorize_photo(FakeColorizer(), gray_ramp(), "a red wall")
    with pytest.raises(ValueError, match="not finite"):
        colorize_photo(FakeColorizer(noise=float("nan")), drawn_photo(4, 4), "a red wall")


@pytest.mark.parametrize("name", ["old.jpg", "old.png", "old.tif", "old.webp", "OLD.JPEG", "old.bmp"])
def test_a_gray_photo_gets_a_picture_beside_it(tmp_path: Path, name: str) -> None:
    gray_ramp().save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    result = colorize_files(FakeColorizer(), [tmp_path / name], ["a red wall"])
    stem, suffix = name.rsplit(".", 1)
    expected = tmp_path / f"{stem}_colorized.{suffix.replace('bmp', 'png')}"
    assert result.written == [expected] and not result.notices and not result.failed
    with Image.open(expected) as picture:
        assert picture.size == (40, 30) and picture.mode == "RGB"
        assert as_lab(picture)[1][0, 0].mean() > 20
    assert (tmp_path / name).read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 2


def test_sixteen_bit_gray_keeps_its_lightness(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(0, 65535, 60).astype(np.uint16), (10, 1))
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    colorize_files(FakeColorizer(), [tmp_path / "deep.png"], ["a gray wall"], PhotoOptions(output=tmp_path / "out.png"))
    with Image.open(tmp_path / "out.png") as picture:
        assert np.abs(np.array(picture)[..., 0] - ramp / 257.0).max() <= 1


def test_a_jpeg_keeps_full_color_resolution(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "old.jpg")
    colorize_files(FakeColorizer(), [tmp_path / "old.jpg"], ["a red wall"])
    with Image.open(tmp_path / "old_colorized.jpg") as picture:
        assert JpegImagePlugin.get_sampling(picture) == 0


def portrait_with_metadata(path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Grandmother"
    if path.suffix != ".tif":  # where it would be true
        exif[ExifTags.Base.ImageWidth] = 9999
    exif[ExifTags.IFD.Exif] = {
        ExifTags.Base.DateTimeOriginal: "1951:06:01 12:00:00",
        ExifTags.Base.ExifImageWidth: 40,
        ExifTags.Base.ExifImageHeight: 30,
        ExifTags.Base.MakerNote: b"x" * 100,
    }
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (51.0, 30.0, 0.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = gray_ramp().convert("RGB")
    photo.save(path, exif=exif.tobytes(), dpi=(300, 150), icc_profile=profile)


@pytest.mark.parametrize("source", ["jpg", "png", "tif", "webp"])
@pytest.mark.parametrize("target", ["jpg", "png", "tif", "webp"])
def test_metadata_travels_and_the_picture_is_upright(tmp_path: Path, source: str, target: str) -> None:
    portrait_with_metadata(tmp_path / f"old.{source}")
    result = colorize_files(
        FakeColorizer(), [tmp_path / f"old.{source}"], ["a red wall"], PhotoOptions(output=tmp_path / f"new.{target}")
    )
    assert not result.notices
    with Image.open(tmp_path / f"new.{target}") as picture:
        exif = picture.getexif()
        camera, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
        assert picture.size == (30, 40)
        lightness = as_lab(picture)[0][0, 0]
        assert lightness[0].mean() < 30 < 70 < lightness[-1].mean()
        assert exif[ExifTags.Base.Orientation] == 1
        assert exif[ExifTags.Base.Artist] == "Grandmother"
        assert camera[ExifTags.Base.DateTimeOriginal] == "1951:06:01 12:00:00"
        assert (camera[ExifTags.Base.ExifImageWidth], camera[ExifTags.Base.ExifImageHeight]) == (30, 40)
        assert ExifTags.Base.MakerNote not in camera
        assert exif.get(ExifTags.Base.ImageWidth) != 9999
        assert place[ExifTags.GPS.GPSLatitude] == (51.0, 30.0, 0.0)
        assert picture.info["icc_profile"] == srgb_profile()
        if "webp" not in (source, target):
            assert picture.info["dpi"] == pytest.approx((150, 300), rel=0.01)


def test_the_thumbnail_is_dropped(tmp_path: Path) -> None:
    # Of a big-endian EXIF block of one tag, the pointer to the next directory leads to a second, of the thumbnail.
    first = b"\0\1" + struct.pack(">HHII", ExifTags.Base.Orientation, 3, 1, 1 << 16)
    second = b"\0\1" + struct.pack(">HHII", ExifTags.Base.Compression, 3, 1, 6 << 16)
    exif = b"Exif\0\0MM\0*" + struct.pack(">I", 8) + first + struct.pack(">I", 26) + second + bytes(4)
    gray_ramp().save(tmp_path / "old.jpg", exif=exif)
    colorize_files(FakeColorizer(), [tmp_path / "old.jpg"], ["a red wall"])
    for name, thumbnails in (("old.jpg", 1), ("old_colorized.jpg", 0)):
        with Image.open(tmp_path / name) as picture:
            assert len(picture.getexif().get_ifd(ExifTags.IFD.IFD1)) == thumbnails


@pytest.mark.filterwarnings("ignore:.*EXIF:UserWarning", "ignore:Truncated File Read:UserWarning")
@settings(deadline=None, max_examples=20)
@given(st.data())
def test_damaged_metadata_does_not_spoil_the_picture(data: st.DataObject) -> None:
    damaged = bytearray(some_exif())
    for _ in range(data.draw(st.integers(1, 6))):
        damaged[data.draw(st.integers(6, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        gray_ramp().save(Path(folder, "old.jpg"), exif=bytes(damaged))
        for suffix in ("jpg", "tif", "webp"):
            output = Path(folder, f"new.{suffix}")
            colorize_files(FakeColorizer(), [Path(folder, "old.jpg")], ["a red wall"], PhotoOptions(output=output))
            with Image.open(output) as picture:
                assert sorted(picture.size) == [30, 40]


def test_metadata_too_long_for_a_jpeg_is_left_out(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "long" * 20_000
    gray_ramp().save(tmp_path / "old.png", exif=exif)
    result = colorize_files(
        FakeColorizer(), [tmp_path / "old.png"], ["a red wall"], PhotoOptions(output=tmp_path / "new.jpg")
    )
    assert result.written and "longer than a JPEG" in result.notices[0]


def test_a_picture_is_never_replaced_without_force(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "old.png")
    (tmp_path / "old_colorized.png").write_text("mine")
    with pytest.raises(FileExistsError, match="--force"):
        colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a red wall"])
    assert (tmp_path / "old_colorized.png").read_text() == "mine"
    colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a red wall"], PhotoOptions(force=True))
    with Image.open(tmp_path / "old_colorized.png") as picture:
        assert picture.size == (40, 30)


def test_the_photo_itself_is_never_replaced(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "old.png")
    with pytest.raises(ValueError, match="is an original"):
        colorize_files(
            FakeColorizer(),
            [tmp_path / "old.png"],
            ["a red wall"],
            PhotoOptions(output=tmp_path / "old.png", force=True),
        )
    with pytest.raises(ValueError, match="among the photos"):
        colorize_files(FakeColorizer(), [tmp_path], ["a red wall"], PhotoOptions(output=tmp_path, force=True))


def test_output_names(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "old.png")
    (tmp_path / "there.d").mkdir()
    for output, expected in {
        "new": "new/old_colorized.png",
        "there.d": "there.d/old_colorized.png",
        "deep/er/new.JPG": "deep/er/new.JPG",
    }.items():
        result = colorize_files(
            FakeColorizer(), [tmp_path / "old.png"], ["a red wall"], PhotoOptions(output=tmp_path / output)
        )
        assert result.written == [tmp_path / expected] and (tmp_path / expected).is_file()
    with pytest.raises(ValueError, match="ends in one of"):
        colorize_files(
            FakeColorizer(), [tmp_path / "old.png"], ["a red wall"], PhotoOptions(output=tmp_path / "new.gif")
        )


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such photo, folder or list"):
        colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a red wall"])
    with pytest.raises(ValueError, match="no photo in it"):
        colorize_files(FakeColorizer(), [tmp_path], ["a red wall"])
    (tmp_path / "old.png").write_bytes(b"not a photo")
    with pytest.raises(ValueError, match=r"old\.png"):
        colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a red wall"])
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]


def test_a_folder_goes_on_past_bad_files_and_resumes(tmp_path: Path) -> None:
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("b.png", "a.jpg", "c.bmp"):
        gray_ramp().save(folder / name)
    (folder / "bad.jpg").write_bytes(b"no photo")
    (folder / "._a.jpg").write_bytes(b"resource fork")
    (folder / "notes.txt").write_text("holiday")
    out = tmp_path / "album_colorized"
    result = colorize_files(FakeColorizer(), [folder], ["a red wall"])
    assert result.written == [out / "a.jpg", out / "b.png", out / "c.bmp.png"]
    assert list(result.failed) == [folder / "bad.jpg"] and "bad.jpg" in result.failed[folder / "bad.jpg"]
    (out / "b.png").unlink()
    again = colorize_files(FakeColorizer(), [folder], ["a red wall"])
    assert again.written == [out / "b.png"]
    assert again.skipped == [out / "a.jpg", out / "c.bmp.png"] and "--force" in again.notices[0]
    assert len(colorize_files(FakeColorizer(), [folder], ["a red wall"], PhotoOptions(force=True)).written) == 3


def test_progress_sees_every_photo(tmp_path: Path) -> None:
    seen: list[Path] = []
    gray_ramp().save(tmp_path / "a.png")

    def track(jobs: list[Job]) -> list[Job]:
        seen.extend(job.photo for job in jobs)
        return jobs

    colorize_files(FakeColorizer(), [tmp_path], ["a red wall"], PhotoOptions(output=tmp_path / "out"), progress=track)
    assert seen == [tmp_path / "a.png"]


def test_a_sentence_without_color_is_remarked(tmp_path: Path) -> None:
    gray_ramp().save(tmp_path / "old.png")
    result = colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a wall"])
    assert result.written and "no color word" in result.notices[0]


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gray_ramp().save(tmp_path / "old.png")

    def full_disk(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", full_disk)
    with pytest.raises(OSError, match="disk full"):
        colorize_files(FakeColorizer(), [tmp_path / "old.png"], ["a red wall"])
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"]


def test_a_format_too_small_for_the_photo_is_named(tmp_path: Path) -> None:
    Image.new("L", (16_384, 1)).save(tmp_path / "wide.png")
    with pytest.raises(ValueError, match="16383 pixels a side"):
        colorize_files(
            FakeColorizer(), [tmp_path / "wide.png"], ["a red wall"], PhotoOptions(output=tmp_path / "wide.webp")
        )
