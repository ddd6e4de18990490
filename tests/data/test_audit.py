"""`lcoins data check`: one photo or caption of every fault, each found once; look-alikes; exit status."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageFilter
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.data.audit import Finding, Split, check_splits, identity
from lcoins.imaging.duplicates import close_pairs, perceptual_hash
from lcoins.imaging.near_gray import is_near_gray


def scene(seed: int, size: tuple[int, int] = (96, 72)) -> Image.Image:
    """A colorful picture of smooth blobs, another for each seed."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC)


def make_split(folder: Path, name: str, captions: dict[str, list[str]], **pictures: Image.Image) -> Split:
    root = folder / name
    root.mkdir()
    for i, photo in enumerate(captions):
        picture = pictures.get(photo.removesuffix(".png"), scene(hash_of(name) + i))
        picture.save(root / photo)
    (folder / f"{name}.json").write_text(json.dumps(captions))
    return Split(name, root, folder / f"{name}.json")


def hash_of(name: str) -> int:
    return 1000 * sum(map(ord, name))


def check(*splits: Split, longest: int = 80) -> list[Finding]:
    return check_splits(splits, lambda caption: len(caption.split()), longest)[0]


def kinds(findings: list[Finding]) -> Counter[tuple[str, str]]:
    return Counter((finding.kind, finding.photo) for finding in findings)


def test_clean_splits_have_no_finding(tmp_path: Path) -> None:
    train = make_split(tmp_path, "train", {"a.png": ["a red car"], "b.png": ["a blue bird", "a teal bird"]})
    val = make_split(tmp_path, "val", {"c.png": ["a gray cat"]})
    findings, counts = check_splits([train, val], lambda caption: 3, 80)
    assert findings == []
    assert counts["train"] == {"photos": 2, "captions": 3, "usable photos": 2}


def test_one_fault_of_each_kind_is_found_and_none_is_fatal(tmp_path: Path) -> None:
    long = "a red " + "very " * 30 + "old car"
    captions = {
        "good.png": ["a red car"],
        "plain.png": ["a car"],
        "long.png": [long],
        "letters.png": ["a brown café"],
        "twice.png": ["a Red cup", "a red cup"],
        "empty.png": ["", "a pink cup"],
        "gray.png": ["a white cat"],
        "cut.png": ["a white dog"],
        "text.png": ["a white fox"],
        "same.png": ["a green car"],
        "alike.png": ["a green bus"],
    }
    original = scene(7)
    split = make_split(
        tmp_path,
        "train",
        captions,
        gray=scene(3).convert("L"),
        good=original,
        same=original,
        alike=original.resize((192, 144)).filter(ImageFilter.GaussianBlur(1)),
    )
    (split.root / "cut.png").write_bytes((split.root / "cut.png").read_bytes()[:300])
    (split.root / "text.png").write_text("no picture")
    scene(50).save(split.root / "unlisted.png")
    content = json.loads(split.captions.read_text())
    split.captions.write_text(json.dumps(content | {"gone.png": ["a red bus"]}))
    found = kinds(check(split, longest=20))
    assert found == Counter(
        {
            ("no color word", "plain.png"): 1,
            ("caption too long", "long.png"): 1,
            ("letters beyond ASCII", "letters.png"): 1,
            ("caption twice", "twice.png"): 1,
            ("empty caption", "empty.png"): 1,
            ("near-gray photo", "gray.png"): 1,
            ("truncated photo", "cut.png"): 1,
            ("unreadable photo", "text.png"): 1,
            ("missing photo", "gone.png"): 1,
            ("photo without a caption", "unlisted.png"): 1,
            ("same photo twice", "same.png"): 1,
            ("photos that look alike", "alike.png"): 1,
        }
    )


def test_a_photo_that_another_list_of_its_folder_names_has_a_caption(tmp_path: Path) -> None:
    train = make_split(tmp_path, "train", {"a.png": ["a red car"], "b.png": ["a blue car"]})
    train.captions.write_text(json.dumps({"a.png": ["a red car"]}))
    (tmp_path / "val.json").write_text(json.dumps({"b.png": ["a blue car"]}))
    scene(50).save(train.root / "unlisted.png")
    val = Split("val", train.root / ".." / train.root.name, tmp_path / "val.json")
    found = [f for f in check(train, val) if f.kind == "photo without a caption"]
    assert [(f.split, f.photo) for f in found] == [("train", "unlisted.png")]


def test_a_photo_in_two_splits_is_found_by_name_bytes_and_look(tmp_path: Path) -> None:
    by_name, by_bytes, by_look = (scene(seed) for seed in (1, 2, 3))
    train = make_split(
        tmp_path,
        "train",
        {"000000000034.jpg": ["a red car"], "x.png": ["a red bus"], "y.png": ["a red hat"]},
        x=by_bytes,
        y=by_look,
    )
    by_name.save(train.root / "000000000034.jpg")
    val = make_split(
        tmp_path,
        "val",
        {"coco_000000000034.jpg": ["a blue car"], "p.png": ["a blue bus"], "q.png": ["a blue hat"]},
        p=by_bytes,
        q=by_look.resize((48, 36)),
    )
    scene(99).save(val.root / "coco_000000000034.jpg")
    found = {(f.level, f.kind, f.photo): f.detail for f in check(train, val)}
    assert found == {
        ("error", "photo in two splits", "coco_000000000034.jpg"): "also train: 000000000034.jpg (by its name)",
        ("error", "photo in two splits", "p.png"): "also train: x.png (by its bytes)",
        ("warning", "photo in two splits", "q.png"): found["warning", "photo in two splits", "q.png"],
    }
    assert "bits differ" in found["warning", "photo in two splits", "q.png"]


