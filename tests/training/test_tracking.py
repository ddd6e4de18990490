"""Weights & Biases without a server: what an offline run holds, read back from its file."""

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import OmegaConf
from shrunk import composed, shrunk
from wandb.proto import wandb_internal_pb2

from lcoins.cli.hydra_commands import conf_folder
from lcoins.cli.overrides import hydra_override
from lcoins.code_version import code_version
from lcoins.training.run import plain_config, train_run
from lcoins.training.tracking import WANDB_FOLDERS, build_loggers, trackers_confined

SHORTEST = ("recipe.epochs=1", "data.train.length=16", "data.batch_size=8", "tracker=offline")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder for this test: nothing of wandb may appear in it."""
    for variable in ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    for variable in WANDB_FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    return tmp_path / "home"


BLOCK, HEAD = 32768, 7


def records(folder: Path) -> Iterator[Any]:
    """The records of the one offline run in a folder, whose file has LevelDB's log format after a header of 7 bytes."""
    (path,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    content, offset, parts = path.read_bytes(), 7, b""
    while offset + HEAD <= len(content):
        if BLOCK - offset % BLOCK < HEAD:  # too short for a head: filled up with zeros
            offset += BLOCK - offset % BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", content[offset : offset + HEAD])
        if offset + HEAD + length > len(content):  # not written to its end yet
            return
        parts += content[offset + HEAD : offset + HEAD + length]
        offset += HEAD + length
        if kind in (1, 4):  # the whole of a record, or its last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            yield record
            parts = b""


def all_records(folder: Path) -> list[Any]:
    """The records up to the last: on a busy machine wandb still writes some after its run has been finished."""
    for _ in range(600):
        found = list(records(folder))
        if any(record.WhichOneof("record_type") == "exit" for record in found):
            return found
        time.sleep(0.1)
    raise TimeoutError(f"the offline run in {folder} has no exit record")


def test_an_offline_run_holds_everything(tmp_path: Path, home: Path) -> None:
    folder = tmp_path / "shrunk" / "ablation=full" / "seed=0"
    cfg = shrunk(*SHORTEST, "tracker.tags=[mine]", "tracker.log_model=true")
    figures = train_run(cfg, folder)
    found = all_records(folder)
    (run,) = [record.run for record in found if record.WhichOneof("record_type") == "run"]
    assert (run.display_name, run.run_group, run.job_type) == (
        "shrunk/ablation=full/seed=0",
        "shrunk/ablation=full",
        "train",
    )
    assert list(run.tags) == ["mine", "shrunk"]
    config = {update.key: json.loads(update.value_json) for update in run.config.update}
    assert config["seed"] == 0 and config["variant"] == "ablation=full" and config["code"] == code_version()
    summary = {}
    for record in found:
        if record.WhichOneof("record_type") == "summary":
            summary |= {update.key: json.loads(update.value_json) for update in record.summary.update}
    assert {name: summary[name] for name in figures} == pytest.approx(figures)

    artifacts = [record.artifact for record in found if record.WhichOneof("record_type") == "artifact"]
    assert len(artifacts) == 6
    (model,) = [artifact for artifact in artifacts if artifact.type == "model"]
    assert "best" in model.aliases and [entry.path for entry in model.manifest.contents] == ["best.ckpt"]
    (clear,) = [artifact for artifact in artifacts if "testclear" in artifact.name]
    files = {entry.path: Path(entry.local_path) for entry in clear.manifest.contents}
    assert all(file.is_relative_to(folder.resolve()) and file.is_file() for file in files.values())
    table = json.loads(files["test/clear.table.json"].read_text())
    assert table["columns"][:5] == ["name", "caption", "gray", "prediction", "truth"]
    assert {"psnr", "instances_correct", "bleeding", "groups_ari"} <= set(table["columns"])
    assert len(table["data"]) == 8
    row = dict(zip(table["columns"], table["data"][0], strict=True))
    assert isinstance(row["psnr"], float) and isinstance(row["instances_correct"], int)
    assert row["prediction"]["path"] in files and row["prediction"]["masks"]["groups"]["path"] in files
    assert not home.exists()
    assert not WANDB_FOLDERS.keys() & os.environ.keys()


def test_a_folder_that_the_user_chose_for_wandb_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_CACHE_DIR", "/chosen")
    monkeypatch.delenv("WANDB_DATA_DIR", raising=False)
    with pytest.raises(KeyboardInterrupt), trackers_confined(tmp_path):
        assert os.environ["WANDB_CACHE_DIR"] == "/chosen"
        assert os.environ["WANDB_DATA_DIR"] == str(tmp_path.resolve() / "data")
        raise KeyboardInterrupt
    assert os.environ["WANDB_CACHE_DIR"] == "/chosen" and "WANDB_DATA_DIR" not in os.environ


def test_a_run_is_known_by_its_folder(tmp_path: Path) -> None:
    def logger(name: str) -> Any:
        return build_loggers(plain_config(shrunk("tracker=offline")), tmp_path / name / "seed=0")[1]

    first, again, other = logger("a"), logger("a"), logger("b")
    assert first.version == again.version != other.version
    assert [one._wandb_init["group"] for one in (first, other)] == ["shrunk/a", "shrunk/b"]
    assert first._wandb_init["resume"] == "allow"


def test_an_offline_run_that_goes_on_replaces_nothing_when_it_is_sent(tmp_path: Path) -> None:
    def logger(mode: str) -> Any:
        return build_loggers(plain_config(shrunk(f"tracker={mode}")), tmp_path / "a" / "seed=0")[1]

    first, online = logger("offline"), logger("online")
    (tmp_path / "a" / "seed=0" / "csv" / "version_0").mkdir(parents=True)
    second = logger("offline")
    assert first.version == online.version == logger("online").version
    assert second.version == f"{first.version}-2" and second._wandb_init["name"].endswith("seed=0 start 2")
    assert second._wandb_init["group"] == first._wandb_init["group"]


def test_the_environment_may_turn_wandb_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    for mode in ("offline", "online"):
        assert len(build_loggers(plain_config(shrunk(f"tracker={mode}")), tmp_path)) == 1
        assert f"tracker={mode} is off" in capsys.readouterr().out
    with pytest.raises(
        ValueError, match=r"tracker\.mode=sometimes is none of off, offline, online, tensorboard, mlflow"
    ):
        build_loggers(plain_config(shrunk("tracker.mode=sometimes")), tmp_path)


def test_the_sweep_of_an_agent_is_a_training_that_can_be_typed() -> None:
    """Each parameter is a key of the config, and W&B's own agent makes commands of the file that compose."""
    from wandb.sdk.launch.sweeps import utils

    file = conf_folder() / "experiment" / "wandb" / "search.yaml"
    sweep = yaml.safe_load(file.read_text(encoding="utf-8"))
    parameters = sweep["parameters"]
    chosen = {name: {"value": how["values"][0] if "values" in how else how["min"]} for name, how in parameters.items()}
    arguments = utils.create_sweep_command_args({"args": chosen})["args_no_hyphens"]
    command = [word for part in sweep["command"] for word in (arguments if part == "${args_no_hyphens}" else [part])]
    assert command[:2] == [sweep["program"], "train"] and len(command) == len(sweep["command"]) - 1 + len(chosen)
    config = composed("train", *(hydra_override(word) for word in command[2:]))
    for name, value in chosen.items():
        assert OmegaConf.select(config, name, throw_on_missing=True) == yaml.safe_load(str(value["value"]))
    assert sweep["metric"] == {"name": config.recipe.monitor, "goal": "maximize"}
    assert (config.tracker.mode, config.tracker.project) == ("online", sweep["project"])
