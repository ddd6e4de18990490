"""Sentences suggested for a photo: a captioner is loaded safely, and speaks of the things alone."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from drawn_photos import drawn_photo
from tiny_captioner import write_captioner
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.colorize.captioner import Captioner, of_the_things

CAPTION = "a black and white photo of a dog on the sofa"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_captioner(tmp_path_factory.mktemp("captioners") / "blip", CAPTION)


@pytest.mark.parametrize(
    ("caption", "things"),
    [
        ("an old black and white photograph of a red cat", "a red cat"),
        ("a photo in black and white of two men", "two men"),
        ("this is a picture showing a black and white cow", "a black and white cow"),
        ("a woman with a photo of a dog", "a woman with a photo of a dog"),
        ("two women on a bench in black and white.", "two women on a bench"),
        ("an image", "an image"),
        ("", ""),
    ],
)
def test_what_is_said_of_the_photo_is_left_out(caption: str, things: str) -> None:
    assert of_the_things(caption) == things


def test_a_captioner_speaks_of_the_things(folder: Path) -> None:
    assert Captioner(folder)(torch.rand(1, 1, 50, 80) * 100) == "a dog on the sofa"


def test_the_command_prints_the_sentence(folder: Path, tmp_path: Path) -> None:
    drawn_photo(60, 40).save(tmp_path / "photo.png")
    done = CliRunner().invoke(app, ["caption", str(tmp_path / "photo.png"), "--captioner", str(folder)])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (0, "a dog on the sofa"), done.output


@pytest.mark.parametrize("kept", ["", "config.json", "processor_config.json"])
def test_a_folder_that_is_no_captioner_is_refused_in_words(folder: Path, tmp_path: Path, kept: str) -> None:
    if kept:
        (tmp_path / kept).write_bytes((folder / kept).read_bytes())
    with pytest.raises(ValueError, match="no captioner that transformers can load"):
        Captioner(tmp_path)


def test_pickled_weights_are_not_read(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    torch.save({}, tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="safetensors"):
        Captioner(tmp_path)


def test_loading_leaves_pytorch_as_it_was(folder: Path) -> None:
    """In a process of its own, in which nothing has used a device before."""
    command = (
        "import sys, torch; from lcoins.colorize.captioner import Captioner; Captioner(sys.argv[1])\n"
        "with torch.device('meta'): print(torch.linspace(0, 1, 3).device)"
    )
    done = subprocess.run([sys.executable, "-c", command, str(folder)], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "meta"


@pytest.mark.parametrize("source", ["nowhere", "hf://nobody"])
def test_a_name_that_leads_nowhere_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=r"no such folder|hf://owner/name"):
        Captioner(source)
