"""Multi-instance: the published test list, the rebuilt training list from every raw format, and kills in the middle."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.data.build.multi_instance import build_multi_instance
from lcoins.data.build.raw_sources import locate, read_entities, read_mdetr, read_narratives
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Problem
from lcoins.data.photos import Photos, RandomView

TWO = "a red car beside a blue bus"
TEST = {
    "coco_000000000034.jpg_0": "a white cat on a black mat",
    "coco_000000000034.jpg_1": "a black mat under a white cat",
    "coco_000000000035.jpg_0": TWO,
    "vg_77.jpg_0": TWO,
    "GQA_5.jpg_0": TWO,
    "openimages_7d81.jpg_0": TWO,
    "flickr30k_12.jpg_0": TWO,
    "ADE_train_00000001.jpg_0": TWO,
}


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """One file of each raw format, each with one faulty record of its kind."""
    folder = tmp_path / "raw"
    (folder / "entities" / "Sentences").mkdir(parents=True)
    images: list[Any] = [
        {"id": 0, "file_name": "COCO_train2014_000000000099.jpg", "caption": TWO.upper(), "data_source": "coco"},
        {"id": 1, "file_name": "88.jpg", "caption": "a red car. a green tree.", "data_source": "vg"},
        {"id": 2, "file_name": "88.jpg", "caption": "a red car. a green tree.", "data_source": "vg"},  # a duplicate
        {"id": 3, "file_name": "88.jpg", "caption": "a car on a street", "data_source": "vg"},
        {"id": 4, "file_name": "77.jpg", "caption": TWO, "data_source": "vg"},  # in the test list
        {"id": 5, "file_name": "66.jpg", "caption": TWO, "dataset_name": "flickr"},
        {"id": 6, "file_name": "66.jpg", "caption": TWO, "data_source": "imagenet"},
        {"id": 7, "caption": TWO},
    ]
    (folder / "mdetr.json").write_text(json.dumps({"info": [], "images": images, "annotations": []}))
    narratives = [
        {
            "dataset_id": "mscoco_val2017",
            "image_id": "137576",
            "caption": "In this image a Black cow and a white cow " * 20,
        },
        {"dataset_id": "open_images", "image_id": "00ab", "caption": TWO, "timed_caption": [{"utterance": "a"}]},
        {"dataset_id": "Flick30k_train", "image_id": "123", "caption": TWO},
        {"dataset_id": "ADE20k_train", "image_id": "ADE_train_00000007", "caption": TWO},
        {"dataset_id": "places", "image_id": "1", "caption": TWO},
        {"dataset_id": "mscoco_val2017", "image_id": "x7", "caption": TWO},
        {"dataset_id": "mscoco_val2017"},
        {"dataset_id": "ADE20k_train", "image_id": 7, "caption": TWO},
    ]
    lines = [json.dumps(row) for row in narratives]
    (folder / "narratives.jsonl").write_text("\n".join([*lines, '{"cut', ""]))
    sentences = folder / "entities" / "Sentences"
    (sentences / "123.txt").write_text(
        "[/EN#1/people Two men] in [/EN#2/clothing/other red shirts] and [/EN#0/notvisual blue hats] .\nNo colors .\n"
    )
    (sentences / "124.txt").write_text("[/EN#1/people Two men in red and blue .\n")
    (folder / "expressions.jsonl").write_text(
        json.dumps({"photo": "9.jpg", "caption": "the red sign left of a blue one"}) + "\n[1]\n"
    )
    (folder / "test.json").write_text(json.dumps(TEST | {"places_1.jpg_0": TWO}))
    (folder / "obj2col.json").write_text(json.dumps({"000000000034.jpg": [[[2, 1]]], "000000000099.jpg": [[]]}))
    return folder


def sources(raw: Path) -> list[tuple[str, Path]]:
    return [
        ("mdetr", raw / "mdetr.json"),
        ("narratives", raw / "narratives.jsonl"),
        ("entities", raw / "entities"),
        ("expressions", raw / "expressions.jsonl"),
    ]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def files(folder: Path) -> dict[str, bytes]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def test_every_source_gives_its_photos_and_every_fault_is_named(raw: Path, tmp_path: Path) -> None:
    manifest = build_multi_instance(raw / "test.json", sources(raw), tmp_path / "out", photos={})
    train = read(tmp_path / "out" / "train.json")
    assert list(train) == [
        "ADE_train_00000007.jpg",
        "GQA_9.jpg",
        "coco_000000000099.jpg",
        "coco_000000137576.jpg",
        "flickr30k_123.jpg",
        "flickr30k_66.jpg",
        "openimages_00ab.jpg",
        "vg_88.jpg",
    ]
    assert train["coco_000000000099.jpg"] == [TWO]
    assert train["vg_88.jpg"] == ["a red car. a green tree."]
    assert train["flickr30k_123.jpg"] == [TWO, "two men in red shirts and blue hats ."]
    assert manifest["data_set"] == "Multi-instance (rebuilt)"
    assert manifest["train_records"] == {"read": 8 + 9 + 3 + 2, "selected": 11}
    assert manifest["left_out"] == {
        "broken brackets": 1,
        "no expression": 1,
        "no narrative": 4,
        "no photo with a caption": 1,
        "photo of an unknown source": 3,
    }
    assert len(manifest["sources"]) == 4  # a folder has no checksum
    assert len((tmp_path / "out" / "left_out.jsonl").read_text().splitlines()) == 10


def test_a_photo_of_the_test_list_is_in_no_training_set_under_its_other_prefix(raw: Path, tmp_path: Path) -> None:
    tested = json.loads((raw / "test.json").read_text()) | {"GQA_88.jpg_0": TWO, "vg_9.jpg_0": TWO}
    (raw / "test.json").write_text(json.dumps(tested))
    build_multi_instance(raw / "test.json", sources(raw), tmp_path / "out", photos={})
    assert not {"vg_88.jpg", "GQA_9.jpg"} & read(tmp_path / "out" / "train.json").keys()


def test_the_test_list_is_counted_by_source_and_its_overlap_found(raw: Path, tmp_path: Path) -> None:
    manifest = build_multi_instance(raw / "test.json", [], tmp_path / "out", photos={}, coco_list=raw / "obj2col.json")
    assert manifest["test_photos_by_source"] == {
        "coco": 2,
        "vg": 1,
        "GQA": 1,
        "openimages": 1,
        "flickr30k": 1,
        "ADE": 1,
    }
    assert manifest["test_captions_by_source"]["coco"] == 3
    assert manifest["overlap"] == {"test_photos_in_extended_coco_stuff_training": 1}
    everything = read(tmp_path / "out" / "test.json")
    without = read(tmp_path / "out" / "test_without_overlap.json")
    assert set(everything) - set(without) == {"coco_000000000034.jpg"}
    assert not (tmp_path / "out" / "train.json").exists()


def test_the_limit_takes_photos_by_seed_and_more_of_them_contain_fewer(raw: Path, tmp_path: Path) -> None:
    chosen = {}
    for limit, seed in ((3, 0), (5, 0), (3, 1)):
        folder = tmp_path / f"{limit}-{seed}"
        build_multi_instance(raw / "test.json", sources(raw), folder, photos={}, limit=limit, seed=seed)
        chosen[limit, seed] = set(read(folder / "train.json"))
        assert len(chosen[limit, seed]) == limit
    assert chosen[3, 0] < chosen[5, 0]
    assert chosen[3, 0] != chosen[3, 1]


def test_photos_are_linked_under_their_keys_and_serve_as_a_training_root(raw: Path, tmp_path: Path) -> None:
    for name, color in (
        ("coco/train2014/COCO_train2014_000000000099.jpg", "red"),
        ("vg/VG_100K_2/88.jpg", "gray"),
        ("coco/val2017/000000000035.jpg", "blue"),
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        Image.new("RGB", (48, 32), color).save(tmp_path / name)
    roots = {"coco": tmp_path / "coco", "vg": tmp_path / "vg"}
    out = tmp_path / "out"
    manifest = build_multi_instance(raw / "test.json", sources(raw), out, photos=roots)
    assert list(read(out / "train.json")) == ["coco_000000000099.jpg"]  # the gray one is left out
    assert list(read(out / "test.json")) == ["coco_000000000035.jpg"]
    assert manifest["left_out"]["near-gray photo"] == 1
    advice = {json.loads(line)["advice"] for line in (out / "left_out.jsonl").read_text().splitlines()}
    assert {"download it again", "name its folder with --photos GQA=DIR"} <= advice
    assert (out / "photos" / "train" / "coco_000000000099.jpg").is_symlink()
    pairs, _ = read_pairs(out / "train.json")
    assert int(Photos(out / "photos" / "train", pairs, 16, seed=0, view=RandomView())[0].rgb[0].min()) > 200
    copied = tmp_path / "copied"
    build_multi_instance(raw / "test.json", [], copied, photos=roots, copy=True)
    assert not (copied / "photos" / "val" / "coco_000000000035.jpg").is_symlink()
    with pytest.raises(ValueError, match=r"photos: expected sources out of coco, vg.*, got visual_genome"):
        build_multi_instance(raw / "test.json", [], tmp_path / "new", photos={"visual_genome": tmp_path})


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("coco_000000000034.jpg", "train2017/000000000034.jpg"),
        ("vg_5.jpg", "VG_100K/5.jpg"),
        ("GQA_5.jpg", "images/5.jpg"),
        ("openimages_a.jpg", "validation/a.jpg"),
        ("flickr30k_5.jpg", "flickr30k-images/5.jpg"),
        ("ADE_val_00000001.jpg", "images/validation/ADE_val_00000001.jpg"),
    ],
)
def test_keys_are_found_where_the_archives_unpack(tmp_path: Path, key: str, place: str) -> None:
    (tmp_path / place).parent.mkdir(parents=True)
    (tmp_path / place).touch()
    roots = {key.split("_")[0]: tmp_path}
    assert locate(key, roots) == tmp_path / place
    assert locate(key.replace(".jpg", "x.jpg"), roots) is None
    assert locate(key, {}) is None


def test_readers_name_the_place_of_a_fault(raw: Path, tmp_path: Path) -> None:
    faults = [
        record
        for read in (read_mdetr(raw / "mdetr.json"), read_narratives(raw / "narratives.jsonl"))
        for record in read
        if isinstance(record, Problem)
    ]
    assert [fault.where for fault in faults] == [
        "mdetr.json images[6]",
        "mdetr.json images[7]",
        "narratives.jsonl line 5",
        "narratives.jsonl line 6",
        "narratives.jsonl line 7",
        "narratives.jsonl line 8",
        "narratives.jsonl line 9",
    ]
    (tmp_path / "cut.json").write_text('{"images": [{"file_name": "1.jpg", "capt')
    with pytest.raises(ValueError, match=r"cut\.json: no complete JSON .*download it again"):
        list(read_mdetr(tmp_path / "cut.json"))
    with pytest.raises(FileNotFoundError, match=r"Sentences: no such folder; unpack"):
        list(read_entities(tmp_path))


SLOW = """
import sys, time
from pathlib import Path
from lcoins.data.build import multi_instance, selection
choose = multi_instance._choose
def wait(*arguments):
    print("chosen", flush=True)
    time.sleep(60)
