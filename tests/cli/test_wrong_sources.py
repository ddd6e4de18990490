"""A trained system that is named in a way that does not reach it: the message says how to name it."""

from pathlib import Path

import pytest
import torch
from called import Call, one_line
from shrunk import MODEL, checkpoint

import lcoins as package
from lcoins.models.checkpoint import load_checkpoint, load_package, load_trained


@pytest.fixture
def best(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "run" / "checkpoints", MODEL)


def test_a_checkpoint_is_no_run(lcoins: Call, best: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("eval", f"run={best}") == 2
    assert f"{best} is a checkpoint, not the folder of a run; give it as checkpoint={best}\n" in one_line(capsys)


def test_keys_added_to_the_runs_own_data_ask_for_a_choice(
    lcoins: Call, best: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = best.parent.parent
    assert lcoins("eval", f"run={run}", "+data.tests.clear.length=8", f"output={tmp_path / 'out'}") == 2
    assert "takes the run's own data as it is, so that there is no data.tests to change" in one_line(capsys)


def test_a_package_needs_data_before_a_folder_is_made(
    lcoins: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert lcoins("eval", "checkpoint=builtin") == 2
    assert "has no test sets of its own; choose some with data=obedience, photos or scenes\n" in one_line(capsys)
    assert list((tmp_path / "here").iterdir()) == []


def test_a_run_and_a_file_of_a_package_are_no_packages(best: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is the folder of a run; give its checkpoint, .*best\.ckpt"):
        load_package(best.parent.parent)
    (tmp_path / "package.json").touch()
    with pytest.raises(ValueError, match=r"model\.onnx is a file of a package; give its folder"):
        load_checkpoint(tmp_path / "model.onnx")


def test_a_device_that_is_not_there_is_named(best: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="finds no cuda device on this machine; leave the device out"):
        load_trained(best, "cuda")


def test_tab_in_a_notebook_offers_what_the_readme_teaches() -> None:
    assert "load_colorizer" in dir(package) and "import_module" not in dir(package)


def test_the_title_of_info_is_a_sentence(lcoins: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert lcoins("info", "model=tiny") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "px, captions as long as it reads" in shown
