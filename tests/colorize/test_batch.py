"""Many photos, several sentences, lists: which pictures are made, where they lie, and what happens when one is bad."""

import io
import json
import os
from pathlib import Path

import numpy as np
import pytest
from drawn_photos import FakeColorizer, gray_ramp
from PIL import Image

from lcoins.cli.photos import read_sentences, split_arguments
from lcoins.colorize import batch
from lcoins.colorize.batch import BatchResult, PhotoOptions, colorize_files
from lcoins.colorize.jobs import plan
from lcoins.imaging.read import GrayPhoto, read_gray_photo


def colored(sources: list[Path], *sentences: str, output: Path | None = None) -> BatchResult:
    return colorize_files(FakeColorizer(), sources, list(sentences), PhotoOptions(output))


def hue(path: Path) -> str:
    """Which channel is strongest on average: what FakeColorizer painted."""
    with Image.open(path) as picture:
        means = np.asarray(picture.convert("RGB")).reshape(-1, 3).mean(axis=0)
    return ("red", "green", "blue")[int(means.argmax())]


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    for name in ("a.png", "b.jpg"):
        gray_ramp().save(folder / name)
    return folder


def test_several_sentences_give_several_pictures_and_a_sheet(album: Path) -> None:
    result = colored([album / "a.png"], "a red wall", "a green wall", "a blue wall")
    pictures = [album / f"a_colorized_{place}.png" for place in (1, 2, 3)]
    assert result.written == [*pictures, album / "a_colorized_sheet.png"]
    assert [hue(path) for path in pictures] == ["red", "green", "blue"]
    with Image.open(result.written[-1]) as sheet:
        assert sheet.width > 80
        assert sheet.height > 90


def test_a_missing_variant_is_made_and_the_others_stay(album: Path) -> None:
    colored([album / "a.png"], "a red wall", "a green wall")
    first, second = album / "a_colorized_1.png", album / "a_colorized_2.png"
    first.write_bytes(second.read_bytes())
    second.unlink()
    again = colored([album / "a.png"], "a red wall", "a green wall")
    assert again.written == [second]
    assert again.skipped == [first, album / "a_colorized_sheet.png"]
    assert hue(first) == "green"


