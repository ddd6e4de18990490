"""No photo, list or other file of the user is replaced by a picture or a sheet of a run, whatever the names are."""

import os
from pathlib import Path

import pytest
from drawn_photos import FakeColorizer, gray_ramp

from lcoins.colorize.batch import BatchResult, PhotoOptions, colorize_files


def colored(sources: list[Path], *sentences: str, output: Path | None = None, force: bool = False) -> BatchResult:
    return colorize_files(FakeColorizer(), sources, list(sentences), PhotoOptions(output, force))


def photos(folder: Path, *names: str) -> list[Path]:
    for name in names:
        gray_ramp().save(folder / name)
    return [folder / name for name in names]


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize(
    ("names", "output"),
    [
        (["y_sheet.png"], "y.png"),
        (["x_1.jpg"], "x.jpg"),
        (["x.png", "x_colorized_1.png"], None),
        (["a.png", "a_colorized_sheet.png"], None),
    ],
)
def test_photos_of_the_run_stay(tmp_path: Path, names: list[str], output: str | None, force: bool) -> None:
    given = photos(tmp_path, *names)
    before = {path: path.read_bytes() for path in given}
    with pytest.raises(ValueError, match="is an original of this run"):
        colored(given, "a red wall", "a blue wall", output=tmp_path / output if output else None, force=force)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_other_names_of_a_photo_are_the_photo(tmp_path: Path, link: object) -> None:
    (photo,) = photos(tmp_path, "a.png")
    assert callable(link)
    link(photo, tmp_path / "other.png")
    before = photo.read_bytes()
    with pytest.raises(ValueError, match="is an original of this run"):
        colored([photo], "a red wall", output=tmp_path / "other.png", force=True)
    assert photo.read_bytes() == before


def test_a_list_among_its_photos(tmp_path: Path) -> None:
    photos(tmp_path, "a.png", "b.png")
    path = tmp_path / "list.csv"
    path.write_text("photo,caption\na.png,a red wall\nb.png,a red wall\n", encoding="utf-8")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="is an original of this run"):
        colored([path], output=tmp_path, force=True)
    assert {file: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_sheet_of_someone_else_stays_without_force(tmp_path: Path) -> None:
    (photo,) = photos(tmp_path, "o.png")
    own = tmp_path / "o_colorized_sheet.png"
    own.write_bytes(b"my own")
    result = colored([photo], "a red wall", "a blue wall")
    assert own.read_bytes() == b"my own"
    assert own in result.skipped
    assert result.notices[-1] == f"{own} existed and was left as it is; --force replaces it"
    own.unlink()
    assert colored([photo], "a red wall", "a blue wall").written == [own]  # what a killed run has left out


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (photo,) = photos(tmp_path, "a.png")
    (tmp_path / "a_colorized_1.png").mkdir()
    with pytest.raises(ValueError, match=r"a_colorized_1\.png is a folder"):
        colored([photo], "a red wall", "a blue wall", force=True)


def test_photos_that_differ_by_their_suffix_have_pictures_of_their_own(tmp_path: Path) -> None:
    given = photos(tmp_path, "a.png", "a.bmp", "a.gif", "b.png")
    names = ["a_colorized.png", "a.bmp_colorized.png", "a.gif_colorized.png", "b_colorized.png"]
    assert [path.name for path in colored(given, "a red wall", output=tmp_path / "out").written] == names


def test_photos_of_one_stem_have_sheets_of_their_own(tmp_path: Path) -> None:
    photos(tmp_path, "a.png", "a.jpg")
    result = colored([tmp_path], "a red wall", "a blue wall", output=tmp_path / "out")
    sheets = [path.name for path in result.written if "sheet" in path.name]
    assert sheets == ["a.jpg_sheet.png", "a.png_sheet.png"]


def test_one_photo_that_cannot_be_colored_does_not_stop_the_rest(tmp_path: Path) -> None:
    longest = "é" * 124 + ".png"  # 252 bytes: with "_1" it fits, in the sheet's name it does not
    photos(tmp_path, "a.png", longest)
    (tmp_path / "out").mkdir()
    result = colored([tmp_path], "a red wall", "a blue wall", output=tmp_path / "out")
    assert [path.name for path in result.written] == ["a_1.png", "a_2.png", "a_sheet.png"]
    assert "the name has 258 bytes" in result.failed[tmp_path / longest]


def test_a_write_that_is_refused_fails_one_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photos(tmp_path, "a.png", "b.png")
    replace = os.replace

    def refuse_a(source: Path, target: Path) -> None:
        if Path(target).name == "a.png":
            raise PermissionError(13, "Permission denied", str(source))
        replace(source, target)

    monkeypatch.setattr("lcoins.files.os.replace", refuse_a)
    result = colored([tmp_path], "a red wall", output=tmp_path / "out")
    assert [path.name for path in result.written] == ["b.png"]
    assert "a.png could not be written: Permission denied; check its folder" in result.failed[tmp_path / "a.png"]
