"""Colorizers from plain configs: what is built, and what a config that does not fit is told."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from shrunk import MODEL, NO_COUNTER_COLOR, NO_GROUPS, checkpoint, transformer

from lcoins.models.build import build_colorizer, expect_format
from lcoins.models.checkpoint import load_checkpoint, read_index
from lcoins.models.lcoins import LCoIns
from lcoins.models.text_encoders import CaptionEncoder


def with_part(part: str, **changes: Any) -> dict[str, Any]:
    return {**MODEL, part: {**MODEL[part], **changes}}


def test_dictionaries_with_a_target_become_parts_and_others_stay() -> None:
    model: Any = build_colorizer(MODEL)
    assert isinstance(model, LCoIns)
    assert isinstance(model.text_encoder, CaptionEncoder)
    assert model.text_encoder.bert.width == MODEL["text_encoder"]["config"]["hidden_size"]
    assert MODEL["image_encoder"]["_target_"].endswith("PatchEncoder")  # the config is left as it was


def test_keys_that_a_part_has_not_or_lacks_are_named() -> None:
    with pytest.raises(ValueError, match=r"model\.image_encoder: PatchEncoder .*'patches'; it takes image_size, patch"):
        build_colorizer(with_part("image_encoder", patches=8))
    lacking = {**MODEL, "image_encoder": {"_target_": MODEL["image_encoder"]["_target_"], "image_size": 32}}
    with pytest.raises(ValueError, match=r"model\.image_encoder: PatchEncoder .*missing a required argument"):
        build_colorizer(lacking)
    with pytest.raises(ValueError, match=r"LCoIns has no trunk, only .*: choose ablation=full, or another model"):
        build_colorizer({**MODEL, "trunk": None})


@pytest.mark.parametrize(
    "target",
    [
        "lcoins.models.absent.Net",
        "lcoins.models.image_encoders.Absent",
        "lcoins.models.backbones.pretrained.find_spec",  # a function, and not of lcoins
        "lcoins.models.backbones.pretrained.load_strictly",  # a function
        "lcoins.models.image_encoders.VisionTransformer",  # a module of another library
        "lcoins.models.text_encoders.WordPieces",  # no module
        "torch.nn.Linear",
    ],
)
def test_only_modules_of_lcoins_are_built(target: str) -> None:
    with pytest.raises(ValueError, match=r"is no model of (this )?lcoins|which is no model of lcoins"):
        build_colorizer(with_part("image_encoder", _target_=target))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({**NO_GROUPS, "grouping_layer": MODEL["grouping_layer"]}, "grouping layer needs groups"),
        ({"shared_space": None}, "grouping layer learns only by the counter-color loss"),
        ({"grouping_layer": None}, "compares words with the groups of the grouping layer"),
        (transformer(n_groups=0), "grouping attention needs groups"),
        (transformer(attention="decoupled"), "must be one of grouping, .*, joint, not 'decoupled'"),
        (transformer(width=64), "need tokens of one width, but have .*'transformer': 64"),
        ({"upsampler": {**MODEL["upsampler"], "details": [24]}}, r"gives maps of \[\] channels, but .* expects \[24\]"),
    ],
)
def test_parts_that_do_not_go_together_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build_colorizer({**MODEL, **changes})


@pytest.mark.parametrize("changes", [NO_GROUPS, NO_COUNTER_COLOR, {**NO_GROUPS, **NO_COUNTER_COLOR}])
def test_parts_may_be_absent_together(changes: dict[str, Any]) -> None:
    model: Any = build_colorizer({**MODEL, **changes})
    assert model.grouping_layer is None


def test_configs_of_another_form_name_the_version_that_reads_them(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"old\.ckpt has format 1 and this lcoins reads 2; read it with lcoins 0\.1\.0"
    ):
        expect_format(1, "old.ckpt")
    with pytest.raises(ValueError, match=r"has format 3 .* read it with the lcoins that wrote it"):
        expect_format(3, "new.ckpt")
    path = checkpoint(tmp_path, MODEL)
    content = torch.load(path, weights_only=True)
    torch.save({name: content[name] for name in ("state_dict", "config")}, path)  # before checkpoints had a format
    with pytest.raises(ValueError, match=r"best\.ckpt has format 1 .* lcoins 0\.1\.0 up to its commit 87f2a8e"):
        load_checkpoint(path)
    borrowed = {"tensors": [], "sha256": "", "packages": {}}
    package = {"format": "lcoins-package", "version": 1, "model": MODEL, "weights": {"sha256": ""}}
    (tmp_path / "package.json").write_text(json.dumps({**package, "borrowed": borrowed}), encoding="utf-8")
    with pytest.raises(ValueError, match=r"package\.json has format 1 .* lcoins 0\.1\.0 up to its commit 87f2a8e"):
        read_index(tmp_path)
