"""Colorizers from plain configs: what is built, and what a config that does not fit is told."""

from typing import Any

import pytest
from shrunk import MODEL

from lcoins.models.build import build_colorizer
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
    with pytest.raises(ValueError, match=r"LCoIns has no trunk: .* choose ablation=full, or another model"):
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
