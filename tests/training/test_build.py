"""What a run is made of, from its config."""

from pathlib import Path
from typing import Any

import pytest

from lcoins.data.datamodule import ColorizationData
from lcoins.training import build


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