def test_one_name_of_unlike_photos_is_no_leak(tmp_path: Path) -> None:
    alike = scene(3)
    train = make_split(tmp_path, "train", {"1.png": ["a red car"], "2.png": ["a red bus"]}, **{"2": alike})
    val = make_split(tmp_path, "val", {"1.png": ["a red car"], "2.png": ["a red bus"]}, **{"2": alike.resize((48, 36))})
    scene(8).save(train.root / "1.png")
    scene(9).save(val.root / "1.png")
    assert [(f.level, f.kind, f.photo) for f in check(train, val)] == [("error", "photo in two splits", "2.png")]


def test_the_same_name_in_one_split_is_no_leak(tmp_path: Path) -> None:
    split = make_split(tmp_path, "train", {"a.png": ["a red car"]})
    (split.root / "sub").mkdir()
    scene(5).save(split.root / "sub" / "a.png")
    split.captions.write_text(json.dumps({"a.png": ["a red car"], "sub/a.png": ["a blue car"]}))
    assert check(split) == []


@pytest.mark.parametrize("name", ["A.jpg", "vg_2354786.jpg", "000000000034.png"])
def test_other_names_identify_themselves(name: str) -> None:
    assert identity(f"folder/{name}") == name


def test_near_gray_is_about_pixels_that_can_be_seen() -> None:
    gray = scene(0).convert("L").convert("RGB")
    assert is_near_gray(gray)
    red = gray.copy()
    red.paste((200, 30, 30), (0, 0, 12, 12))  # two hundredths of the pixels
    assert not is_near_gray(red)
    assert not is_near_gray(scene(0))


def test_the_hash_bears_size_and_compression_but_not_mirroring(tmp_path: Path) -> None:
    scene(4, (320, 240)).save(tmp_path / "a.jpg", quality=40)
    own = perceptual_hash(scene(4, (320, 240)))
    assert (own ^ perceptual_hash(Image.open(tmp_path / "a.jpg"))).bit_count() <= 6
    assert (own ^ perceptual_hash(scene(4, (64, 48)))).bit_count() <= 6
    assert (own ^ perceptual_hash(scene(4, (320, 240)).transpose(Image.Transpose.FLIP_LEFT_RIGHT))).bit_count() > 12
    assert min((own ^ perceptual_hash(scene(seed))).bit_count() for seed in range(100, 160)) > 10


@given(st.lists(st.integers(0, 2**64 - 1), max_size=40), st.integers(0, 20), st.integers(1, 7))
def test_close_pairs_are_those_of_the_plain_double_loop(values: list[int], most: int, block: int) -> None:
    hashes = np.array(values, dtype=np.uint64)
    judge = [
        (i, j)
        for i in range(len(values))
        for j in range(i + 1, len(values))
        if (values[i] ^ values[j]).bit_count() <= most
    ]
    assert list(close_pairs(hashes, most, block)) == judge


def run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["data", "check", *map(str, arguments)])
    return result.exit_code, result.output


def test_the_command_reports_and_its_exit_status_tells(tmp_path: Path) -> None:
    train = make_split(tmp_path, "train", {"a.png": ["a red car"], "b.png": ["a bird"]})
    report = tmp_path / "out" / "report.json"
    code, output = run(train.root, train.captions, "-o", report)
    assert code == 0
    assert "train: 2 photos, 2 captions, 2 usable photos" in output
    assert "0 errors, 1 warnings" in output
    written = json.loads(report.read_text())
    assert (written["errors"], written["warnings"]) == (0, 1)
    assert written["findings"][0]["kind"] == "no color word"
    assert written["splits"]["train"]["photos"] == 2
    assert run(train.root, train.captions, "--strict")[0] == 1
    (train.root / "a.png").unlink()
    code, output = run(train.root, train.captions)
    assert code == 1
    assert "error: missing photo" in output


def test_two_lists_of_one_name_are_told_apart(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    places = []
    for folder, color in ((one, "red"), (other, "blue")):
        folder.mkdir()
        split = make_split(folder, "photos", {f"{color}.png": [f"a {color} car"]})
        places += [split.root, split.captions.rename(folder / "list.json")]
    assert "photos/list: 1 photos" in run(*places[:2], *places[2:])[1].replace("other/", "")


def test_wrong_usage_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["data", "check", str(tmp_path)])
    assert isinstance(result.exception, ValueError)
    assert "in pairs, got 1 paths" in str(result.exception)
