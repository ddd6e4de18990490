"""Evaluates a colorizer by the paper's protocol (specified in the authors' release): figures, rows, contact sheet.

The pictures arrive at the protocol's size: the data set squashes them. Every (photo, caption) pair counts once; the
mean of a figure is over pairs, never over batches. The gray floor, ab = 0, is measured in the same pass, so that every
figure stands beside what a picture without color would get.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lcoins.color.lab import from_network_ab, join_lab, network_input, resize_ab, split_lab, to_network_ab
from lcoins.color.words import BASIC_COLORS, COLOR_CLASS
from lcoins.data.types import Batch
from lcoins.evaluation.averages import average_rows, infinite_psnr_notes, recoloring_figures
from lcoins.evaluation.contact_sheet import Picture, SheetRow, group_map, group_overlay
from lcoins.evaluation.groups import token_groups
from lcoins.evaluation.instances import InstanceEvaluator
from lcoins.evaluation.lpips import Lpips
from lcoins.evaluation.obedience import Palette, exchanged_word, recoloring_response
from lcoins.evaluation.quality import colorfulness, psnr, ssim, to_uint8
from lcoins.evaluation.result import EvaluationReport, PairRow, write_report
from lcoins.files import open_whole, sha256_of
from lcoins.models.colorizer import Colorization
from lcoins.progress import followed

DEFINITIONS = {  # in words, for a reader of the report
    "reference": "original lightness and ab through Lab and back",
    "quantization": "clip to [0, 1], times 255, truncated",
    "psnr": "per pair, peak 255, three channels",
    "ssim": "scikit-image, uniform 7x7 window, sample covariance, range 255, mean of RGB",
    "lpips_input": "before quantization, negative values clipped, values above 1 kept",
    "average": "mean over pairs",
    "colorfulness": "Hasler-Suesstrunk with absolute opponents",
}


@dataclass(frozen=True)
class EvaluationOptions:
    """What is measured beside PSNR, SSIM and colorfulness, on which device, and what is shown.

    Attributes:
        lpips: LPIPS networks by name.
        unavailable: Metric that cannot be computed -> what to put where; the report repeats it.
        palette: Color word -> CIELAB. Given, batches that carry instances have them measured.
        recolor: Whether captions with exchanged color words are colored too, to measure the response
            (:func:`lcoins.evaluation.obedience.recoloring_response`).
        device: Where the colorizer and the LPIPS networks run.
        progress: Whether to show how far it is.
        sheet_rows: Number of pairs on the contact sheet.
    """

    lpips: Mapping[str, Lpips] = field(default_factory=dict)
    unavailable: Mapping[str, str] = field(default_factory=dict)
    palette: Palette | None = None
    recolor: bool = False
    device: torch.device | str = "cpu"
    progress: bool = False
    sheet_rows: int = 12


def evaluate(
    colorizer: nn.Module, loader: Iterable[Batch], options: EvaluationOptions, directory: Path, title: str
) -> EvaluationReport:
    """Colors all pairs of the loader and writes ``<title>.json``, ``<title>_pairs.csv`` and ``<title>_sheet.png``.

    If the model has groups, those of the image tokens go to ``<title>_groups.npy``, (pairs, N_I) of uint8, or of
    uint16 with more than 256 groups. Files appear
    only at the end, each whole, and replace those of an earlier evaluation with the same title.

    In a group of processes (torch.distributed) each gives the batches that it has loaded; all get the report of all
    batches, in the order of the test set, and the first process writes the files.

    Args:
        colorizer: Any :class:`lcoins.models.colorizer.Colorizer`.
        loader: Batches of a test set at the protocol's size.
        options: What is measured.
        directory: Folder of the files.
        title: Name of the test set, a plain file name.
    """
    if Path(title).name != title or title in ("", ".."):
        raise ValueError(f"expected a plain file name as title, got {title!r}; leave out folders")
    evaluator = _PairEvaluator(colorizer, options, _evenly_spread(loader, options.sheet_rows))
    for net in options.lpips.values():
        net.to(options.device)
    colorizer.to(options.device)
    batches = followed(loader, title) if options.progress else loader
    found = _of_all_processes([evaluator.evaluate_batch(batch) for batch in batches])
    if not found:
        raise ValueError(f"nothing to evaluate for {title!r}: the loader gave no pair; check the list of captions")
    rows = [row for batch in found for row in batch.rows]
    report = evaluator.report(title, found, rows)
    if _is_first_process():
        write_report(report, rows, directory)
        if groups := [of_pair for batch in found for of_pair in batch.groups]:
            with open_whole(directory / f"{title}_groups.npy") as file:
                np.save(file, np.stack(groups), allow_pickle=False)
    return report


@dataclass
class _EvaluatedBatch:
    """What came of one batch, to be put in order by the index of its ``first`` pair in the test set."""

    first: int
    rows: list[PairRow]
    groups: list[NDArray[np.unsignedinteger[Any]]]
    examples: list[tuple[PairRow, SheetRow]]
    instances: InstanceEvaluator | None


def _of_all_processes(found: list[_EvaluatedBatch]) -> list[_EvaluatedBatch]:
    """The batches of every process of the group, in the order of the test set."""
    if _in_group():
        parts: list[list[_EvaluatedBatch]] = [[] for _ in range(torch.distributed.get_world_size())]
        torch.distributed.all_gather_object(parts, found)
        found = [batch for part in parts for batch in part]
    return sorted(found, key=lambda batch: batch.first)


def _in_group() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _is_first_process() -> bool:
    return not _in_group() or torch.distributed.get_rank() == 0


class _PairEvaluator:
    """Evaluates batches: one row per pair, its groups, what is counted over instances, rows of the contact sheet."""

    def __init__(self, colorizer: nn.Module, options: EvaluationOptions, sheet_indices: set[int]) -> None:
        self.colorizer: Any = colorizer
        self.options = options
        self.sheet_indices = sheet_indices  # pairs on the contact sheet, by their index in the test set
        palette = options.palette
        self.choices = [word for word in palette if word in COLOR_CLASS] if palette else list(BASIC_COLORS)
        self.size: tuple[int, int] = (0, 0)

    @torch.inference_mode()
    def evaluate_batch(self, batch: Batch) -> _EvaluatedBatch:
        palette = self.options.palette
        instance_evaluator = InstanceEvaluator(palette) if palette is not None else None
        found = _EvaluatedBatch(int(batch.index[0]), [], [], [], instance_evaluator)
        lightness, truth = split_lab(batch.float_rgb(torch.device(self.options.device)))
        self.size = (lightness.shape[-2], lightness.shape[-1])
        ab, assignment = self._predict(lightness, batch.captions, batch.names)
        # Scaled to network units and back like the prediction: float rounding could change a truncated 8-bit value.
        reference = _to_rgb(lightness, from_network_ab(to_network_ab(truth)))
        pictures = {"gray": _to_rgb(lightness, torch.zeros_like(truth)), "prediction": _to_rgb(lightness, ab)}
        columns = self._quality(pictures, reference)
        rows = [
            {"name": name, "photo": photo, "caption": caption}
            | {column: float(values[index]) for column, values in columns.items()}
            for index, (name, photo, caption) in enumerate(zip(batch.names, batch.photos, batch.captions, strict=True))
        ]
        for index, row in enumerate(rows):
            instances, groups = batch.instances[index], None
            if assignment is not None:
                groups = token_groups(assignment[index])
                found.groups.append(groups.numpy().astype(np.min_scalar_type(assignment.shape[1] - 1)))
            if instance_evaluator is not None and instances is not None:
                row |= instance_evaluator.evaluate(instances, lightness[index], ab[index], truth[index], groups)
        recolored = self._recolor(batch, rows, lightness, ab, instance_evaluator) if self.options.recolor else {}
        shown = {title: to_uint8(picture) for title, picture in {**pictures, "truth": reference}.items()}
        for index in range(len(rows)):
            if int(batch.index[index]) in self.sheet_indices:
                after = _to_rgb(lightness[index : index + 1], recolored[index][None]) if index in recolored else None
                found.examples.append((rows[index], _sheet_row(batch, index, shown, after, assignment)))
        found.rows = rows
        return found

    def _predict(self, lightness: Tensor, captions: list[str], names: list[str]) -> tuple[Tensor, Tensor | None]:
        """ab in CIELAB units at the protocol's size, predicted at the model's own size, and the assignment."""
        result: Colorization = self.colorizer.colorize(network_input(lightness, self.colorizer.image_size), captions)
        ab = resize_ab(from_network_ab(result.ab.float()), self.size)
        broken = [name for index, name in enumerate(names) if not bool(ab[index].isfinite().all())]
        if broken:
            raise ValueError(f"the colorizer gave a non-finite ab for {broken}; train again or take another checkpoint")
        return ab, result.assignment

    def _quality(self, pictures: Mapping[str, Tensor], reference: Tensor) -> dict[str, Tensor]:
        """The protocol's figures of prediction and gray (prefix ``gray_``), each (B,)."""
        columns: dict[str, Tensor] = {}
        exact, lpips = to_uint8(reference), self.options.lpips
        features = {name: net.features(reference) for name, net in lpips.items()}
        for title, prefix in (("prediction", ""), ("gray", "gray_")):
            picture = pictures[title]
            columns[f"{prefix}psnr"] = psnr(to_uint8(picture), exact)
            columns[f"{prefix}ssim"] = ssim(to_uint8(picture), exact)
            for name, net in lpips.items():
                columns[f"{prefix}lpips_{name}"] = net.distance(net.features(picture), features[name])
        columns["colorfulness"] = colorfulness(to_uint8(pictures["prediction"]))
        columns["colorfulness_truth"] = colorfulness(exact)
        return columns

    def _recolor(
        self,
        batch: Batch,
        rows: list[PairRow],
        lightness: Tensor,
        ab: Tensor,
        instance_evaluator: InstanceEvaluator | None,
    ) -> dict[int, Tensor]:
        """Colors the pictures once more by the recolored captions; ab (2, H, W) by index in the batch."""
        indices = [i for i, caption in enumerate(batch.captions) if batch.recolored[i] != caption]
        if not indices:
            return {}
        captions = [batch.recolored[i] for i in indices]
        recolored, _ = self._predict(lightness[indices], captions, [batch.names[i] for i in indices])
        for index, caption, after in zip(indices, captions, recolored, strict=True):
            row, before = rows[index], ab[index]
            words = exchanged_word(batch.captions[index], caption, self.choices)
            if words is not None:
                response = recoloring_response(before, after, *words, choices=self.choices)
                row |= {"recolored": caption, "old": words[0], "new": words[1]}
                row |= {f"recolor_{name}": value for name, value in vars(response).items()}
            instances = batch.instances[index]
            if instance_evaluator is not None and instances is not None:
                row |= instance_evaluator.evaluate_recolored(instances, batch.captions[index], caption, before, after)
        return dict(zip(indices, recolored, strict=True))

    def report(self, title: str, found: list[_EvaluatedBatch], rows: list[PairRow]) -> EvaluationReport:
        instances = InstanceEvaluator(self.options.palette or {})
        for batch in found:
            if batch.instances is not None:
                instances.add(batch.instances)
        figures = average_rows(rows)
        figures |= instances.figures() | recoloring_figures(rows, figures)
        return EvaluationReport(
            title,
            figures,
            self._settings(rows),
            unavailable=dict(self.options.unavailable),
            notes=[*infinite_psnr_notes(rows), *self._unmeasured_notes(rows, instances)],
            confusion=instances.confusion,
            examples=[example for batch in found for example in batch.examples],
        )

    def _unmeasured_notes(self, rows: list[PairRow], instances: InstanceEvaluator) -> list[str]:
        measured = instances.recoloring_measured or any("recolor_towards" in row for row in rows)
        if self.options.recolor and not measured:
            return ["recoloring not measured: no caption names exactly one color that was exchanged for a distant one"]
        return []

    def _settings(self, rows: list[PairRow]) -> dict[str, Any]:
        palette, lpips = self.options.palette, self.options.lpips
        return {
            "pairs": len(rows),
            "photos": len({row["photo"] for row in rows}),
            "size": list(self.size),
            "model_size": self.colorizer.image_size,
            **DEFINITIONS,
            "lpips": {
                name: {"version": "0.1", "file": net.file.name, "sha256": sha256_of(net.file)}
                for name, net in lpips.items()
            },
            "palette": {word: list(lab) for word, lab in palette.items()} if palette is not None else None,
        }


