"""ONNX networks: every system's gives PyTorch's colors at any photo size, batch size and length, or is refused."""

import gc
import json
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from shrunk import MODEL, SYSTEMS, small
from torch import Tensor
from typechecker import unchecked_shapes
from typer.testing import CliRunner

from lcoins.cli import main as cli
from lcoins.color import lab
from lcoins.colorize import onnx_export
from lcoins.colorize.export import load_photo_colorizer
from lcoins.colorize.onnx_colorizer import OnnxColorizer
from lcoins.colorize.photo import PhotoColorizer
from lcoins.data.scenes.dataset import Scenes
from lcoins.files import sha256_of
from lcoins.models.build import CONFIG_FORMAT, build_colorizer
from lcoins.models.checkpoint import load_checkpoint, load_package, load_trained
from lcoins.models.colorizer import Colorization, Colorizer
from lcoins.models.compared.bilstm import WordIds, vocabulary_of
from lcoins.models.focus import FocusedColorizer
from lcoins.models.text_encoders import Words
from lcoins.training.run import plain_config

for library in onnx_export.NEEDED:
    pytest.importorskip(library, reason=f"{library} is not installed: pip install 'lcoins[onnx]'")

# Batches and photo sizes that no export tried; the last size is wide and low, so larger and smaller at once.
UNSEEN = (["a"], ["a red star and a blue ring"] * 3, ["a moon", "gray " * 200, ""])
SIZES = ((32, 32), (21, 13), (77, 50), (9, 140))
SIMPLER = {"lbie": ["model.steps=2"], "ml2018": ["model.blocks=1"], "lcoder": ["model.transformer.depth=1"]}
LSTM_LENGTH = 8


def model_of(system: str) -> dict[str, Any]:
    """The config of a system so small that it is exported in seconds, with the vocabulary of the scenes."""
    if system == "lcoins":
        return MODEL
    length = [] if system == "lcoder" else [f"model.text_encoder.max_length={LSTM_LENGTH}"]
    model: dict[str, Any] = plain_config(small(system, *length, *SIMPLER.get(system, [])))["model"]
    for part in {"trunk", "image_encoder"} & model.keys():
        model[part]["backbone"] = "test_efficientnet"
    if "vocabulary" in model["text_encoder"]:
        model["text_encoder"]["vocabulary"] = vocabulary_of(Scenes.texts)
    return model


def checkpoint(folder: Path, model: dict[str, Any]) -> Path:
    torch.manual_seed(3)
    state = {f"colorizer.{name}": value for name, value in build_colorizer(model).state_dict().items()}
    torch.save({"state_dict": state, "config": {"model": model}, "format": CONFIG_FORMAT}, folder / "best.ckpt")
    return folder / "best.ckpt"


def exported(folder: Path, model: dict[str, Any], *options: str) -> Path:
    """The package that `lcoins export --onnx` makes."""
    target = folder / "package"
    path = checkpoint(folder, model)
    done = CliRunner().invoke(cli.app, ["export", str(path), "-o", str(target), "--onnx", *options])
    assert done.exit_code == 0, done.output or done.exception
    assert "units of ab from PyTorch" in done.output
    return target


@pytest.fixture(scope="module", autouse=True)
def symbolic_shapes() -> Iterator[None]:
    """The exporter calls models with sizes that are no int but torch.SymInt."""
    with unchecked_shapes():
        yield


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Path]]:
    """The package of a system, exported once. The exporter makes many objects: looking for garbage costs a tenth."""
    made: dict[str, Path] = {}

    def package_of(system: str) -> Path:
        if system not in made:
            options = ["--half"] if system == "lcoins" else []
            made[system] = exported(tmp_path_factory.mktemp(system), model_of(system), *options)
        return made[system]

    gc.freeze()
    yield package_of
    gc.unfreeze()


@pytest.fixture
def package(packages: Callable[[str], Path]) -> Path:
    return packages("lcoins")


def opened(folder: Path) -> Callable[[Tensor, Words], Tensor]:
    """What a program without lcoins does with the file."""
    import onnxruntime

    session = onnxruntime.InferenceSession(folder / "model.onnx", providers=["CPUExecutionProvider"])

    def in_onnx(lightness: Tensor, words: Words) -> Tensor:
        values = {"lightness": lightness.numpy(), "ids": words.ids.numpy(), "mask": words.mask.numpy()}
        return torch.from_numpy(session.run(["ab"], values)[0])

    return in_onnx


def in_pytorch(colorizer: Colorizer, lightness: Tensor, captions: list[str]) -> Tensor:
    """Resampled to the network's size, colored, resampled back."""
    side = colorizer.image_size
    ab = colorizer.colorize(lab.resize_ab(lightness, (side, side)), captions).ab
    return lab.resize_ab(ab, (lightness.shape[-2], lightness.shape[-1]))


def unpadded(words: Words) -> Words:
    """No longer than its longest caption, whatever the tokenizer has padded it to."""
    longest = int(words.mask.sum(dim=1).max())
    return Words(words.ids[:, :longest], words.mask[:, :longest])


