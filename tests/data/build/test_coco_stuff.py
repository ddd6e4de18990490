"""Extended COCO-Stuff from published lists and from COCO's captions: what is kept, aligned and left out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.color.object_pairs import read_object_colors
from lcoins.data.build.coco_stuff import build_extended_coco_stuff, names_color, normalize
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import captions_by_photo

TRAIN = {
    "000000000001.jpg": ["a white dog on red table", "two zebras"],
    "000000000002.jpg": ["a skateboarder in blue pants"],
    "000000000003.jpg": ["a black cat"],
}
PAIRS = {
    "000000000001.jpg": [[[3, 2], [6, 5]], []],
    "000000000002.jpg": [[[5, 4], [0, 4], [9, 4], [2, 4]]],
    "000000000009.jpg": [[[1, 1]]],
}


def photo(path: Path, color: str = "red", mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (48, 32), color).convert(mode).save(path)


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    folder = tmp_path / "lists"
    folder.mkdir()
    (folder / "selected_train.json").write_text(json.dumps(TRAIN))
    (folder / "selected_val.json").write_text(json.dumps({"000000000007.jpg": ["a green car"]}))
    (folder / "Extended_COCO_Stuff.json").write_text(json.dumps({"000000000007.jpg_0": "a green car"}))
    (folder / "obj2col.json").write_text(json.dumps(PAIRS))
    return folder


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def left_out(folder: Path) -> set[tuple[str, str]]:
    rows = [json.loads(line) for line in (folder / "left_out.jsonl").read_text().splitlines()]
    return {(row["what"], row["photo"]) for row in rows}


def test_published_lists_are_taken_as_they_are(lists: Path, tmp_path: Path) -> None:
    manifest, missing = build_extended_coco_stuff(lists, None, tmp_path / "out")
    assert missing == []
    assert read(tmp_path / "out" / "train.json") == TRAIN
    assert read(tmp_path / "out" / "test.json") == {"000000000007.jpg": ["a green car"]}
    assert manifest["train_list"] == "published"
    assert manifest["splits"]["train"] == {
        "photos": 3,
        "captions": 4,
        "colors": {"black": 1, "blue": 1, "red": 1, "white": 1},
    }
    assert [source["file"] for source in manifest["sources"]] == [
        "selected_train.json",
        "selected_val.json",
        "Extended_COCO_Stuff.json",
        "obj2col.json",
    ]
    pairs, problems = read_pairs(tmp_path / "out" / "train.json")
    assert [pair.line for pair in pairs] == [2, 2, 3, 4]
    assert not problems


def test_object_colors_keep_the_published_shape_for_the_captions_that_they_fit(lists: Path, tmp_path: Path) -> None:
    manifest, _ = build_extended_coco_stuff(lists, None, tmp_path / "out")
    assert read(tmp_path / "out" / "object_colors_train.json") == {
        "000000000001.jpg": [[[3, 2], [6, 5]], []],
        "000000000002.jpg": [[[5, 4], [2, 4]]],  # the pair with 0 and the one beyond the caption are dropped
    }
    assert left_out(tmp_path / "out") == {
        ("pair beyond its caption", "000000000002.jpg"),
        ("no object-color pairs", "000000000003.jpg"),
    }
    assert manifest["object_colors"] == {
        "photos": 3,
        "captions": 4,
        "pairs": 7,
        "captions_without_a_pair": 1,
        "pairs_with_position_0": 1,
        "photos_aligned": 2,
        "pairs_aligned": 4,
    }


def test_the_reader_of_the_published_pairs_reads_the_built_ones(lists: Path, tmp_path: Path) -> None:
    build_extended_coco_stuff(lists, None, tmp_path / "out")
    captions = captions_by_photo(read_pairs(tmp_path / "out" / "train.json")[0])
    built = read_object_colors(tmp_path / "out" / "object_colors_train.json", captions)
    assert built == ({"000000000001.jpg": [((2, 1), (5, 4)), ()], "000000000002.jpg": [((4, 3), (1, 3))]}, 0)
    assert read_object_colors(lists / "obj2col.json", captions) == (built[0], 2)


def test_what_is_no_pair_of_positions_is_named(lists: Path, tmp_path: Path) -> None:
    pairs = {"000000000003.jpg": [[[3, 2], [3], [3, "2"], [-1, 2], [3, 2.0], [True, 2]]]}
    (lists / "obj2col.json").write_text(json.dumps(pairs))
    manifest, _ = build_extended_coco_stuff(lists, None, tmp_path / "out")
    assert read(tmp_path / "out" / "object_colors_train.json") == {"000000000003.jpg": [[[3, 2]]]}
    assert manifest["left_out"] == {"no object-color pair": 5, "no object-color pairs": 2}


def test_photos_that_are_gray_missing_or_damaged_leave_the_training_list(lists: Path, tmp_path: Path) -> None:
    folder = tmp_path / "coco" / "train2017"
    photo(folder / "000000000001.jpg")
    photo(folder / "000000000002.jpg", "orange", "L")
    manifest, _ = build_extended_coco_stuff(lists, tmp_path / "coco", tmp_path / "out")
    assert list(read(tmp_path / "out" / "train.json")) == ["000000000001.jpg"]
    assert manifest["near_gray_left_out"] == 1
    assert ("near-gray photo", "000000000002.jpg") in left_out(tmp_path / "out")
    assert ("missing photo", "000000000003.jpg") in left_out(tmp_path / "out")
    build_extended_coco_stuff(lists, tmp_path / "coco", tmp_path / "gray", keep_gray=True)
    assert list(read(tmp_path / "gray" / "train.json")) == ["000000000001.jpg", "000000000002.jpg"]
    with pytest.raises(FileNotFoundError, match=r"train2017: no such folder; unpack .*train2017\.zip"):
        build_extended_coco_stuff(lists, tmp_path, tmp_path / "other")


def official(path: Path) -> None:
    texts = {1: ["A RED bus, parked.", "a red bus parked", "ice cream"], 2: ["Two zebras", "Colorful kites\n fly"]}
    rows: list[Any] = [{"image_id": n, "caption": text} for n, captions in texts.items() for text in captions]
    faulty: list[Any] = [{"image_id": 8, "caption": "a red one"}, {"image_id": 1}, 5]
    images = [{"id": n, "file_name": f"{n:012d}.jpg"} for n in texts] + [{"id": "x"}]
    path.write_text(json.dumps({"images": images, "annotations": rows + faulty}))


def test_without_the_training_list_it_is_rebuilt_from_cocos_captions(lists: Path, tmp_path: Path) -> None:
    (lists / "selected_train.json").unlink()
    official(lists / "captions_train2017.json")
    manifest, missing = build_extended_coco_stuff(lists, None, tmp_path / "out")
    assert missing == []
    assert manifest["train_list"] == "rebuilt"
    assert "first 20 words" in manifest["rule"]
    train = read(tmp_path / "out" / "train.json")
    assert train == {"000000000001.jpg": ["a red bus parked"], "000000000002.jpg": ["colorful kites fly"]}
    assert manifest["left_out"] == {"no caption of an image": 3, "no image": 1}
    assert not (tmp_path / "out" / "object_colors_train.json").exists()  # pairs fit the published list alone
    assert manifest["object_colors"]["pairs"] == 7


def test_the_rule() -> None:
    assert normalize("A red kite\nflies,\tHIGH") == "a red kite flies high"
    assert normalize("One " * 30).split() == ["one"] * 20
    assert names_color("a teal wall")
    assert names_color("multicolored")
    assert not names_color("a cream wall")
    assert not names_color("a wall")


def test_the_same_input_gives_the_same_bytes_and_nothing_else_is_overwritten(lists: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "one"):
        build_extended_coco_stuff(lists, None, tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert len(files) == 6
    for name in files:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    with pytest.raises(ValueError, match="holds other files; choose a new folder"):
        build_extended_coco_stuff(lists, None, lists)


@pytest.mark.parametrize("gone", ["obj2col.json", "selected_train.json"])
def test_pairs_of_an_earlier_build_do_not_stay(lists: Path, tmp_path: Path, gone: str) -> None:
    own = tmp_path / "out" / "mine.json"
    build_extended_coco_stuff(lists, None, tmp_path / "out")
    own.write_text("{}")
    (lists / gone).unlink()
    with pytest.raises(FileExistsError, match=r"object_colors_train\.json"):
        build_extended_coco_stuff(lists, None, tmp_path / "out")
    build_extended_coco_stuff(lists, None, tmp_path / "out", force=True)
    assert not (tmp_path / "out" / "object_colors_train.json").exists() and own.exists()
    assert (tmp_path / "out" / "train.json").exists() == (gone != "selected_train.json")


def test_the_command_says_what_must_be_fetched(lists: Path, tmp_path: Path) -> None:
    (lists / "selected_train.json").unlink()
    (lists / "obj2col.json").unlink()
    arguments = ["data", "build", "extended_coco_stuff", "--lists", str(lists), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "selected_train.json from L-CoDe" in result.output
    assert "annotations_trainval2017.zip" in result.output
    assert "obj2col.json from L-CoDe" in result.output
    assert "val: 1 photo, 1 caption (green 1 ...)" in result.output
    for path in lists.iterdir():
        path.unlink()
    with pytest.raises(FileNotFoundError, match=r"holds none of the lists; put there"):
        build_extended_coco_stuff(lists, None, tmp_path / "none")


def test_a_color_photo_in_odd_modes_is_not_gray(lists: Path, tmp_path: Path) -> None:
    folder = tmp_path / "coco" / "train2017"
    photo(folder / "000000000001.jpg", "red", "CMYK")
    noise = np.random.default_rng(0).integers(0, 255, (32, 48), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "000000000002.jpg")
    photo(folder / "000000000003.jpg", "blue")
    build_extended_coco_stuff(lists, tmp_path / "coco", tmp_path / "out")
    assert list(read(tmp_path / "out" / "train.json")) == ["000000000001.jpg", "000000000003.jpg"]


@pytest.mark.parametrize("content", ["[]", "{", '{"a.jpg": 5}', '{"a.jpg": [[3]]}', '{"a.jpg": [3]}'])
def test_object_colors_of_another_shape_are_refused(lists: Path, tmp_path: Path, content: str) -> None:
    (lists / "obj2col.json").write_text(content)
    with pytest.raises(ValueError, match=r"obj2col\.json: expected \{photo: \[\[\[object, color\]"):
        build_extended_coco_stuff(lists, None, tmp_path / "out")
