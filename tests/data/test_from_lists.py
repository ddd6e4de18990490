"""Lists of photos for training, validation and tests: checked together, named in one report."""

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from torch.utils.data import DataLoader

from lcoins.data.augment import LuminanceAugmentation
from lcoins.data.datamodule import ColorizationData, KeyedSampler
from lcoins.data.from_lists import photo_data
from lcoins.data.types import collate
from lcoins.data.validate import ProblemsFound


def source(folder: Path, name: str, good: int, missing: int = 0) -> dict[str, str]:
    """A folder of drawn photos with a caption list that also names photos which are not there."""
    root = folder / name
    root.mkdir(parents=True)
    names = [f"{name}{i}.png" for i in range(good)]
    for index, photo in enumerate(names):
        Image.new("RGB", (40, 30), (10 * index, 90, 160)).save(root / photo)
    names += [f"{name}_gone{i}.png" for i in range(missing)]
    captions = folder / f"{name}.json"
    captions.write_text(json.dumps({photo: [f"a red {photo}"] for photo in names}))
    return {"root": str(root), "captions": str(captions)}


def made(train: Any, val: Any, tests: dict[str, Any], **options: Any) -> ColorizationData:
    settings: dict[str, Any] = {
        "image_size": 32,
        "eval_size": 48,
        "crop_scale": (0.5, 1.0),
        "hflip": "none",
        "on_problem": "stop",
        "batch_size": 2,
        "eval_batch_size": 2,
        "workers": 0,
        "augmentation": LuminanceAugmentation(0.0, 1.0),
        "seed": 0,
    }
    return photo_data(train, val, tests, **(settings | options))


def test_good_lists_give_three_kinds_of_sets_at_their_sizes(tmp_path: Path) -> None:
    report = tmp_path / "problems.jsonl"
    sets = [source(tmp_path, name, 3) for name in ("train", "val", "test")]
    data = made(sets[0], sets[1], {"test": sets[2]}, report=report)
    assert not report.exists()
    train, val, test = data.train_set, data.val_set, data.test_sets["test"]
    assert train is not None
    assert val is not None
    assert [len(samples) for samples in (train, val, test)] == [3, 3, 3]
    assert [samples[0].rgb.shape[-1] for samples in (train, val, test)] == [32, 32, 48]
    assert data.palette is None


def test_the_problems_of_all_lists_are_in_one_report(tmp_path: Path) -> None:
    report = tmp_path / "run" / "problems.jsonl"
    sets = [source(tmp_path, name, 2, missing) for name, missing in (("train", 30), ("val", 1), ("test", 2))]
    with pytest.raises(ProblemsFound) as stopped:
        made(sets[0], sets[1], {"test": sets[2]}, report=report)
    text = str(stopped.value)
    assert "33 problems (33 missing photo) beside 6 usable captions" in text
    assert "data.on_problem=leave_out" in text
    assert f"The full report is {report}" in text
    rows = [json.loads(line) for line in report.read_text().splitlines()]
    gone = [f"{name}_gone{i}.png" for name, count in (("train", 30), ("val", 1), ("test", 2)) for i in range(count)]
    assert [row["photo"] for row in rows] == gone
    assert {"where", "what", "advice"} <= rows[0].keys()
    assert [path.name for path in report.parent.iterdir()] == [report.name]


def test_what_is_left_out_is_told_and_the_rest_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sets = [source(tmp_path, name, 2, 1) for name in ("train", "val", "test")]
    report = tmp_path / "problems.jsonl"
    data = made(sets[0], sets[1], {"test": sets[2]}, on_problem="leave_out", report=report)
    assert data.train_set is not None
    assert len(data.train_set) == len(data.test_sets["test"]) == 2
    assert "left out: 3 problems" in capsys.readouterr().out
    assert len(report.read_text().splitlines()) == 3


@pytest.mark.parametrize("on_problem", ["stop", "leave_out"])
def test_a_list_of_which_nothing_is_left_stops(tmp_path: Path, on_problem: str) -> None:
    train, val = source(tmp_path, "train", 2), source(tmp_path, "val", 0, 2)
    with pytest.raises(ProblemsFound, match="Nothing is left of: val; is root the right folder") as stopped:
        made(train, val, {}, on_problem=on_problem)
    assert "leave_out" not in str(stopped.value)  # which would not help


def test_an_empty_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="val"):
        made(source(tmp_path, "train", 2), source(tmp_path, "val", 0), {})


@pytest.mark.parametrize("scale", [[0.5], [0.2, 0.5, 1.0]])
def test_a_crop_has_two_bounds(tmp_path: Path, scale: list[float]) -> None:
    with pytest.raises(ValueError, match=r"data\.crop_scale: expected two areas .* got \(0\."):
        made(source(tmp_path, "train", 2), None, {}, crop_scale=scale)


def test_another_choice_than_stop_and_leave_out_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="expected stop or leave_out, got 'ignore'"):
        made(source(tmp_path, "train", 2), None, {}, on_problem="ignore")


