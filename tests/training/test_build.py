"""What a run is made of, from its config."""

import json
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf
from PIL import Image
from shrunk import MODEL, SHORT, composed

from lcoins.data.datamodule import ColorizationData
from lcoins.training import build
from lcoins.training.run import plain_config


def test_training_tells_what_went_wrong_with_photos_in_the_run_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, Any]] = []

    def remembered(config: dict[str, Any], kind: str) -> ColorizationData:
        made.append(config)
        return ColorizationData.__new__(ColorizationData)

    monkeypatch.setattr(build, "build_part", remembered)
    for report in ("problems.jsonl", None):
        build.build_data({"_target_": "photos", "report": report}, tmp_path)
    assert [one["report"] for one in made] == [str(tmp_path / "problems.jsonl"), None]


def test_data_that_cannot_be_trained_on_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected data to train on, got lcoins\.data\.augment\.ColorFilter"):
        options = {"hue": 180.0, "gamma": 5.0, "strength": 0.1}
        build.build_data({"_target_": "lcoins.data.augment.ColorFilter", **options}, tmp_path)
    with pytest.raises(ValueError, match=r"expected the name of a file in the run's folder, got '\.\./x'"):
        build.build_data({"_target_": "lcoins.data.from_scenes.scene_data", "report": "../x"}, tmp_path)


def test_words_right_cannot_choose_on_photos(tmp_path: Path) -> None:
    """Known at the start, not at the end of the first epoch."""
    photos = tmp_path / "photos"
    photos.mkdir()
    Image.new("RGB", (40, 40), (200, 60, 60)).save(photos / "a.png")
    (tmp_path / "list.json").write_text(json.dumps({"a.png": ["a red wall"]}))
    lists = [f"data.{part}.{key}" for part in ("train", "val") for key in ("root", "captions")]
    places = [f"{name}={photos if name.endswith('root') else tmp_path / 'list.json'}" for name in lists]
    config = plain_config(
        composed(
            "train", "name=test", "data=photos", "data.tests={}", "data.batch_size=1", "system=lcoins_tiny", *places
        )
    )
    config["model"] = MODEL
    with pytest.raises(ValueError, match=r"recipe.monitor=val/color_word_accuracy needs .*recipe.monitor=val/psnr"):
        build.build_training(config, tmp_path)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("recipe.epochs=0", r"recipe\.epochs is at least 1, got 0; give another value as recipe\.epochs="),
        ("recipe.ema=1.5", r"recipe\.ema is at least 0 and at most 1, got 1\.5"),
        ("recipe.optimizer.lr=0", r"recipe\.optimizer\.lr is at least 1e-12, got 0"),
        (
            "recipe.min_lr=1",
            r"recipe\.min_lr=1 is above recipe\.optimizer\.lr=0\.0015, .*set recipe\.min_lr to 0\.0015",
        ),
        ("+recipe.lr_milestone=[1]", r"recipe\.lr_milestone is no key .*\(did you mean lr_milestones\?\); it has ema"),
        (
            "+recipe.lr_factors={transfromer: 0.1}",
            r"recipe\.lr_factors: .* with transfromer \(did you mean transformer\?",
        ),
        ("+recipe.frozen=[image_encodr]", r"recipe\.frozen: .* with image_encodr \(did you mean image_encoder\?\)"),
        ("recipe.monitor=val/nope", r"recipe\.monitor=val/nope is not measured in validation; take one of val/psnr"),
        ("model.transformer.heads=0", r"model\.transformer: GroupingTransformer cannot be built with .*heads=0"),
        ("model.transformer.width=-1", r"width=-1 must not be negative"),
    ],
)
def test_a_value_out_of_range_is_named(tmp_path: Path, override: str, message: str) -> None:
    cfg = composed("train", *SHORT[:-1], override)
    OmegaConf.set_struct(cfg, False)
    cfg.model.image_encoder.init = "none"
    with pytest.raises(ValueError, match=message) as error:
        build.build_training(plain_config(cfg), tmp_path)
    assert "\n" not in str(error.value)
