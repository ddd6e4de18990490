"""ONNX networks: every system's gives PyTorch's colours at other batch sizes and lengths, or is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from shrunk import MODEL
from test_systems import SYSTEMS, small
from typer.testing import CliRunner

from lcoins import cli, onnx_export, runs
from lcoins.colorize import PhotoColorizer
from lcoins.colorizers import build_colorizer, load_colorizer
from lcoins.data.scenes import Scenes
from lcoins.models.lstm import vocabulary_of
from lcoins.onnx_colorizer import OnnxColorizer
from lcoins.package import load_any, load_package, load_photo_colorizer

for library in onnx_export.NEEDED:
    pytest.importorskip(library, reason=f"{library} is not installed: pip install 'lcoins[onnx]'")

UNSEEN = (["a"], ["a red star and a blue ring"] * 3, ["a moon", "grey " * 200, ""])  # batches that no export tried
PHRASES = {
    "_target_": "lcoins.models.words.PhraseEncoder",
    "source": "minilm",
    "width": 32,
    "max_length": 40,
    "pad_mask": True,
    "dim": 16,
}
JOINT = {"depth": 1, "attention": "joint", "n_groups": 0, "text_encoder": PHRASES, "counter_color": False}


def model_of(system: str) -> dict[str, Any]:
    """The config of a system so small that it is exported in seconds, with the vocabulary of the scenes."""
    if system == "lcoins":
        return MODEL
    if system == "lcoins without groups":
        return {**MODEL, **JOINT}
    extra = {"lcode": ["max_length=8"], "lcoder": []}.get(system, ["max_length=8"])
    model: dict[str, Any] = runs.plain(small(system, *(f"model.text_encoder.{value}" for value in extra)))["model"]
    for part in {"trunk", "image_encoder"} & model.keys():
        model[part]["backbone"] = "test_efficientnet"
    if "vocabulary" in model["text_encoder"]:
        model["text_encoder"]["vocabulary"] = vocabulary_of(Scenes.texts)
    return model


def checkpoint(folder: Path, model: dict[str, Any]) -> Path:
    torch.manual_seed(3)
    state = {f"colorizer.{name}": value for name, value in build_colorizer(model).state_dict().items()}
    torch.save({"state_dict": state, "config": {"model": model}}, folder / "best.ckpt")
    return folder / "best.ckpt"


def exported(folder: Path, model: dict[str, Any], *options: str) -> Path:
    """The package that `lcoins export --onnx` makes."""
    target = folder / "package"
    path = checkpoint(folder, model)
    done = CliRunner().invoke(cli.app, ["export", str(path), "-o", str(target), "--onnx", *options])
    assert done.exit_code == 0, done.output or done.exception
    assert "units of ab from PyTorch" in done.output
    return target


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exported(tmp_path_factory.mktemp("onnx"), MODEL, "--half")


def largest_difference(folder: Path) -> float:
    """In CIELAB units of ab, over batches of other sizes and lengths than the export has tried."""
    packaged, onnx = load_package(folder)[0], OnnxColorizer(folder, threads=1)
    assert onnx.image_size == packaged.image_size
    differences = []
    for captions in UNSEEN:
        lightness = torch.rand(len(captions), 1, onnx.image_size, onnx.image_size) * 2 - 1
        ab = packaged.colorize(lightness, captions).ab
        assert ab.std() > 0
        differences.append((onnx.colorize(lightness, captions).ab - ab).abs().max().item() * 110)
    return max(differences)


@pytest.mark.parametrize("system", ["lcoins without groups", *SYSTEMS])
def test_every_system_gives_the_colours_of_pytorch(system: str, tmp_path: Path) -> None:
    folder = exported(tmp_path, model_of(system))
    assert largest_difference(folder) < 1e-3
    said = json.loads((folder / "package.json").read_text())["onnx"]
    fixed = 8 if system in ("lbie", "ml2018", "xie2018", "lcode") else "length"
    assert said["inputs"]["ids"]["shape"] == ["batch", fixed]


def test_the_package_says_what_the_network_takes(package: Path) -> None:
    import onnx

    said = json.loads((package / "package.json").read_text())["onnx"]
    network = onnx.load(package / "model.onnx")
    onnx.checker.check_model(network)
    assert [opset.version for opset in network.opset_import if not opset.domain] == [said["opset"]]
    for values, described in ((network.graph.input, said["inputs"]), (network.graph.output, said["output"])):
        shapes = {
            value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
            for value in values
        }
        assert shapes == {name: entry["shape"] for name, entry in described.items()}
    assert 0 < said["largest_deviation_of_ab"] < 1e-3
    assert largest_difference(package) < 1e-3


def test_nothing_in_the_network_is_random(package: Path) -> None:
    import onnx

    kinds = {node.op_type for node in onnx.load(package / "model.onnx").graph.node}
    assert not {kind for kind in kinds if "Random" in kind or kind in ("Dropout", "Bernoulli", "Multinomial")}


def test_the_network_has_the_weights_as_they_are_stored(package: Path) -> None:
    """Rounded to float16, as those of the package are."""
    lightness = torch.rand(1, 1, 32, 32)
    whole: Any = load_colorizer(package.parent / "best.ckpt")[0]
    rounded = OnnxColorizer(package).colorize(lightness, ["a red star"])
    assert (rounded.ab - whole.colorize(lightness, ["a red star"]).ab).abs().max() * 110 > 1e-3


def test_a_photo_has_the_same_colours(package: Path, tmp_path: Path) -> None:
    Image.effect_noise((50, 30), 60).convert("RGB").save(tmp_path / "photo.png")
    picture = PhotoColorizer(OnnxColorizer(package))(tmp_path / "photo.png", "a red star")
    same = load_photo_colorizer(package)(tmp_path / "photo.png", "a red star")
    assert np.abs(np.asarray(picture, dtype=int) - np.asarray(same, dtype=int)).max() <= 1


def test_colours_that_differ_are_refused(package: Path) -> None:
    network: Any = onnx_export._Network(load_package(package)[0])  # type: ignore[arg-type]
    content = (package / "model.onnx").read_bytes()
    assert onnx_export._deviation(content, network, None) < 1e-3
    with torch.no_grad():
        network.colorizer.upsampler.layers[-2].bias += 1e-4  # of the network's units, before tanh
    with pytest.raises(ValueError, match=r"differs from PyTorch by 0\.01\d* units of ab on 1 captions, more"):
        onnx_export._deviation(content, network, None)


def test_a_refusal_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(colorizer: Any) -> None:
        raise ValueError("differs from PyTorch")

    monkeypatch.setattr(onnx_export, "export_onnx", refuse)
    path = checkpoint(tmp_path, MODEL)
    done = CliRunner().invoke(cli.app, ["export", str(path), "-o", str(tmp_path / "package"), "--onnx"])
    assert isinstance(done.exception, ValueError)
    assert not (tmp_path / "package").exists()


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: Path) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None)
    colorizer = load_colorizer(checkpoint(tmp_path, MODEL))[0]
    with pytest.raises(RuntimeError, match=r"needs onnx, onnxscript, onnxruntime; run: pip install 'lcoins\[onnx\]'"):
        onnx_export.export_onnx(colorizer)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"ONNX needs onnxruntime; run"):
        OnnxColorizer(package)


def test_a_package_without_or_with_a_changed_network_is_refused(package: Path, tmp_path: Path) -> None:
    for name in ("package.json", "model.safetensors"):
        (tmp_path / name).write_bytes((package / name).read_bytes())
    with pytest.raises(ValueError, match=r"model\.onnx is missing, cut off or changed since the export"):
        OnnxColorizer(tmp_path)
    assert load_any(tmp_path)[0].image_size == 32  # PyTorch needs it not
    (tmp_path / "model.onnx").write_bytes((package / "model.onnx").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"model\.onnx is missing, cut off or changed since the export"):
        OnnxColorizer(tmp_path)
    index = json.loads((tmp_path / "package.json").read_text())
    del index["onnx"]
    (tmp_path / "package.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="holds no ONNX network; make one with lcoins export RUN -o FOLDER --onnx"):
        OnnxColorizer(tmp_path)
