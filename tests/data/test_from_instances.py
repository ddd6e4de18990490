"""The data module of `data=instances`: sources from files, photos that are held out, and what is said when one errs."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.data.augment import LuminanceAugmentation
from lcoins.data.datamodule import ColorizationData
from lcoins.data.from_instances import InstanceSource, grounding_data, instance_data, is_held_out, read_source
from lcoins.data.recolored_photos import RecoloredPhotos
from lcoins.data.types import Batch

OPTIONS: dict[str, Any] = {
    "image_size": 32,
    "eval_size": 48,
    "samples": 8,
    "on_problem": "stop",
    "batch_size": 2,
    "eval_batch_size": 2,
    "workers": 0,
}
PAINTED: dict[str, Any] = {"share": 1.0, "views": 3, "word_recoloring": 0.0, "crop_scale": [0.6, 1.0]}


def written(folder: Path, photos: int = 6, missing: int = 0) -> dict[str, Any]:
    """A folder of photos, each with one bus; the fields of its training set, without captions."""
    folder.mkdir()
    names = [f"{number}.png" for number in range(photos)]
    for name in names:
        Image.new("RGB", (40, 30), (120, 110, 100)).save(folder / name)
    names += [f"gone{number}.png" for number in range(missing)]
    outline = [8, 6, 32, 6, 32, 24, 8, 24]
    content = {
        "images": [{"id": n, "file_name": name, "width": 40, "height": 30} for n, name in enumerate(names)],
        "categories": [{"id": 1, "name": "bus"}],
        "annotations": [{"image_id": n, "category_id": 1, "segmentation": [outline]} for n in range(len(names))],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    (folder / "captions.json").write_text(json.dumps({name: ["a street"] for name in names[:photos]}))
    fields = {"root": str(folder), "captions": None, "instances": str(folder / "instances.json")}
    return fields | {"repainted": 1, "plain": 1, "held_out": None}


def made(*sets: dict[str, Any], val: Path, **more: Any) -> ColorizationData:
    lists = {"root": str(val), "captions": str(val / "captions.json")}
    given: dict[str, Any] = {"augmentation": LuminanceAugmentation(0.0, 1.0), "seed": 0, "repainting": PAINTED}
    return instance_data(list(sets), lists, {"test": lists}, **(given | OPTIONS | more))


def test_files_give_sets_and_batches(tmp_path: Path) -> None:
    fields = written(tmp_path / "p")
    data = made(fields, fields | {"captions": str(tmp_path / "p" / "captions.json")}, val=tmp_path / "p")
    assert isinstance(data.train_set, RecoloredPhotos) and len(data.train_set) == 8
    assert data.val_set is not None and len(data.val_set) == 6
    assert [samples[0].rgb.shape[-1] for samples in (data.val_set, data.test_sets["test"])] == [32, 48]
    assert [len(source.captions) for source in data.train_set.sources] == [0, 6]
    batch: Any = next(iter(data.train_dataloader()))
    assert isinstance(batch, Batch) and isinstance(batch.crop, Tensor)
    assert len(batch) == 6 and batch.crop.tolist() == [0, 0, 0, 1, 1, 1]
    batch = data.on_after_batch_transfer(batch)
    assert batch.lightness.shape == (6, 1, 32, 32) and batch.emphasis.shape == (6, 1, 32, 32)


def test_only_tests_are_read_when_nothing_is_trained(tmp_path: Path) -> None:
    written(tmp_path / "p")
    test = {"root": str(tmp_path / "p"), "captions": str(tmp_path / "p" / "captions.json")}
    augmentation = LuminanceAugmentation(0.0, 1.0)
    data = instance_data(None, None, {"t": test}, augmentation=augmentation, seed=0, repainting=PAINTED, **OPTIONS)
    assert data.train_set is None and data.val_set is None and len(data.test_sets["t"]) == 6


def test_held_out_photos_are_never_drawn(tmp_path: Path) -> None:
    data = made(written(tmp_path / "p", photos=20) | {"held_out": 3}, val=tmp_path / "p", samples=80)
    assert isinstance(data.train_set, RecoloredPhotos)
    names = {f"{number}.png" for number in range(20)}
    held_out = {name for name in names if is_held_out(name, 3)}
    assert 0 < len(held_out) < 15
    assert {data.train_set[index].photo for index in range(80)} == names - held_out


def test_grounding_is_validated_on_the_held_out_photos(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields = written(tmp_path / "p", photos=20, missing=2) | {"held_out": 3}
    given: dict[str, Any] = {"augmentation": LuminanceAugmentation(0.0, 1.0), "seed": 0, "val_samples": 40}
    drawn: dict[str, Any] = {"sentences": 2, "by_captions": 0.3, "crop_scale": (0.6, 1.0)}
    data = grounding_data([fields], None, **given, **drawn, **(OPTIONS | {"samples": 80}))
    assert capsys.readouterr().out.count("names 2 photos") == 1  # each file is read once
    assert data.train_set is not None and data.val_set is not None
    held_out = {f"{number}.png" for number in range(20) if is_held_out(f"{number}.png", 3)}
    assert {data.val_set[index].photo for index in range(40)} == held_out
    assert not held_out & {data.train_set[index].photo for index in range(80)}
    with pytest.raises(ValueError, match="expected held_out in one set or more"):
        grounding_data([fields | {"held_out": None}], None, **given, **drawn, **OPTIONS)


def test_grounding_is_validated_on_the_same_crops_whatever_the_seed(tmp_path: Path) -> None:
    fields = written(tmp_path / "p", photos=20) | {"held_out": 3}
    drawn: dict[str, Any] = {"sentences": 2, "by_captions": 0.0, "crop_scale": (0.6, 1.0), "val_samples": 4}
    shown: dict[str, list[list[str]]] = {"train": [], "val": []}
    for seed in (0, 1):
        data = grounding_data(
            [fields], None, augmentation=LuminanceAugmentation(0.0, 1.0), seed=seed, **drawn, **OPTIONS
        )
        assert data.train_set is not None and data.val_set is not None
        shown["train"].append([data.train_set[index].caption for index in range(4)])
        shown["val"].append([data.val_set[index].caption for index in range(4)])
    assert shown["val"][0] == shown["val"][1] and shown["train"][0] != shown["train"][1]


def test_a_photo_is_held_out_by_its_file_name_alone() -> None:
    names = [f"{number:06}.jpg" for number in range(2600)]
    held_out = [name for name in names if is_held_out(name, 26)]
    assert 60 < len(held_out) < 140
    assert all(is_held_out(f"train2017/{name}", 26) for name in held_out)
    assert not any(is_held_out(name, None) for name in names)


def test_photos_that_only_the_instances_name_may_be_missing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = read_source(InstanceSource(**written(tmp_path / "p", missing=2)), {"0.png": ["a street"]})
    assert source.photos == tuple(f"{number}.png" for number in range(6))
    assert "names 2 photos that " in capsys.readouterr().out


def test_photos_of_instances_can_be_packed(tmp_path: Path) -> None:
    fields = written(tmp_path / "p")
    arguments = ["data", "pack", fields["root"], "--instances", fields["instances"], "-o", str(tmp_path / "pack")]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    source = read_source(InstanceSource(**(fields | {"root": str(tmp_path / "pack")})), {})
    assert len(source.photos) == 6
    none = CliRunner().invoke(app, ["data", "pack", fields["root"], "-o", str(tmp_path / "other")])
    assert none.exit_code == 2 and "caption lists" in none.output


def test_a_bad_list_stops_the_training(tmp_path: Path) -> None:
    fields = written(tmp_path / "p")
    (tmp_path / "p" / "captions.json").write_text(json.dumps({"gone.png": ["a street"], "0.png": ["a street"]}))
    with pytest.raises(ValueError, match=r"gone\.png"):
        made(fields, val=tmp_path / "p")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"captions": None, "instances": None}, "neither captions nor instances"),
        ({"plain": -1}, "expected repainted and plain of at least 0"),
        ({"held_out": 1}, "held_out: expected null or at least 2, got 1"),
    ],
)
def test_an_impossible_set_is_refused(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        InstanceSource(**({"root": "r", "captions": "c", "instances": "i", "repainted": 1, "plain": 1} | wrong))


def test_no_set_and_unknown_options_are_refused(tmp_path: Path) -> None:
    fields = written(tmp_path / "p")
    with pytest.raises(ValueError, match=r"data\.train: expected at least one set"):
        made(val=tmp_path / "p")
    with pytest.raises(ValueError, match=r"data\.on_problem: expected stop or leave_out"):
        made(fields, val=tmp_path / "p", on_problem="ask")