def _to_rgb(lightness: Tensor, ab: Tensor) -> Tensor:
    """sRGB as the authors compare it: negative values clipped, values above 1 kept until quantization."""
    return join_lab(lightness, ab, clip=False).clamp(min=0)


def _sheet_row(
    batch: Batch, index: int, shown: Mapping[str, Tensor], after: Tensor | None, assignment: Tensor | None
) -> SheetRow:
    row = SheetRow(batch.captions[index], {title: _to_array(pictures[index]) for title, pictures in shown.items()})
    if assignment is not None:
        row.panels["groups"] = group_overlay(assignment[index], row.panels["gray"])
        row.groups = group_map(assignment[index], *row.panels["gray"].shape[:2])
    if after is not None:
        row.panels["recolored"] = _to_array(to_uint8(after)[0])
        row.recolored = batch.recolored[index]
    return row


def _to_array(picture: Tensor) -> Picture:
    return picture.permute(1, 2, 0).cpu().numpy()


def _evenly_spread(loader: Iterable[Batch], rows: int) -> set[int]:
    """Indices of the pairs on the sheet: evenly spread if the loader's data set has a length, else the first ones."""
    source: Any = getattr(loader, "dataset", None)
    total = len(source) if hasattr(source, "__len__") else rows
    return {index * total // rows for index in range(rows)}