def far_apart(first: Tensor, second: Tensor) -> float:
    """The largest difference of two network ab, in CIELAB units."""
    assert first.shape == second.shape
    return float(lab.from_network_ab(first - second).abs().max())


@pytest.mark.parametrize("system", ["lcoins", *SYSTEMS])
def test_every_system_gives_the_colors_of_pytorch(system: str, packages: Callable[[str], Path]) -> None:
    colorizer, in_onnx = load_package(packages(system))[0], opened(packages(system))
    for captions, size in product(UNSEEN, SIZES):
        lightness = torch.rand(len(captions), 1, *size) * 2 - 1
        ab = in_pytorch(colorizer, lightness, captions)
        assert ab.std() > 0
        assert far_apart(in_onnx(lightness, unpadded(colorizer.tokenize(captions))), ab) < 1e-3, (captions, size)


@pytest.mark.parametrize("system", ["lcoins", "lbie"])
def test_a_photo_of_another_size_gives_its_own_size(system: str, packages: Callable[[str], Path]) -> None:
    colorizer = load_package(packages(system))[0]
    caption = ["a purple star on the left of a green ring"]
    lightness = torch.rand(1, 1, 333, 517) * 2 - 1
    ab = opened(packages(system))(lightness, unpadded(colorizer.tokenize(caption)))
    assert ab.shape == (1, 2, 333, 517)
    assert far_apart(ab, in_pytorch(colorizer, lightness, caption)) < 1e-3


class Square(Colorizer):
    """A network that knows one size and has nothing to learn."""

    def __init__(self, image_size: int):
        super().__init__()
        self.image_size = image_size
        self.text_encoder = SimpleNamespace(tokenize=WordIds([], 1, fixed=False))

    def forward(self, lightness: Tensor, words: Words) -> Colorization:
        assert lightness.shape[-2:] == (self.image_size, self.image_size)
        return Colorization(torch.cat([lightness, lightness.square()], dim=1))


SIDE = st.integers(1, 90)


@given(height=SIDE, width=st.integers(2, 90), side=SIDE)
def test_resampling_around_the_network_is_that_of_photos(height: int, width: int, side: int) -> None:
    """At least two pixels wide: PyTorch 2.14 shrinks to a width of one as if all rows were the first."""
    lightness, words = torch.rand(2, 1, height, width), (torch.zeros(2, 1).long(), torch.ones(2, 1).bool())
    found = onnx_export.FlexibleNetwork(Square(side))(lightness, *words)
    expected = in_pytorch(Square(side), lightness, ["a", "b"])
    torch.testing.assert_close(found, expected, rtol=0, atol=90 * torch.finfo(torch.float32).eps)  # sums of 90 terms


@given(side=st.integers(1, 300))
def test_the_networks_own_size_is_not_resampled(side: int) -> None:
    lightness, words = torch.rand(1, 1, side, side), (torch.zeros(1, 1).long(), torch.ones(1, 1).bool())
    found = onnx_export.FlexibleNetwork(Square(side))(lightness, *words)
    assert torch.equal(found, torch.cat([lightness, lightness.square()], dim=1))


@pytest.mark.parametrize("text", [{"pad_mask": False}, {}])
def test_captions_are_padded_as_the_tokenizer_does(text: dict[str, bool]) -> None:
    """Where padding counts as words (the authors' code), too."""
    model = {**MODEL, "text_encoder": {**MODEL["text_encoder"], **text}}
    colorizer: Any = build_colorizer(model).eval()
    masked = build_colorizer(MODEL).tokenize(["a red star", "a moon"])  # type: ignore[operator]
    lightness = torch.rand(2, 1, 32, 32)
    with torch.no_grad():
        found = onnx_export.FlexibleNetwork(colorizer)(lightness, masked.ids, masked.mask)
    assert far_apart(found, colorizer.colorize(lightness, ["a red star", "a moon"]).ab) < 1e-3


@pytest.mark.parametrize(("system", "most"), [("lcoins", 40), ("lcode", LSTM_LENGTH)])
def test_the_package_says_what_the_network_takes(system: str, most: int, packages: Callable[[str], Path]) -> None:
    import onnx

    said = json.loads((packages(system) / "package.json").read_text())["onnx"]
    network = onnx.load(packages(system) / "model.onnx")
    onnx.checker.check_model(network)
    assert [opset.version for opset in network.opset_import if not opset.domain] == [said["opset"]]
    for values, described in ((network.graph.input, said["inputs"]), (network.graph.output, said["output"])):
        shapes = {
            value.name: [side.dim_param or side.dim_value for side in value.type.tensor_type.shape.dim]
            for value in values
        }
        assert shapes == {name: entry["shape"] for name, entry in described.items()}
    assert said["inputs"]["lightness"]["shape"] == ["batch", 1, "height", "width"]
    assert said["inputs"]["ids"]["shape"] == ["batch", "length"]
    assert (said["network_size"], said["max_length"]) == (32, most)
    assert 0 < said["largest_deviation_of_ab"] < 1e-3


