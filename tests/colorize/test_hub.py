"""Packages on a hub, which is a server of this test: what is fetched, refused and sent."""

import base64
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from fake_hub import REPOSITORY, FakeHub
from local_server import answering
from PIL import Image
from shrunk import MODEL, checkpoint
from typer.testing import CliRunner

import lcoins
from lcoins.cli.main import app
from lcoins.colorize.export import export_package
from lcoins.colorize.hub import LARGEST, fetch_package, is_on_hub, push_package
from lcoins.colorize.model_card import model_card
from lcoins.files import sha256_of
from lcoins.models.checkpoint import INDEX, WEIGHTS, load_package
from lcoins.study.pictures import open_source, photo_source

FIGURES = {"coco_test/psnr": 23.14, "coco_test/lpips_alex": 0.181, "chance": 0.1}


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package") / "mine"
    source = checkpoint(folder.parent / "run" / "checkpoints", MODEL)
    export_package(source, folder, figures=FIGURES, provenance={"commit": "abc"})
    return folder


@pytest.fixture
def hub(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with the package, a cache of this test and no token."""
    from huggingface_hub import constants

    with answering(FakeHub()) as served:
        served.files = {name: (package / name).read_bytes() for name in (INDEX, WEIGHTS)}
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield served


def said(*arguments: str) -> str:
    """The message of a command that fails with one."""
    done = CliRunner().invoke(app, list(arguments))
    assert isinstance(done.exception, (ValueError, OSError)), done.output
    assert "\n" not in str(done.exception)
    return str(done.exception)


def test_a_package_is_fetched_by_its_name_and_stays_without_a_network(
    hub: FakeHub, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.files |= {"code.py": b"raise SystemExit(1)", "pickle.bin": b"no"}
    colorizer = lcoins.load_colorizer(f"hf://{REPOSITORY}@main")
    local = load_package(package)[0].state_dict()
    fetched = load_package(fetch_package(f"hf://{REPOSITORY}@{hub.commit}"))[0].state_dict()
    assert all(torch.equal(value, local[name]) for name, value in fetched.items())
    assert colorizer(Image.new("RGB", (20, 16), (90, 90, 90)), "a red car").size == (20, 16)
    assert {path.rpartition("/")[2] for path in hub.asked} == {INDEX, WEIGHTS}  # and nothing else of the repository
    assert fetch_package(Path(f"hf://{REPOSITORY}")).name == hub.commit  # as a command has it
    hub.shutdown()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert fetch_package(f"hf://{REPOSITORY}").name == hub.commit


def test_frames_and_a_study_take_a_package_by_its_name(hub: FakeHub, package: Path, tmp_path: Path) -> None:
    for folder in ("clip", "photos"):
        (tmp_path / folder).mkdir()
        Image.new("RGB", (20, 16), (90, 90, 90)).save(tmp_path / folder / "f1.png")
    done = CliRunner().invoke(
        app, ["frames", str(tmp_path / "clip"), "a red car", "--checkpoint", f"hf://{REPOSITORY}"]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "clip_colorized" / "f1.png").is_file()
    source = open_source("hub", f"hf://{REPOSITORY}", photo_source(tmp_path / "photos"))
    assert (source.entry.kind, source.entry.weights) == ("package", sha256_of(package / WEIGHTS))
    assert source.picture("f1.png", "a red car")[0].size == (20, 16)


def test_what_comes_from_a_hub_is_checked_as_any_package(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    good = hub.files[INDEX]
    index = json.loads(good)
    index["model"]["image_encoder"]["_target_"] = "os.system"
    hub.files[INDEX] = json.dumps(index).encode()
    with pytest.raises(ValueError, match=r"os\.system"):
        lcoins.load_colorizer(f"hf://{REPOSITORY}")
    hub.files[INDEX] = json.dumps(json.loads(good) | {"model": {"_target_": "a", "text_encoder": "text"}}).encode()
    with pytest.raises(ValueError, match=r"package\.json"):
        lcoins.load_colorizer(f"hf://{REPOSITORY}")
    hub.files[INDEX], hub.files[WEIGHTS] = good, hub.files[WEIGHTS][:-1] + b"!"
    with pytest.raises(ValueError, match=r"is missing, cut off or changed"):
        lcoins.load_colorizer(f"hf://{REPOSITORY}@{hub.commit}")
    monkeypatch.setitem(LARGEST, INDEX, 100)
    with pytest.raises(ValueError, match=r"package\.json has more than 100 bytes"):
        fetch_package(f"hf://{REPOSITORY}")
    del hub.files[INDEX]
    with pytest.raises(ValueError, match=r"holds no package of lcoins: it has no package\.json"):
        fetch_package(f"hf://{REPOSITORY}")


def test_what_is_not_there_for_one_is_said_in_one_line(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Image.new("RGB", (20, 16)).save(tmp_path / "p.png")
    colorize = ("colorize", str(tmp_path / "p.png"), "a red car", "--checkpoint")
    assert "there is no hf://someone/else for you" in said(*colorize, "hf://someone/else")
    assert "has no such revision" in said(*colorize, f"hf://{REPOSITORY}@nowhere")
    hub.private = True
    assert "if it is private or gated, log in" in said(*colorize, f"hf://{REPOSITORY}")
    assert "expected hf://owner/name" in said(*colorize, "hf://colors")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "cannot be reached for hf://someone/new" in said(*colorize, "hf://someone/new")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES])
def test_a_disk_that_takes_nothing_is_not_taken_for_the_network(
    hub: FakeHub, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number), *([str(tmp_path)] if number == errno.EACCES else []))

    monkeypatch.setattr("huggingface_hub.file_download.http_get", fail)
    with pytest.raises(OSError, match=f"could not be written: {os.strerror(number)}") as refusal:
        fetch_package(f"hf://{REPOSITORY}")
    assert "network" not in str(refusal.value)


def test_a_package_is_sent_with_its_card_in_one_commit(
    hub: FakeHub, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "token" in said("push", str(package), f"hf://{REPOSITORY}")
    assert hub.sent == []
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    (package / "secret.txt").write_text("not of the package")
    done = CliRunner().invoke(app, ["push", str(package), f"hf://{REPOSITORY}", "--private"])
    assert done.exit_code == 0, done.exception
    assert f"commit/{hub.commit}" in done.output
    (created,) = [json.loads(content) for path, content in hub.sent if path == "/api/repos/create"]
    assert created["name"] == "colors" and created["visibility"] == "private"
    (commit,) = [content for path, content in hub.sent if "/commit/" in path]
    lines = [json.loads(line) for line in commit.splitlines()]
    sent = {
        line["value"]["path"]: base64.b64decode(line["value"]["content"]) for line in lines if line["key"] == "file"
    }
    assert sent.keys() == {"README.md", INDEX, WEIGHTS}
    assert sent[WEIGHTS] == (package / WEIGHTS).read_bytes()
    _, header, text = sent["README.md"].decode().split("---\n", 2)
    card = yaml.safe_load(header)
    assert card["library_name"] == "lcoins" and card["license"] == "other" and card["widget"]
    assert card["metrics"] == ["lpips_alex", "psnr"]
    measured = {
        metric["type"]: metric["value"] for one in card["model-index"][0]["results"] for metric in one["metrics"]
    }
    assert measured == {"psnr": 23.14, "lpips_alex": 0.181}
    assert f'load_colorizer("hf://{REPOSITORY}")' in text and "| coco_test | psnr | 23.14 |" in text
    assert "- commit: abc" in text


def test_a_package_that_says_nothing_of_itself_has_a_card() -> None:
    card = model_card({"model": {"_target_": "lcoins.models.Any"}}, REPOSITORY)
    assert all(said in card for said in ("None were measured.", "Nothing is said about it.", "No license is named"))


def test_a_broken_package_is_not_sent(hub: FakeHub, tmp_path: Path, package: Path) -> None:
    for name in (INDEX, WEIGHTS):
        (tmp_path / name).write_bytes((package / name).read_bytes()[:-2] + b"}}")
    with pytest.raises(ValueError):
        push_package(tmp_path, f"hf://{REPOSITORY}")
    assert hub.sent == [] and not is_on_hub(tmp_path) and is_on_hub(Path(f"hf://{REPOSITORY}"))
