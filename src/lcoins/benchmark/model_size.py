"""Counts parameters and multiply-adds of a colorizer part by part, on the meta device, so without any memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from rich.table import Table

from lcoins.models.operations import colorizer_without_memory, multiply_adds
from lcoins.training.build import build_objective


@dataclass(frozen=True)
class PartSize:
    """The size of one part: parameters, trained parameters, multiply-adds of inference and of a training forward."""

    name: str
    parameters: int
    trainable: int
    inference: int
    training: int


def part_sizes(model: Mapping[str, Any], words: int | None, recolored: bool) -> list[PartSize]:
    """The sizes of all parts of a model config, for one picture and a caption of ``words`` pieces, and their total.

    If ``words`` is None or the model pads all captions to one length, the longest caption that it reads is taken.

    What is counted, :mod:`lcoins.models.operations` says. With ``recolored`` a training forward has a second pass with
    another caption.
    """
    colorizer = colorizer_without_memory(model)
    tokenizer = colorizer.text_encoder.tokenize
    length = tokenizer.max_length if words is None or tokenizer.fixed else min(words, tokenizer.max_length)
    counts = [multiply_adds(colorizer, length, second) for second in ((False, True) if recolored else (False,))]
    parts = []
    names = {id(module): f"{type(colorizer).__name__}.{name}" for name, module in colorizer.named_modules() if name}
    for title, members in colorizer.parts().items():
        tensors = [p for m in members for p in (m.parameters() if isinstance(m, torch.nn.Module) else [m])]
        macs = [sum(_multiply_adds(m, names, count) for m in members) for count in counts]
        trainable = sum(p.numel() for p in tensors if p.requires_grad)
        parts.append(PartSize(title, sum(p.numel() for p in tensors), trainable, macs[0], macs[-1]))
    total = PartSize(
        "total",
        *(sum(getattr(part, key) for part in parts) for key in ("parameters", "trainable", "inference", "training")),
    )
    if total.parameters != sum(p.numel() for p in colorizer.parameters()):
        raise RuntimeError(f"the parts of {type(colorizer).__name__} do not cover its parameters; correct its parts()")
    return [*parts, total]


def discriminator_size(objective: Mapping[str, Any]) -> list[PartSize]:
    """The discriminator of an adversarial objective, which is not part of the colorizer; empty for other objectives."""
    if "discriminator" not in objective:
        return []
    with torch.device("meta"):
        count = sum(p.numel() for p in build_objective(objective).parameters())
    return [PartSize("discriminator, in training", count, count, 0, 0)]


def _multiply_adds(member: torch.nn.Module | torch.nn.Parameter, names: dict[int, str], counts: dict[str, int]) -> int:
    """Multiply-adds of one member; a module whose forward is never called has those of its children."""
    if not isinstance(member, torch.nn.Module):
        return 0
    name = names[id(member)]
    return counts[name] if name in counts else sum(_multiply_adds(m, names, counts) for m in member.children())


def size_table(parts: list[PartSize], title: str) -> Table:
    """The sizes as a table to print."""
    result = Table(title=title)
    result.add_column("part", no_wrap=True)
    for heading in ("parameters", "trained", "GMAC infer", "GMAC train"):
        result.add_column(heading, justify="right")
    for part in parts:
        style = "bold" if part.name == "total" else ""
        result.add_row(
            part.name,
            f"{part.parameters:,}",
            f"{part.trainable:,}",
            f"{part.inference / 1e9:.2f}",
            f"{part.training / 1e9:.2f}",
            style=style,
        )
    return result