def test_a_training_says_where_a_test_set_is_the_validation_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train, val, other = (source(tmp_path, name, 3) for name in ("train", "val", "other"))
    made(train, val, {"test": val, "other": other})
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "test set" in line]
    assert line == (
        "tests.test: the test set is the validation set, which also chose the checkpoint; for a test of its own give "
        "data.tests.test.root and data.tests.test.captions"
    )
    made(train, val, {"other": other})
    made(None, None, {"test": val})
    assert "test set" not in capsys.readouterr().out


def test_evaluation_needs_no_training_photos(tmp_path: Path) -> None:
    data = made(None, None, {"test": source(tmp_path, "test", 3)})
    assert data.train_set is None
    assert data.val_set is None
    names = [name for batch in data.test_loaders()["test"] for name in batch.names]
    assert names == ["test0.png", "test1.png", "test2.png"]


def test_two_training_sets_are_merged_and_each_photo_seen_once_an_epoch(tmp_path: Path) -> None:
    one, other, val = (source(tmp_path, name, count) for name, count in (("one", 3), ("other", 5), ("val", 2)))
    train = made(one, val, {}, train_also=[other], batch_size=4).train_set
    assert train is not None
    assert len(train) == 8
    samples = [train[index] for index in range(8)]
    assert [sample.name for sample in samples] == [
        *(f"one{i}.png" for i in range(3)),
        *(f"other{i}.png" for i in range(5)),
    ]
    assert [sample.index for sample in samples] == list(range(8))
    train.set_epoch(1)
    assert any(train[index].recolored != samples[index].recolored for index in range(3))  # both parts draw anew
    assert any(train[index].recolored != samples[index].recolored for index in range(3, 8))
    for beyond in (8, -1):
        with pytest.raises(IndexError, match=f"sample {beyond} of 8"):
            train[beyond]


def test_what_is_wrong_in_a_merged_set_is_reported_with_the_rest(tmp_path: Path) -> None:
    one, other, val = source(tmp_path, "one", 3), source(tmp_path, "other", 2, missing=1), source(tmp_path, "val", 2)
    with pytest.raises(ProblemsFound, match=r"other_gone0\.png: missing photo"):
        made(one, val, {}, train_also=[other])
    assert made(None, val, {}, train_also=[other]).train_set is None  # for evaluation alone it is not looked at


def test_pairs_and_labels_come_with_the_lists_that_name_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other, val = (source(tmp_path, name, count) for name, count in (("one", 3), ("other", 2), ("val", 2)))
    colors = tmp_path / "obj2col.json"  # captions are "a red one0.png"
    colors.write_text(json.dumps({"one0.png": [[[3, 2], [0, 2]]], "one1.png": [[], []], "other0.png": [[[3, 2]]]}))
    for folder, name in (("one", "one1"), ("one", "one2"), ("other", "other0"), ("other", "other1")):
        (tmp_path / "maps" / folder).mkdir(parents=True, exist_ok=True)
        Image.new("L", (40, 30), 7).save(tmp_path / "maps" / folder / f"{name}.png")
    given = [
        part | {"object_colors": str(colors), "labels": str(tmp_path / "maps" / name)}
        for part, name in ((one, "one"), (other, "other"))
    ]
    train = made(given[0], val | {"labels": None}, {"test": val}, train_also=given[1:]).train_set
    assert train is not None
    assert [train[index].pairs for index in range(5)] == [((2, 1),), None, None, ((2, 1),), None]
    labels = [train[index].labels for index in range(5)]
    assert [None if found is None else found.unique().tolist() for found in labels] == [None, [7], [7], [7], [7]]
    assert capsys.readouterr().out.splitlines()[-3:] == [
        f"train: {colors} lacks the object-color pairs of 2 of 3 photos (it has none, or those of another number of "
        "captions); 1 pairs name no two words of their caption",
        f"train: {tmp_path}/maps/one lacks the labels of 1 of 3 photos",
        f"train_also[0]: {colors} lacks the object-color pairs of 1 of 2 photos (it has none, or those of another "
        "number of captions); 0 pairs name no two words of their caption",
    ]


def test_without_files_nothing_is_told_and_the_pairs_are_guessed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = made(source(tmp_path, "one", 2) | {"object_colors": None, "labels": None}, None, {}).train_set
    assert train is not None
    assert (train[0].pairs, train[0].labels) == (((2, 1),), None)
    assert "lacks" not in capsys.readouterr().out


def test_ranks_and_workers_share_a_merged_set_without_gaps_or_repetitions(tmp_path: Path) -> None:
    one, other, val = (source(tmp_path, name, count) for name, count in (("one", 3), ("other", 6), ("val", 2)))
    train = made(one, val, {}, train_also=[other]).train_set
    assert train is not None
    orders = []
    for epoch in range(2):
        seen: list[int] = []
        for rank in range(3):
            sampler = KeyedSampler(train, seed=4, shuffle=True, rank=rank, ranks=3)
            sampler.set_epoch(epoch)
            loader = DataLoader(train, batch_size=1, sampler=sampler, num_workers=2, collate_fn=collate)  # type: ignore[var-annotated, arg-type]
            seen += [int(batch.index) for batch in loader]
        assert sorted(seen) == list(range(9))
        orders.append(seen)
    assert orders[0] != orders[1]