def test_a_sheet_names_no_sentence_for_a_picture_that_was_there(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []
    monkeypatch.setattr(batch, "contact_sheet", lambda rows, *_, **__: named.extend(row.caption for row in rows))
    colored([album / "a.png"], "a red wall", "a green wall")
    (album / "a_colorized_2.png").unlink()
    colored([album / "a.png"], "a blue wall", "a pink wall")
    assert named == ["a red wall", "a green wall", "a_colorized_1.png, as it was there", "a pink wall"]


@pytest.mark.skipif(os.name == "nt", reason="needs links")
def test_a_link_that_leads_nowhere_is_named(album: Path) -> None:
    (album / "c.png").symlink_to("c.png")
    (album / "d.png").symlink_to("gone.png")
    result = colored([album], "a red wall")
    assert len(result.written) == 2
    assert {path.name for path in result.failed} == {"c.png", "d.png"}


def test_several_sentences_for_a_folder(album: Path) -> None:
    result = colored([album], "a red wall", "a blue wall", output=album / "out")
    names = ["a_1.png", "a_2.png", "a_sheet.png", "b_1.jpg", "b_2.jpg", "b_sheet.png"]
    assert [path.name for path in result.written] == names


def test_several_photos_take_the_same_sentence_and_a_bad_one_is_passed(album: Path) -> None:
    (album / "bad.jpg").write_bytes(b"no photo")
    result = colored([album / "bad.jpg", album / "a.png", album / "b.jpg"], "a red wall", output=album / "out")
    assert [path.name for path in result.written] == ["a_colorized.png", "b_colorized.jpg"]
    assert list(result.failed) == [album / "bad.jpg"]


@pytest.mark.parametrize("ending", ["csv", "json"])
def test_a_list_brings_a_sentence_for_each_photo(album: Path, ending: str) -> None:
    rows = [("a.png", "a red wall"), ("b.jpg", "a blue wall"), ("a.png", "a green wall"), ("gone.png", "a red wall")]
    path = album / f"list.{ending}"
    if ending == "csv":
        path.write_text("\n".join(["photo,caption", *map(",".join, rows)]))
    else:
        path.write_text(json.dumps(rows))
    result = colored([path])
    folder = album / "list_colorized"
    assert result.written == [folder / name for name in ("a_1.png", "a_2.png", "a_sheet.png", "b.jpg")]
    assert [hue(folder / name) for name in ("a_1.png", "a_2.png", "b.jpg")] == ["red", "green", "blue"]
    assert list(result.failed) == [album / "gone.png"]


def test_what_was_not_understood_in_a_list_is_said_once(album: Path) -> None:
    path = album / "list.csv"
    path.write_text("photo,caption\na.png,a yelow car\nb.jpg,a yelow bus\ngone.png,a red bus\n")
    result = colored([path])
    assert result.notices[:2] == [
        "no color word known in 2 of 3 sentences, the first 'a yelow car' (such as red, blue, brown): the model has to "
        "guess",
        "'yelow' is not known as a color: did you mean yellow?",
    ]
    assert "yelow" not in "".join(result.notices[2:])
    assert f"no such photo in {album.absolute()}" in result.failed[album / "gone.png"]


def test_wrong_lists_and_sentences_are_refused(album: Path) -> None:
    path = album / "list.csv"
    path.write_text("photo,caption\na.png,a red wall\n../b.png,a red wall\n")
    with pytest.raises(ValueError, match=r"list\.csv: bad rows: 1, the first: .*line 3"):
        colored([path])
    with pytest.raises(ValueError, match="brings its own sentences; leave out 'a red wall'"):
        colored([path], "a red wall")
    with pytest.raises(ValueError, match=r"a\.png: expected a sentence after it"):
        colored([album / "a.png"])


def test_two_pictures_of_one_name_are_refused(album: Path) -> None:
    gray_ramp().save(album / "a.jpg")
    (album / "sub").mkdir()
    gray_ramp().save(album / "sub" / "a.png")
    with pytest.raises(ValueError, match="would be the picture of"):
        colored([album / "a.png", album / "sub" / "a.png"], "a red wall", output=album / "out")
    with pytest.raises(ValueError, match="would be the picture of"):
        colored([album / "a.png", album / "b.jpg"], "a red wall", output=album / "one.png")
    assert not (album / "out").exists()


def test_the_photo_is_read_once_for_all_its_sentences(album: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []

    def watch(path: Path, **options: bool) -> GrayPhoto:
        read.append(path)
        return read_gray_photo(path, **options)

    monkeypatch.setattr("lcoins.colorize.batch.read_gray_photo", watch)
    colored([album / "a.png"], "a red wall", "a green wall")
    assert read.count(album / "a.png") == 1


def test_a_word_that_finds_no_region_is_named(album: Path) -> None:
    result = colored([album / "a.png"], "a red wall and a teal door")
    assert [notice for notice in result.notices if "found no region" in notice] == [
        f"{album / 'a.png'}: 'teal' found no region: any other color would give nearly the same picture"
    ]


def test_photos_and_sentences_are_told_apart(album: Path) -> None:
    photo, folder = str(album / "a.png"), str(album)
    assert split_arguments([photo, "a red car"]) == ([album / "a.png"], ["a red car"])
    assert split_arguments([photo, folder, "a red car.", "x"]) == ([album / "a.png", album], ["a red car.", "x"])
    assert split_arguments([photo, "-"]) == ([album / "a.png"], ["-"])
    for wrong in ([str(album / "gone.png"), "a red car"], [photo, "gone.jpg", "a red car"], [photo, "gone.csv"]):
        with pytest.raises(FileNotFoundError, match="no such photo, folder or list"):
            split_arguments(wrong)


def test_a_photo_after_the_sentence_and_a_sentence_without_quotes_are_refused(album: Path) -> None:
    first, second = str(album / "a.png"), str(album / "b.jpg")
    with pytest.raises(ValueError, match=r"b\.jpg exists, and comes after the sentence 'a red cat'"):
        split_arguments([first, "a red cat", second])
    with pytest.raises(ValueError, match='put quotes around one: "a red suit"'):
        split_arguments([first, second, "a", "red", "suit"])
    assert split_arguments([first, "red", "blue"])[1] == ["red", "blue"]
    with pytest.raises(ValueError, match="leave out the others"):
        split_arguments([first, "a red cat", "-"])


@pytest.mark.parametrize("letter", ["x ", "é "])
def test_a_sentence_may_be_longer_than_a_path(album: Path, letter: str) -> None:
    sentence = "a red wall " + letter * 3000
    assert split_arguments([str(album / "a.png"), sentence]) == ([album / "a.png"], [sentence])
    assert len(colored([album / "a.png"], sentence).written) == 1
    with pytest.raises(ValueError, match="at most 10,000 characters"):
        colored([album / "b.jpg"], sentence * 2)


@pytest.mark.parametrize("sentence", ["a red caf\udce9", "a red\0 wall"])
def test_a_sentence_that_is_no_text_is_refused(album: Path, sentence: str) -> None:
    assert split_arguments([str(album / "a.png"), sentence])[1] == [sentence]
    with pytest.raises(ValueError, match="no text in UTF-8"):
        colored([album / "a.png"], sentence)


@pytest.mark.parametrize(
    ("stream", "message"),
    [
        (None, "which is closed"),
        (io.StringIO("\n \n"), "got none"),
        (io.TextIOWrapper(io.BytesIO(b"a red caf\xe9"), encoding="utf-8"), "no text in utf-8"),
    ],
)
def test_standard_input_without_sentences(
    monkeypatch: pytest.MonkeyPatch, stream: io.TextIOBase | None, message: str
) -> None:
    monkeypatch.setattr("sys.stdin", stream)
    with pytest.raises(ValueError, match=message):
        read_sentences()


def test_a_list_names_jobs_in_its_order(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('{"photo": "sub/x.bmp", "caption": "a red car"}\n')
    (job,) = plan([tmp_path / "list.jsonl"], [], None)
    assert (job.photo, job.sheet) == (tmp_path / "sub" / "x.bmp", None)
    assert job.pictures == (("a red car", tmp_path / "list_colorized" / "sub" / "x.bmp.png"),)
