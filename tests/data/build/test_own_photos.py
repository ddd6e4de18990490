"""The user's own photos as training, validation and test set."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lcoins.cli.printing import print_manifest
from lcoins.data.build.own_photos import build_folder
from lcoins.data.validate import ProblemsFound
from lcoins.locks import locked


def photo(path: Path, color: str = "red") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), color).save(path)


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_ones_own_folder_is_split_by_photo(tmp_path: Path) -> None:
    for i in range(20):
        photo(tmp_path / "mine" / f"{i}.png")
        (tmp_path / "mine" / f"{i}.txt").write_text("a red card\n\nanother red card\n")
    (tmp_path / "mine" / "19.png").rename(tmp_path / "mine" / "19.jfif")
    photo(tmp_path / "mine" / "silent.png")
    photo(tmp_path / "mine" / "empty.png")
    (tmp_path / "mine" / "empty.txt").write_text("\n")
    (tmp_path / "mine" / "3.png").write_bytes(b"no picture")
    photo(tmp_path / "mine" / "gray.png", "gray")
    (tmp_path / "mine" / "gray.txt").write_text("a gray card")
    manifest = build_folder(tmp_path / "mine", None, tmp_path / "out", 0.2, 0.1, 5)
    splits = {name: read(tmp_path / "out" / f"{name}.json") for name in ("train", "val", "test")}
    assert [len(split) for split in splits.values()] == [13, 4, 2]
    assert len({name for split in splits.values() for name in split}) == 19
    assert all(texts == ["a red card", "another red card"] for split in splits.values() for texts in split.values())
    assert manifest["left_out"] == {
        "empty caption": 1,
        "near-gray photo": 1,
        "photo without a caption": 1,
        "unreadable photo": 1,
    }
    everything = build_folder(tmp_path / "mine", None, tmp_path / "gray", 0.2, 0.1, 5, keep_gray=True)
    assert sum(split["photos"] for split in everything["splits"].values()) == 20
    other = tmp_path / "other"
    build_folder(tmp_path / "mine", None, other, 0.2, 0.1, 6)
    assert read(other / "val.json") != splits["val"]


def test_a_list_serves_as_well_and_impossible_shares_are_refused(tmp_path: Path) -> None:
    for i in range(4):
        photo(tmp_path / "mine" / f"{i}.png")
    listed = tmp_path / "list.csv"
    listed.write_text("photo,caption\n" + "".join(f"{i}.png,a red card\n" for i in range(4)))
    build_folder(tmp_path / "mine", listed, tmp_path / "out", 0.25, 0.0, 0)
    assert not (tmp_path / "out" / "test.json").exists()
    assert len(read(tmp_path / "out" / "train.json")) == 3
    build_folder(tmp_path / "mine", listed, tmp_path / "out", 0.25, 0.25, 0, force=True)
    assert len(read(tmp_path / "out" / "test.json")) == 1
    (tmp_path / "out" / "mine.json").write_text("{}")
    build_folder(
        tmp_path / "mine", listed, tmp_path / "out", 0.25, 0.0, 0, force=True
    )  # its photos are in the others again
    assert not (tmp_path / "out" / "test.json").exists() and (tmp_path / "out" / "mine.json").exists()
    for val, test in ((0.6, 0.5), (-0.1, 0.1), (0.0, 0.2)):
        with pytest.raises(ValueError, match="must leave some for training"):
            build_folder(tmp_path / "mine", listed, tmp_path / "new", val, test, 0)
    with pytest.raises(ValueError, match="4 usable photos are too few for a val set"):
        build_folder(tmp_path / "mine", listed, tmp_path / "new", 0.01, 0.25, 0)
    (tmp_path / "elsewhere").mkdir()
    with pytest.raises(ProblemsFound, match=r"Not one photo of the list can be used; is .*elsewhere the right folder?"):
        build_folder(tmp_path / "elsewhere", listed, tmp_path / "new", 0.25, 0.0, 0)


def test_photos_that_no_row_names_are_left_out_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for i in range(6):
        photo(tmp_path / "mine" / f"{i}.png")
    photo(tmp_path / "mine" / "deep" / "6.png")
    listed, out = tmp_path / "list.csv", tmp_path / "out"
    listed.write_text(
        "photo,caption\n" + "".join(f"{i}.png,a red card\n" for i in range(1, 4)) + "./0.png,a car\n5.png,\n"
    )
    manifest = build_folder(tmp_path / "mine", listed, out, 0.25, 0.25, 0)
    left = [json.loads(line) for line in (out / "left_out.jsonl").read_text().splitlines()]
    assert [(row["photo"], row["what"]) for row in left] == [
        ("5.png", "empty caption"),
        ("4.png", "photo without a caption"),
        ("deep/6.png", "photo without a caption"),
    ]
    print_manifest(manifest, out)
    assert "left out: 2 photos without a caption" in capsys.readouterr().out


def test_lists_do_not_change_under_a_run_that_was_trained_with_them(tmp_path: Path) -> None:
    """The same build may be made again, and has the same bytes; another seed needs a folder of its own, or force."""
    for i in range(20):
        photo(tmp_path / "mine" / f"{i}.png")
        (tmp_path / "mine" / f"{i}.txt").write_text("a red card\n")
    out = tmp_path / "out"

    def build(seed: int, test: float = 0.2, force: bool = False) -> dict[str, bytes]:
        build_folder(tmp_path / "mine", None, out, 0.2, test, seed, force=force)
        return {path.name: path.read_bytes() for path in out.iterdir()}

    before = build(0)
    assert build(0) == before
    for seed, test in ((1, 0.2), (0, 0.0)):
        with pytest.raises(FileExistsError, match=r"test\.json, train\.json.* choose another folder with -o.*--force"):
            build(seed, test)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert build(1, force=True)["test.json"] != before["test.json"]


def test_too_few_photos_name_those_that_were_left_out(tmp_path: Path) -> None:
    for i in range(4):
        photo(tmp_path / "mine" / f"{i}.png", "gray" if i else "red")
    listed = tmp_path / "list.csv"
    listed.write_text("photo,caption\n" + "".join(f"{i}.png,a red card\n" for i in range(4)) + "gone.png,a car\n")
    with pytest.raises(ProblemsFound, match=r"(?s)3 near-gray photo.*line 6: gone\.png: miss.*1 usable photos are"):
        build_folder(tmp_path / "mine", listed, tmp_path / "new", 0.3, 0.3, 0)


def test_a_build_that_was_killed_while_it_wrote_is_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(9):
        photo(tmp_path / "mine" / f"{i}.png")
        (tmp_path / "mine" / f"{i}.txt").write_text("a red card\n")
    out, replace = tmp_path / "out", os.replace

    def build_locked() -> None:
        """As the command does it."""
        with locked(out):
            build_folder(tmp_path / "mine", None, out, 0.2, 0.2, 0)

    for end in range(6):
        done: list[Path] = []

        def dying(source: Path, target: Path, end: int = end, done: list[Path] = done) -> None:
            if len(done) == end:
                raise KeyboardInterrupt
            done.append(target)
            replace(source, target)

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr("lcoins.files.os.replace", dying)
            build_locked()
        left = out / (".train.json.1.part" if end else "..unfinished.1.part")  # by a kill
        out.mkdir(exist_ok=True)
        left.write_text("{", encoding="utf-8")
    build_locked()
    (out / "manifest.json").unlink()
    (out / ".unfinished").write_text("own photos\ntest.json\ntrain.json\nval.json", encoding="utf-8")
    build_folder(tmp_path / "mine", None, out, 0.2, 0.0, 0)  # its photos are in the others
    assert not (out / "test.json").exists()
    with pytest.raises(FileExistsError, match=r"train\.json, val\.json would change"):
        build_locked()
    build_folder(tmp_path / "mine", None, out, 0.2, 0.2, 0, force=True)
    names = ["left_out.jsonl", "manifest.json", "test.json", "train.json", "val.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ValueError, match="holds other files"):
        build_folder(tmp_path / "mine", None, tmp_path / "other", 0.2, 0.2, 0)