line = selection._line
def slow(record):
    print("record", flush=True)
    time.sleep(0.2 if sys.argv[3] == "select" else 0)
    return line(record)
selection._line = slow
if sys.argv[3] == "choose":
    multi_instance._choose = wait
raw = Path(sys.argv[1])
given = [("narratives", raw / "narratives.jsonl"), ("mdetr", raw / "mdetr.json")]
multi_instance.build_multi_instance(raw / "test.json", given, Path(sys.argv[2]), photos={})
"""


@pytest.mark.parametrize(("moment", "sign", "count"), [("select", "record", 11), ("choose", "chosen", 1)])
def test_killed_in_the_middle_a_rerun_ends_with_the_same_bytes(
    raw: Path, tmp_path: Path, moment: str, sign: str, count: int
) -> None:
    out = tmp_path / "out"
    command = [sys.executable, "-c", SLOW, str(raw), str(out), moment]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        while count:
            count -= sign in process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    selections = {path.name: path.stat().st_mtime_ns for path in (out / ".selected").glob("[!.]*.jsonl")}
    assert len(selections) == (1 if moment == "select" else 2)
    assert not (out / "manifest.json").exists()
    time.sleep(0.01)
    given = [("narratives", raw / "narratives.jsonl"), ("mdetr", raw / "mdetr.json")]
    build_multi_instance(raw / "test.json", given, out, photos={})
    for name, time_ns in selections.items():
        assert (out / ".selected" / name).stat().st_mtime_ns == time_ns  # finished sources are not read again
    build_multi_instance(raw / "test.json", given, tmp_path / "whole", photos={})
    assert files(out) == files(tmp_path / "whole")


def test_a_changed_source_is_read_again(raw: Path, tmp_path: Path) -> None:
    given = [("narratives", raw / "narratives.jsonl")]
    build_multi_instance(raw / "test.json", given, tmp_path / "out", photos={})
    (raw / "narratives.jsonl").write_text(
        json.dumps({"dataset_id": "mscoco", "image_id": "1", "caption": "a teal hat and a pink one"})
    )
    os.utime(raw / "narratives.jsonl", ns=(5, 5))
    with pytest.raises(FileExistsError, match=r"train\.json would change"):
        build_multi_instance(raw / "test.json", given, tmp_path / "out", photos={})
    build_multi_instance(raw / "test.json", given, tmp_path / "out", photos={}, force=True)
    assert read(tmp_path / "out" / "train.json") == {"coco_000000000001.jpg": ["a teal hat and a pink one"]}


def test_the_command(raw: Path, tmp_path: Path) -> None:
    arguments = ["data", "build", "multi_instance", "--test-list", str(raw / "test.json"), "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "test: 7 photos, 8 captions" in result.output
    assert "--narratives from storage.googleapis.com/localized-narratives" in result.output
    more = ["--mdetr", str(raw / "mdetr.json"), "--coco-list", str(raw / "obj2col.json")]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert "overlap: 1 test photos in extended coco stuff training" in result.output
    assert "train: 3 photos" in result.output
    wrong = CliRunner().invoke(app, [*arguments, "--photos", "/data/coco"])
    assert "--photos takes SOURCE=FOLDER" in str(wrong.exception)
    gone = CliRunner().invoke(app, [*arguments, "--mdetr", str(raw / "gone.json")])
    assert "gone.json: no such mdetr source; get it from zenodo.org" in str(gone.exception)


@pytest.mark.parametrize("image", ["../../evil", "a/b", "a\\b", "a\nb"])
def test_an_id_that_is_a_path_is_named_and_linked_nowhere(raw: Path, tmp_path: Path, image: str) -> None:
    row = {"dataset_id": "open_images", "image_id": image, "caption": TWO}
    (raw / "narratives.jsonl").write_text(json.dumps(row))
    manifest = build_multi_instance(
        raw / "test.json", [("narratives", raw / "narratives.jsonl")], tmp_path / "out", photos={"openimages": raw}
    )
    assert manifest["left_out"]["photo outside the folder"] == 1
    assert read(tmp_path / "out" / "train.json") == {}
    assert not list((tmp_path / "out" / "photos" / "train").iterdir())
