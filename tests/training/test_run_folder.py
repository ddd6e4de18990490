"""The folder of a run: claimed by one config, and what of a config may change when the run starts again."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from lcoins.cli.hydra_commands import conf_folder
from lcoins.training.run_folder import config_differences, open_run_folder, read_run_config

values = st.recursive(st.none() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=2))
configs = st.dictionaries(st.sampled_from("abc"), values | st.dictionaries(st.sampled_from("de"), values), max_size=3)


@given(old=configs, new=configs)
def test_differences_are_empty_only_between_equals(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert config_differences(old, old) == []
    without_none = [{k: v for k, v in config.items() if v is not None} for config in (old, new)]
    if without_none[0].keys() != without_none[1].keys():
        assert config_differences(old, new)


def test_a_difference_names_its_key_and_both_values() -> None:
    old, new = {"a": {"b": 1, "c": [2]}, "d": 3}, {"a": {"b": 1, "c": [5]}, "e": 4}
    assert config_differences(old, new) == ["a.c: [2] -> [5]", "d: 3 -> None", "e: None -> 4"]


def begin(folder: Path, config: dict[str, Any]) -> None:
    """A run of which a checkpoint was saved."""
    open_run_folder(folder, config)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "last.ckpt").touch()


def test_a_start_that_took_no_step_gives_way_to_another_config(tmp_path: Path) -> None:
    """As after a mistake in a path; a training that has begun does not, however little it has left."""
    folder = tmp_path / "run"
    open_run_folder(folder, {"data": {"train": {"root": "my photo"}}})
    (folder / "train.log").touch()
    (folder / "prior.json").touch()
    right = {"data": {"train": {"root": "my photos"}}}
    open_run_folder(folder, right)
    assert read_run_config(folder) == right and not (folder / "prior.json").exists()
    for left in ("metrics.json", "csv/version_0/metrics.csv", "checkpoints/best.ckpt", "pictures/batch.png"):
        (folder / left).parent.mkdir(parents=True, exist_ok=True)
        (folder / left).touch()
        with pytest.raises(ValueError, match=r"root: my photos -> others"):
            open_run_folder(folder, {"data": {"train": {"root": "others"}}})
        (folder / left).unlink()
    assert read_run_config(folder) == right


def test_a_folder_belongs_to_the_config_that_began_it(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begin(folder, {"seed": 0, "recipe": {"epochs": 3}})
    before = (folder / "config.yaml").read_bytes()
    open_run_folder(folder, {"seed": 0, "recipe": {"epochs": 3}})
    with pytest.raises(ValueError, match=r"another config:\n  recipe\.epochs: 3 -> 4\n.*name=") as refused:
        open_run_folder(folder, {"seed": 0, "recipe": {"epochs": 4}})
    assert str(folder) in str(refused.value)
    assert (folder / "config.yaml").read_bytes() == before


def test_where_and_how_a_run_runs_may_change(tmp_path: Path) -> None:
    config = {"trainer": {"accelerator": "cpu"}, "tracker": {"mode": "off"}, "runs": "runs", "data": {"workers": 0}}
    begin(tmp_path / "run", config)
    changed = {"trainer": {"accelerator": "gpu"}, "tracker": {"mode": "online"}, "runs": "elsewhere"}
    open_run_folder(tmp_path / "run", {**changed, "data": {"workers": 4, "report": "problems.jsonl"}})
    with pytest.raises(ValueError, match="another config"):
        open_run_folder(tmp_path / "run", {**config, "data": {"workers": 0, "seed": 1}})


def test_another_precision_makes_another_run(tmp_path: Path) -> None:
    """It has a folder of its own, so that a sweep over precisions does not compare a run with itself."""
    config = {"trainer": {"precision": "32-true"}}
    begin(tmp_path / "run", config)
    with pytest.raises(ValueError, match=r"trainer\.precision: 32-true -> bf16-mixed"):
        open_run_folder(tmp_path / "run", {"trainer": {"precision": "bf16-mixed"}})
    names = OmegaConf.load(conf_folder() / "train.yaml").hydra.job.config.override_dirname.exclude_keys
    assert "trainer.devices" in names and "trainer.precision" not in names


def test_a_run_of_an_older_version_is_refused(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 0\nla: {sharpness: 5}\nobjective: {beta: 0}\n")
    with pytest.raises(ValueError, match=r"config\.yaml was written by lcoins 0\.1\.0 before 2026-11-28.*87f2a8e"):
        open_run_folder(tmp_path, {"seed": 0})
