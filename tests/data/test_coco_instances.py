"""Instances in COCO's format: polygons, run lengths and their compressed form give the same masks, in any crop."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lcoins.data.captioned_instances import Polygons
from lcoins.data.coco_format import read_annotations, run_lengths
from lcoins.data.coco_instances import CocoInstances, disjoint

LEFT = [0, 0, 20, 0, 20, 20, 0, 20]
# The same half of a photo of 40 x 20 pixels: no pixel off, 400 on, 400 off; as numbers and as pycocotools writes them.
RUNS: list[Any] = [[0, 400, 400], "0`<`<"]


def annotation(outline: Any, category: int = 6, crowd: int = 0, **more: Any) -> dict[str, Any]:
    outline = outline if isinstance(outline, list) and isinstance(outline[0], list) else {"counts": outline}
    return {"image_id": 7, "category_id": category, "iscrowd": crowd, "segmentation": outline} | more


def write(path: Path, *annotations: dict[str, Any]) -> CocoInstances:
    """Two photos of 40 x 20 pixels, of which the second has no instances."""
    content = {
        "images": [{"id": 7 + n, "file_name": name, "width": 40, "height": 20} for n, name in enumerate("ab")],
        "categories": [{"id": 6, "name": "bus"}, {"id": 18, "name": "dog"}],
        "annotations": list(annotations),
    }
    path.write_text(json.dumps(content))
    return CocoInstances(path)


@pytest.mark.parametrize("runs", RUNS, ids=["numbers", "compressed"])
@pytest.mark.parametrize("box", [(0.0, 0.0, 1.0, 1.0), (0.25, 0.0, 1.0, 1.0), (0.25, 0.5, 0.75, 1.0)])
@pytest.mark.parametrize("flipped", [False, True])
def test_all_forms_of_an_outline_give_one_mask(tmp_path: Path, runs: Any, box: Any, flipped: bool) -> None:
    instances = write(tmp_path / "i.json", annotation([LEFT]), annotation(runs, crowd=1))
    found = instances.crop("a", 32, box, flipped=flipped)
    assert found.names == ("bus", "bus") and found.crowd == (False, True)
    x = box[0] + (box[2] - box[0]) * (np.arange(32) + 0.5) / 32
    wanted = np.broadcast_to(x < 0.5, (32, 32))
    wanted = wanted[:, ::-1] if flipped else wanted
    for mask in found.masks:
        assert (mask ^ wanted).mean() <= 1 / 32  # a column at the edge


def test_a_crop_is_what_is_cut_from_the_whole(tmp_path: Path) -> None:
    triangle = [4, 2, 38, 6, 10, 18]
    instances = write(tmp_path / "i.json", annotation([triangle, [30, 12, 38, 12, 38, 19, 30, 19]], 18))
    whole = instances.crop("a", 64).masks[0]
    quarter = instances.crop("a", 32, (0.5, 0.5, 1.0, 1.0)).masks[0]
    assert (quarter ^ whole[32:, 32:]).mean() < 0.02 and 0.1 < quarter.mean() < 0.9


def test_names_and_shares_are_those_of_each_photo(tmp_path: Path) -> None:
    dog = annotation([[30, 5, 40, 5, 40, 10, 30, 10]], 18, area=48.0)
    instances = write(tmp_path / "i.json", dog, annotation([LEFT]), annotation(RUNS[0]), annotation(RUNS[1]))
    named = instances.named_shares("a")
    assert [name for name, _ in named] == ["dog", "bus", "bus", "bus"]
    assert [share for _, share in named] == pytest.approx([0.06, 0.5, 0.5, 0.5])  # of its own, else from the outline
    assert instances.named_shares("b") == [] and instances.named_shares("c") == []
    assert "b" in instances and "c" not in instances
    assert instances.crop("c", 8).masks.shape == (0, 8, 8)


def test_run_lengths_decode_differences_of_either_sign() -> None:
    assert run_lengths("52203", (4, 4)) == [5, 2, 2, 2, 5]
    assert run_lengths("P2P2P2PO", (16, 14)) == [64, 64, 64, 32]


@pytest.mark.parametrize(
    "broken",
    [
        annotation([[0, 0, 1]]),  # a point without y
        annotation([["0", "0", "1", "1"]]),
        annotation([0, 400, 399]),  # not all of the photo
        annotation("0`<"),
        annotation([LEFT], category=5),
        annotation([LEFT]) | {"image_id": 1},
        {"image_id": 7, "category_id": 6},
    ],
)
def test_another_form_is_refused_by_name(tmp_path: Path, broken: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"i\.json is not of the form of COCO's instances"):
        write(tmp_path / "i.json", annotation([LEFT]), broken)


@pytest.mark.parametrize("content", ["{", "[]", '{"images": [], "categories": [], "annotations": []}'])
def test_another_file_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / "i.json").write_text(content)
    with pytest.raises(ValueError, match=r"i\.json is not of the form of COCO's instances"):
        CocoInstances(tmp_path / "i.json")
    with pytest.raises(FileNotFoundError, match=r"none\.json: no file of instances"):
        CocoInstances(tmp_path / "none.json")


def test_of_things_of_one_size_the_first_is_in_front() -> None:
    """On every processor: sorting that is not stable goes by the processor's instructions."""
    shared, *others = disjoint(np.ones((70, 4, 4), bool))
    assert shared.all() and not np.any(others)


def test_a_file_is_read_entry_by_entry(tmp_path: Path) -> None:
    """So that it may be larger than the memory: the first entry comes before the file is at its end."""
    write(tmp_path / "i.json", annotation([LEFT]), annotation([LEFT]))
    text = (tmp_path / "i.json").read_text()
    (tmp_path / "cut.json").write_text(text[: text.rindex("{")] + " " * 2**17 + "{")
    assert next(read_annotations(tmp_path / "cut.json")).area == 400


def test_two_entries_of_one_photo_are_one(tmp_path: Path) -> None:
    write(tmp_path / "i.json", annotation([LEFT]), annotation([LEFT], 18) | {"image_id": 8}, annotation([LEFT], 18))
    content = json.loads((tmp_path / "i.json").read_text())
    content["images"].insert(0, {"id": 1, "file_name": "a", "width": 40, "height": 20})
    content["annotations"].append(annotation([LEFT]) | {"image_id": 1})
    (tmp_path / "i.json").write_text(json.dumps(content))
    for read in (CocoInstances, Polygons):
        found = read(tmp_path / "i.json")
        assert list(found.photos) == ["a", "b"]
        if isinstance(found, CocoInstances):
            assert found.crop("a", 8).names == ("bus", "dog", "bus") and found.crop("b", 8).names == ("dog",)
        else:
            assert {name: len(things) for name, things in found.photos["a"].objects.items()} == {"bus": 2, "dog": 1}
    content["images"][0]["width"] = 41
    (tmp_path / "i.json").write_text(json.dumps(content))
    for read in (CocoInstances, Polygons):
        with pytest.raises(ValueError, match=r"i\.json .*the photo 'a' to agree"):
            read(tmp_path / "i.json")
