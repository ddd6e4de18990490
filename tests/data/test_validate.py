"""The check that comes before training: every bad photo and row is named, in one report."""

import json
from pathlib import Path

import pytest
from PIL import Image

from lcoins.data.from_lists import PhotoSource, read_usable_pairs
from lcoins.data.pairs import Pair, Problem
from lcoins.data.photos import Photos, RandomView
from lcoins.data.validate import ProblemsFound, check_photos, describe

CAPTIONS = {"a.png": ["a red car on the left", "a car"], "b.png": ["a blue bird"], "sub/c.png": ["x", "y", "z"]}
PAIRS = [Pair(photo, caption, 7) for photo, captions in CAPTIONS.items() for caption in captions]


def picture() -> Image.Image:
    return Image.linear_gradient("L").convert("RGB")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for photo in CAPTIONS:
        picture().save(folder / photo)
    return folder


def spoil(root: Path) -> list[Pair]:
    """One photo of each kind of trouble, beside the good ones."""
    picture().save(root / "cut.jpg")
    (root / "cut.jpg").write_bytes((root / "cut.jpg").read_bytes()[:-300])
    (root / "text.jpg").write_text("404")
    (root / "empty.jpg").touch()
    pairs = [("cut.jpg", 10), ("text.jpg", 11), ("empty.jpg", 12), ("none.jpg", 13), ("none.jpg", 15), ("b.jpg", 14)]
    return PAIRS + [Pair(photo, "some words", line, "list.json") for photo, line in pairs]


KINDS = {
    "cut.jpg": "truncated photo",
    "text.jpg": "unreadable photo",
    "empty.jpg": "empty file",
    "none.jpg": "missing photo",
    "b.jpg": "missing photo",
}


def source(root: Path, folder: Path, pairs: list[Pair]) -> PhotoSource:
    """The pairs as a list on their lines, under a header."""
    lines = [""] * max(pair.line for pair in pairs)
    for pair in pairs:
        lines[pair.line - 1] = f"{pair.photo},{pair.caption}"
    (folder / "list.csv").write_text("\n".join(["photo,caption", *lines[1:]]))
    return PhotoSource(str(root), str(folder / "list.csv"))


def test_a_good_list_passes_whole_and_writes_nothing(root: Path, tmp_path: Path) -> None:
    assert check_photos(root, PAIRS) == (PAIRS, [])
    pairs = [Pair(pair.photo, pair.caption, line) for line, pair in enumerate(PAIRS, start=2)]
    given = {"train": source(root, tmp_path, pairs)}
    assert read_usable_pairs(given, "stop", tmp_path / "report.jsonl") == {"train": pairs}
    assert not (tmp_path / "report.jsonl").exists()


def test_stop_names_every_problem_in_one_report(root: Path, tmp_path: Path) -> None:
    report = tmp_path / "run" / "problems.jsonl"
    spoiled = [pair for pair in spoil(root) if pair not in PAIRS]
    good = [Pair(pair.photo, pair.caption, line) for line, pair in enumerate(PAIRS, start=2)]
    given = source(root, tmp_path, [*good, Pair("a.png", " ", 9), *spoiled])
    with pytest.raises(ProblemsFound) as caught:
        read_usable_pairs({"train": given}, "stop", report)
    text = str(caught.value)
    assert "6 problems (2 missing photo, 1 empty caption" in text
    assert "beside 6 usable captions" in text
    assert "list.csv line 10: cut.jpg: truncated photo" in text
    assert "list.csv line 13, 15: none.jpg: missing photo" in text
    assert "b.png is there; is it meant?" in text
    assert str(report) in text
    assert "on_problem=leave_out" in text
    rows = [json.loads(row) for row in report.read_text().splitlines()]
    assert {row["photo"]: row["what"] for row in rows[1:]} == KINDS
    assert all(row["where"] and row["advice"] for row in rows)
    assert [path.name for path in report.parent.iterdir()] == [report.name]


def test_the_check_returns_the_usable_pairs_and_the_problems(root: Path) -> None:
    usable, problems = check_photos(root, spoil(root))
    assert usable == PAIRS
    assert {problem.photo: problem.what for problem in problems} == KINDS
    data = Photos(root, usable, 16, seed=0, view=RandomView())
    assert len([data[index] for index in range(len(data))]) == 3


def test_leave_out_stops_where_nothing_is_left(root: Path, tmp_path: Path) -> None:
    given = source(root, tmp_path, [Pair("x.jpg", "one", 2), Pair("y.jpg", "two", 3)])
    with pytest.raises(
        ProblemsFound, match=r"(?s)2 missing photo.*\nNothing is left of: train; is root the right folder?"
    ):
        read_usable_pairs({"train": given}, "leave_out", None)


def test_a_long_report_is_cut_to_twenty() -> None:
    problems = [Problem(f"l line {n}", f"{n}.jpg", "missing photo", "find it") for n in range(50)]
    lines = describe(problems, 3).splitlines()
    assert len(lines) == 22
    assert lines[-1].strip() == "and 30 more"


def test_a_missing_folder_is_named(root: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such photo folder"):
        check_photos(root / "none", PAIRS)


def test_progress_is_shown(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_photos(root, PAIRS)
    assert "checking photos" in capsys.readouterr().out
