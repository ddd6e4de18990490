"""The studio: photos are opened or refused, colored, mapped and saved."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from drawn_photos import FakeColorizer, as_lab, drawn_photo
from PIL import ExifTags, Image
from torch import Tensor

from lcoins.app.regions import NO_GROUPS
from lcoins.app.studio import KEPT, MAX_SENTENCES, MAX_VARIANTS, NO_REGIONS, SCREEN_SIDE, InputError, Studio, sentences
from lcoins.color.words import find_colors
from lcoins.colorize.by_hand import StrokeHint, color_named
from lcoins.colorize.sentence_colors import SentenceColors, under_hints
from lcoins.models.colorizer import Colorization

SENTENCE = "a red star beside a blue moon"


class HalfColorizer(FakeColorizer):
    """Paints the left half in the sentence's first color and the right half in its last."""

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        words = find_colors(captions[0])
        halves = [super(HalfColorizer, self).colorize(lightness, [word.word]).ab for word in (words[0], words[-1])]
        middle = lightness.shape[-1] // 2
        return Colorization(torch.cat([halves[0][..., :middle], halves[1][..., middle:]], dim=-1))


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "own").mkdir()
    return Studio(FakeColorizer(), tmp_path / "own", max_pixels=1_000_000)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    drawn_photo(60, 40).convert("L").save(tmp_path / "grandmother.jpg")
    return tmp_path / "grandmother.jpg"


def test_a_sentence_makes_a_picture(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "  a red   star ")
    assert session.variant is not None and session.variant.sentence == "a red star"
    with Image.open(studio.preview(session, session.variant, 1.0)) as picture:
        assert picture.size == (60, 40) and as_lab(picture)[1][0, 0].mean() > 20
    with Image.open(session.gray) as gray:
        assert as_lab(gray)[1].abs().max() < 3


