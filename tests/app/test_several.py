"""Several photos to one ZIP: by a sentence, by a list, within bounds, and a plain line for what failed."""

import zipfile
from pathlib import Path

import pytest
from drawn_photos import FakeColorizer, as_lab, drawn_photo
from PIL import Image

from lcoins.app import several
from lcoins.app.several import Several
from lcoins.app.studio import InputError, Studio


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    (tmp_path / "own").mkdir()
    return Studio(FakeColorizer(), tmp_path / "own", max_pixels=10_000)


@pytest.fixture
def uploads(tmp_path: Path) -> list[Path]:
    """Each in a folder of its own, as Gradio stores them; the last one is no photo."""
    paths = []
    for number, name in enumerate(("a.jpg", "b.png", "broken.jpg")):
        (tmp_path / str(number)).mkdir()
        paths.append(tmp_path / str(number) / name)
        drawn_photo(30, 20, seed=number).save(paths[-1])
    paths[-1].write_bytes(b"no photo")
    return paths


def colored(batch: Several) -> dict[str, bytes]:
    for job in batch.jobs:
        if not batch.color(job):
            break
    made = batch.finish()
    if made is None:
        return {}
    with zipfile.ZipFile(made) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


def begun(studio: Studio, uploads: list[Path], text: str = "a red star", strength: float = 1.0) -> Several:
    return Several(studio, studio.new_folder(), uploads, text, strength)


def listed(folder: Path, text: str, name: str = "list.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_photos_by_one_sentence(studio: Studio, uploads: list[Path], tmp_path: Path) -> None:
    batch = begun(studio, uploads)
    files = colored(batch)
    assert list(files) == ["a_colorized.jpg", "b_colorized.png", "not_colored.txt"]
    (line,) = batch.lines
    assert line.startswith("broken.jpg: This file is not a photo") and files["not_colored.txt"].decode() == f"{line}\n"
    (tmp_path / "seen.png").write_bytes(files["b_colorized.png"])
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.size == (30, 20) and as_lab(picture)[1][0, 0].mean() > 20


def test_photos_by_a_list(studio: Studio, uploads: list[Path], tmp_path: Path) -> None:
    path = listed(tmp_path, "photo,caption\na.jpg,a red star\na.jpg,a blue star\nnone.jpg,a green star\n")
    batch = begun(studio, [*uploads[:2], path], text="")
    assert list(colored(batch)) == ["a_1.jpg", "a_2.jpg", "a_sheet.png", "not_colored.txt"]
    assert batch.lines == ["b.png: not in the list", "none.jpg: in the list, but not among the photos"]


def test_a_list_finds_photos_whose_names_the_browser_has_changed(
    studio: Studio, uploads: list[Path], tmp_path: Path
) -> None:
    photos = [uploads[0].rename(tmp_path / "at 123000.jpg"), uploads[1].rename(tmp_path / "the %22old%22 one.png")]
    path = listed(tmp_path, 'photo,caption\nat 12:30:00.jpg,a red star\n"the ""old"" one.png",a blue star\n')
    batch = begun(studio, [*photos, path], text="")
    assert len(colored(batch)) == 2 and batch.lines == []


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("photo,caption\n../../a.jpg,a red star\n", "list.csv: bad rows: 1"),
        ("photo,caption\n/etc/passwd,a red star\n", "list.csv: bad rows: 1"),
        ("one,two\n1,2\n", "list.csv line 1: expected a header photo,caption"),
        ("photo,caption\n" + "a.jpg,a red star\n" * 200, "1 photos with 200 pictures"),
        ("photo,caption\n" + "x" * 2**20, "too large"),
        ("photo,caption\na.jpg," + "a red star " * 50, "at most 500 letters"),
    ],
)
def test_a_list_that_cannot_be_used(studio: Studio, uploads: list[Path], tmp_path: Path, rows: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as refusal:
        begun(studio, [uploads[0], listed(tmp_path, rows)])
    assert str(tmp_path) not in str(refusal.value)


def test_what_cannot_be_begun(studio: Studio, uploads: list[Path], tmp_path: Path) -> None:
    other = listed(tmp_path, "photo,caption\n", "other.pairs")
    for files, text, said in (
        ([], "a red star", "Choose photos first"),
        ([listed(tmp_path, "photo,caption\n")], "a red star", "Choose photos first"),
        (uploads, " ", "Write a sentence"),
        ([uploads[0], uploads[0]], "a red star", "Two files are called a.jpg"),
        ([uploads[0], other], "a red star", "one list at most"),
        ([Path(f"{number}.jpg") for number in range(99)], "a red star", "These are 99 files"),
        ([tmp_path / "gone.jpg"], "a red star", "no longer on the server"),
    ):
        with pytest.raises(InputError, match=said):
            begun(studio, files, text)


def test_time_and_space_are_bounded(studio: Studio, uploads: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    batch = begun(studio, uploads)
    assert batch.color(batch.jobs[0]) and not batch.color(batch.jobs[1], room=lambda: False)
    assert batch.lines == [f"{name}: not tried, the server is full" for name in ("b.png", "broken.jpg")]
    monkeypatch.setattr(several, "MOST_SECONDS", -1)
    batch = begun(studio, uploads)
    assert colored(batch) == {} and len(batch.lines) == 3 and "half an hour is over" in batch.lines[0]


def test_a_photo_beyond_the_limit_is_named(studio: Studio, uploads: list[Path]) -> None:
    drawn_photo(200, 100).save(uploads[1])
    batch = begun(studio, uploads[:2])
    colored(batch)
    assert batch.lines == ["b.png: This photo is too large: 200 x 100 is more than 10,000 pixels. Scale it down first."]


def test_nothing_is_left_but_the_zip(studio: Studio, uploads: list[Path]) -> None:
    batch = begun(studio, uploads)
    batch.color(batch.jobs[0])
    made = batch.finish()
    batch.close()
    batch.color(batch.jobs[1])  # what was under way when the page was left
    assert [path for path in studio.folder.rglob("*") if path.is_file()] == [made]
