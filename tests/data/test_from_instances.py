"""Training sets of photos with instances, from files to batches: what is painted, what is kept out, what repeats."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from lcoins.color.names import PAINTED_LAB
from lcoins.data.augment import LuminanceAugmentation
from lcoins.data.datamodule import ColorizationData
from lcoins.data.from_instances import instance_data
from lcoins.data.recolored_photos import RecoloredPhotos, is_held_out
from lcoins.data.types import collate

OPTIONS: dict[str, Any] = {
    "image_size": 32,
    "eval_size": 32,
    "samples": 12,
    "on_problem": "stop",
    "batch_size": 4,
    "eval_batch_size": 4,
    "workers": 0,
}
ALL_PAINTED = {"share": 1.0, "views": 3, "word_recoloring": 0.0, "crop_scale": [0.6, 1.0]}


def written(folder: Path, kind: str = "bus", photos: int = 6) -> dict[str, Any]:
    """A folder of gray photos, each with one thing in the middle; the fields of its training set."""
    folder.mkdir()
    images, annotations = [], []
    for number in range(photos):
        pixels = np.random.default_rng(number).integers(90, 140, (48, 64, 1), dtype=np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 48})
        outline = [16, 12, 48, 12, 48, 36, 16, 36]
        annotations.append(
            {"image_id": number, "category_id": 1, "iscrowd": 0, "area": 32 * 24, "segmentation": [outline]}
        )
    content = {"images": images, "categories": [{"id": 1, "name": kind}], "annotations": annotations}
    (folder / "instances.json").write_text(json.dumps(content))
    (folder / "captions.json").write_text(json.dumps({f"{number}.png": ["a street"] for number in range(photos)}))
    return {
        "root": str(folder),
        "captions": None,
        "instances": str(folder / "instances.json"),
        "repainted": 1,
        "plain": 1,
    }


def data(*sets: dict[str, Any], val: Path, repainting: dict[str, Any] = ALL_PAINTED, **more: Any) -> ColorizationData:
    lists = {"root": str(val), "captions": str(val / "captions.json")}
    augmentation = LuminanceAugmentation(hue=0.0, gamma=1.0)
    options = OPTIONS | more
    return instance_data(list(sets), lists, {}, augmentation=augmentation, seed=1, repainting=repainting, **options)


def training_set(module: ColorizationData) -> RecoloredPhotos:
    assert isinstance(module.train_set, RecoloredPhotos)
    return module.train_set


def test_views_share_all_but_paint_and_words(tmp_path: Path) -> None:
    samples = training_set(data(written(tmp_path / "p"), val=tmp_path / "p"))
    for index in range(len(samples)):
        first, *others = samples[index].views
        assert len(others) == 2
        assert any(name in first.caption.lower() for name in PAINTED_LAB)
        for other in others:
            assert first.emphasis is not None and other.emphasis is not None
            inside = (first.emphasis > 0) | (other.emphasis > 0)
            border = torch.nn.functional.max_pool2d(inside[None].float(), 3, 1, 1)[0] > 0  # paint has soft edges
            assert torch.equal(first.rgb[:, ~border], other.rgb[:, ~border])


def test_draws_depend_on_seed_epoch_and_index_alone(tmp_path: Path) -> None:
    source = written(tmp_path / "p")
    one, other = (training_set(data(source, val=tmp_path / "p")) for _ in range(2))
    assert [other[index].caption for index in (3, 1)] == [one[3].caption, one[1].caption]
    assert torch.equal(one[5].rgb, other[5].rgb)
    other.set_epoch(1)
    assert [one[index].caption for index in range(12)] != [other[index].caption for index in range(12)]


@pytest.mark.parametrize("kind", ["person", "hair", "skin"])
def test_persons_are_never_painted(tmp_path: Path, kind: str) -> None:
    source = written(tmp_path / "p", kind)
    samples = training_set(data(source, written(tmp_path / "q"), val=tmp_path / "p"))
    painted = {sample.photo for index in range(12) for sample in samples[index].views if sample.emphasis is not None}
    assert painted and samples.paintable[0] == ()


def test_held_out_photos_are_in_no_sample(tmp_path: Path) -> None:
    source = written(tmp_path / "p", photos=20) | {"held_out": 3}
    samples = training_set(data(source, val=tmp_path / "p", samples=80))
    drawn = {samples[index].photo for index in range(80)}
    held_out = {f"{number}.png" for number in range(20) if is_held_out(f"{number}.png", 3)}
    assert held_out and not drawn & held_out


def test_samples_that_are_not_painted_keep_their_captions(tmp_path: Path) -> None:
    source = written(tmp_path / "p") | {"captions": str(tmp_path / "p" / "captions.json")}
    plain = {**ALL_PAINTED, "share": 0.0}
    batch = collate([training_set(data(source, val=tmp_path / "p", repainting=plain))[index] for index in range(4)])
    assert set(batch.captions) == {"a street"}
    assert batch.emphasis is None and batch.crop is None


def test_sets_are_merged_by_their_frequencies(tmp_path: Path) -> None:
    often, never = written(tmp_path / "p"), written(tmp_path / "q") | {"repainted": 0, "plain": 0}
    samples = training_set(data(often, never, val=tmp_path / "p"))
    assert samples.repainted_ends == [6, 6]


def test_what_is_missing_is_said(tmp_path: Path) -> None:
    source = written(tmp_path / "p")
    with pytest.raises(ValueError, match=r"data\.train: expected at least one set"):
        data(val=tmp_path / "p")
    with pytest.raises(ValueError, match="neither captions nor instances"):
        data(source | {"instances": None}, val=tmp_path / "p")
    with pytest.raises(ValueError, match=r"repainting\.views must be at least 1"):
        data(source, val=tmp_path / "p", repainting={**ALL_PAINTED, "views": 0})