def test_a_package_with_a_network_of_fixed_sizes_still_runs(packages: Callable[[str], Path], tmp_path: Path) -> None:
    """As files were before they took any size: captions of the greatest length, photos of the network's size."""
    import onnx

    for name in ("package.json", "model.safetensors"):
        (tmp_path / name).write_bytes((packages("lcode") / name).read_bytes())
    network = onnx.load(packages("lcode") / "model.onnx")
    for value in network.graph.input:
        sides = value.type.tensor_type.shape.dim
        for side, size in zip(list(sides)[1:], [1, 32, 32] if value.name == "lightness" else [8], strict=True):
            side.dim_value = size
    onnx.save(network, tmp_path / "model.onnx")
    index = json.loads((tmp_path / "package.json").read_text())
    index["onnx"] = {"sha256": sha256_of(tmp_path / "model.onnx"), "opset": index["onnx"]["opset"]}
    (tmp_path / "package.json").write_text(json.dumps(index))
    lightness = torch.rand(1, 1, 32, 32)
    ab = OnnxColorizer(tmp_path).colorize(lightness, ["a moon"]).ab
    assert far_apart(ab, load_package(tmp_path)[0].colorize(lightness, ["a moon"]).ab) < 1e-3


def test_nothing_in_the_network_is_random(package: Path) -> None:
    import onnx

    kinds = {node.op_type for node in onnx.load(package / "model.onnx").graph.node}
    assert not {kind for kind in kinds if "Random" in kind or kind in ("Dropout", "Bernoulli", "Multinomial")}


def test_the_network_has_the_weights_as_they_are_stored(package: Path) -> None:
    """Rounded to float16, as those of the package are."""
    lightness = torch.rand(1, 1, 32, 32)
    whole: Any = load_checkpoint(package.parent / "best.ckpt")[0]
    rounded = OnnxColorizer(package).colorize(lightness, ["a red star"])
    assert (rounded.ab - whole.colorize(lightness, ["a red star"]).ab).abs().max() * 110 > 1e-3


def test_a_photo_has_the_same_colors(package: Path, tmp_path: Path) -> None:
    Image.effect_noise((50, 30), 60).convert("RGB").save(tmp_path / "photo.png")
    picture = PhotoColorizer(FocusedColorizer(OnnxColorizer(package)))(tmp_path / "photo.png", "a red star")
    same = load_photo_colorizer(package)(tmp_path / "photo.png", "a red star")
    assert np.abs(np.asarray(picture, dtype=int) - np.asarray(same, dtype=int)).max() <= 1


def test_colors_that_differ_are_refused(package: Path) -> None:
    network: Any = onnx_export.FlexibleNetwork(load_package(package)[0])
    content = (package / "model.onnx").read_bytes()
    assert onnx_export._deviation(content, network) < 1e-3
    with torch.no_grad():
        network.colorizer.upsampler.layers[-2].bias += 1e-4  # of the network's units, before tanh
    with pytest.raises(
        ValueError, match=r"differs from PyTorch by 0\.01\d* units of ab on 1 captions, 32 x 32 pixels, more"
    ):
        onnx_export._deviation(content, network)


def test_a_refusal_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(colorizer: Any) -> None:
        raise ValueError("differs from PyTorch")

    monkeypatch.setattr(onnx_export, "export_onnx", refuse)
    path = checkpoint(tmp_path, MODEL)
    done = CliRunner().invoke(cli.app, ["export", str(path), "-o", str(tmp_path / "package"), "--onnx"])
    assert isinstance(done.exception, ValueError)
    assert not (tmp_path / "package").exists()


def test_weights_beyond_what_a_file_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "LARGEST_FILE", 1000)
    with pytest.raises(ValueError, match=r"LCoIns has 0\.0 GiB of weights, and an ONNX file holds less than 2; export"):
        onnx_export.export_onnx(build_colorizer(MODEL))  # type: ignore[arg-type]


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, package: Path) -> None:
    monkeypatch.setattr(onnx_export, "find_spec", lambda name: None)
    colorizer = load_checkpoint(checkpoint(tmp_path, MODEL))[0]
    with pytest.raises(RuntimeError, match=r"needs onnx, onnxscript, onnxruntime; run: pip install 'lcoins\[onnx\]'"):
        onnx_export.export_onnx(colorizer)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"ONNX needs onnxruntime; run"):
        OnnxColorizer(package)


def test_a_package_without_or_with_a_changed_network_is_refused(package: Path, tmp_path: Path) -> None:
    for name in ("package.json", "model.safetensors"):
        (tmp_path / name).write_bytes((package / name).read_bytes())
    with pytest.raises(ValueError, match=r"model\.onnx is missing, cut off or changed since the export"):
        OnnxColorizer(tmp_path)
    assert load_trained(tmp_path)[0].image_size == 32  # PyTorch needs it not
    (tmp_path / "model.onnx").write_bytes((package / "model.onnx").read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"model\.onnx is missing, cut off or changed since the export"):
        OnnxColorizer(tmp_path)
    index = json.loads((tmp_path / "package.json").read_text())
    del index["onnx"]
    (tmp_path / "package.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="holds no ONNX network; make one with lcoins export RUN -o FOLDER --onnx"):
        OnnxColorizer(tmp_path)
