"""What a run is made of, from its config."""

from pathlib import Path
from typing import Any

from lcoins.training.build import build_data


def test_training_tells_what_went_wrong_with_photos_in_the_run_folder(tmp_path: Path) -> None:
    made: dict[str, Any] = build_data({"_target_": "builtins.dict", "report": "problems.jsonl"}, tmp_path)  # type: ignore[assignment]
    assert made == {"report": str(tmp_path / "problems.jsonl")}
    assert build_data({"_target_": "builtins.dict", "report": None}, tmp_path) == {"report": None}