def test_each_line_is_a_variant_and_the_last_is_chosen(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a red star\n\na blue star\na red star")
    assert [variant.sentence for variant in session.variants] == ["a red star", "a blue star"]
    studio.color(session, "a red star")
    assert len(session.variants) == 2 and session.chosen == 0
    for number in range(MAX_VARIANTS):
        studio.color(session, f"a green star {number}")
    assert len(session.variants) == MAX_VARIANTS and session.chosen == MAX_VARIANTS - 1
    assert session.variants[0].sentence == "a green star 0"


def test_hints_that_come_while_others_are_taken_up_are_not_lost(
    studio: Studio, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, later = ((StrokeHint(((0.5, 0.5),), name, color_named(name)),) for name in ("blue", "green"))
    session = studio.open(photo)
    studio.color(session, "a red star")
    session.hints = first

    def meanwhile(*arguments: Any) -> SentenceColors:
        session.hints = later
        return under_hints(*arguments)

    monkeypatch.setattr("lcoins.app.studio.under_hints", meanwhile)
    studio.chosen(session)
    monkeypatch.undo()
    assert session.variant is not None and session.variant.hints == first
    early = session.variant.colors.offset
    studio.chosen(session)
    assert session.variant.hints == later and not torch.equal(session.variant.colors.offset, early)


def test_strength_scales_the_colors(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a gray star")  # within the gamut at any lightness, so that nothing is cut
    assert session.variant is not None
    colors = session.variant.colors
    session.variant.colors = replace(colors, offset=torch.full_like(colors.offset, 6.0))
    chroma = []
    for strength in (0.0, 0.5, 1.0, 1.5):
        with Image.open(studio.preview(session, session.variant, strength)) as picture:
            chroma.append(float(as_lab(picture)[1].mean()))
    np.testing.assert_allclose(chroma, [0, 3, 6, 9], atol=0.8)


def test_a_large_photo_is_shown_small_and_saved_whole(tmp_path: Path, studio: Studio) -> None:
    Image.new("RGB", (2000, 200), (90, 90, 90)).save(tmp_path / "wide.png")
    session = studio.open(tmp_path / "wide.png")
    studio.color(session, "a red star")
    assert session.variant is not None
    with Image.open(studio.preview(session, session.variant, 1.0)) as picture:
        assert picture.size == (SCREEN_SIDE, 160)
    saved = studio.write_full_size(session, 1.0)
    with Image.open(saved) as picture, Image.open(tmp_path / "wide.png") as before:
        assert (saved.name, picture.format, picture.size) == ("wide_colorized.png", "PNG", (2000, 200))
        assert (as_lab(picture)[0] - as_lab(before)[0]).abs().max() < 0.6


def test_the_download_is_the_picture_of_the_command(tmp_path: Path, studio: Studio) -> None:
    """The same bytes as `lcoins colorize` writes: format, metadata, upright."""
    from lcoins.colorize.batch import colorize_files

    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "Grandmother"
    drawn_photo(60, 40).save(tmp_path / "old.jpg", exif=exif, dpi=(300, 300))
    session = studio.open(tmp_path / "old.jpg")
    studio.color(session, "a red star")
    colorize_files(studio.colorizer, [tmp_path / "old.jpg"], ["a red star"])
    saved = studio.write_full_size(session, 1.0)
    assert saved.name == "old_colorized.jpg"
    assert saved.read_bytes() == (tmp_path / "old_colorized.jpg").read_bytes()
    with Image.open(saved) as picture:
        assert picture.size == (40, 60) and picture.getexif()[ExifTags.Base.Artist] == "Grandmother"


@pytest.mark.parametrize(("name", "saved"), [("a.webp", "WEBP"), ("a.tif", "TIFF"), ("a.bmp", "PNG")])
def test_downloads_have_the_photos_format_where_it_is_written(
    tmp_path: Path, studio: Studio, name: str, saved: str
) -> None:
    drawn_photo(30, 20).save(tmp_path / name)
    session = studio.open(tmp_path / name)
    studio.color(session, "a red star")
    with Image.open(studio.write_full_size(session, 1.0)) as picture:
        assert (picture.format, picture.size) == (saved, (30, 20))


def test_pictures_of_long_ago_make_room(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a red star")
    assert session.variant is not None
    made = [studio.preview(session, session.variant, 1.0, longest=30) for _ in range(KEPT + 5)]
    assert made[-1].is_file() and not made[0].exists() and session.gray.is_file()
    assert len(list(session.folder.iterdir())) <= KEPT + 2
    with Image.open(made[-1]) as picture:
        assert picture.size == (30, 20)


def test_everything_lies_in_the_folder_and_goes_with_the_session(studio: Studio, photo: Path) -> None:
    beside = sorted(photo.parent.iterdir())
    session = studio.open(photo)
    studio.color(session, "a red star")
    assert session.variant is not None
    for made in (session.gray, studio.preview(session, session.variant, 1.0), studio.write_full_size(session, 1.0)):
        assert made.is_relative_to(studio.folder)
    session.close()
    assert not any(studio.folder.iterdir()) and sorted(photo.parent.iterdir()) == beside


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "Write a sentence"), (" \n ", "Write a sentence"), ("a\n" * 9, "at most 6"), ("red " * 200, "500 letters")],
)
def test_sentences_that_are_none(studio: Studio, photo: Path, text: str, said: str) -> None:
    session = studio.open(photo)
    with pytest.raises(InputError, match=said):
        studio.color(session, text)
    assert session.variants == []
    assert len(sentences("\n".join(f"a red {n}" for n in range(MAX_SENTENCES)))) == MAX_SENTENCES


def test_steps_in_the_wrong_order_are_refused(studio: Studio, photo: Path) -> None:
    with pytest.raises(InputError, match="Choose a photo"):
        studio.open(None)
    with pytest.raises(InputError, match="Choose a photo"):
        studio.color(None, SENTENCE)
    with pytest.raises(InputError, match="Color a photo first"):
        studio.write_full_size(studio.open(photo), 1.0)
    session = studio.open(photo)
    studio.color(session, SENTENCE)
    photo.unlink()
    with pytest.raises(InputError, match="Choose it again"):
        studio.write_full_size(session, 1.0)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.jpg", b"no picture", "not a photo, or it is damaged"),
        ("a.png", b"", "empty"),
        ("a.txt", b"x" * 99, "not a photo"),
    ],
)
def test_files_that_are_no_photo(studio: Studio, tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said) as refusal:
        studio.open(tmp_path / name)
    assert str(tmp_path) not in str(refusal.value)  # the message shows no path of the server
    assert not any(studio.folder.iterdir())


def test_a_photo_beyond_the_limit_or_cut_off(studio: Studio, tmp_path: Path) -> None:
    Image.new("1", (1001, 1000)).save(tmp_path / "large.png")
    with pytest.raises(InputError, match="1001 x 1000 is more than 1,000,000 pixels"):
        studio.open(tmp_path / "large.png")
    drawn_photo(60, 40).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:-400])
    with pytest.raises(InputError, match="damaged or incomplete"):
        studio.open(tmp_path / "cut.jpg")


def test_where_each_word_acts(tmp_path: Path, photo: Path) -> None:
    studio = Studio(HalfColorizer(image_size=8), tmp_path, max_pixels=10**6)
    session = studio.open(photo)
    studio.color(session, "a red star, a green ring, a blue moon")
    assert session.variant is not None
    assert session.variant.colors.silent() == ["green"]
    regions, note = studio.word_map(session, session.variant)
    assert [region.name for region in regions] == ["red", "blue"] and note == ""
    left, right = (region.mask for region in regions)
    assert left.shape == right.shape == (40, 60)
    assert (
        (left[:, :26] > 0.9).all()
        and not left[:, 34:].any()
        and (right[:, 34:] > 0.9).all()
        and not (left * right).any()
    )
    assert regions[0].color[0] > regions[0].color[2]  # red is shown in red


def test_no_word_no_region(studio: Studio, photo: Path) -> None:
    session = studio.open(photo)
    studio.color(session, "a star")
    assert session.variant is not None
    assert studio.word_map(session, session.variant) == ([], NO_REGIONS)
    assert studio.group_map(session, session.variant) == ([], NO_GROUPS)
