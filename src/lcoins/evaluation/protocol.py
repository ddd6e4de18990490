"""Evaluates a colorizer by the paper's protocol (specified in the authors' release): figures, rows, contact sheet.

The pictures arrive already at the protocol's size (the data set squashes them). Every (photo, caption) pair counts
once; the mean of a figure is over pairs, never over batches. The gray floor, ab = 0, is measured in the same pass, so
that every figure stands beside what no color at all would give.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor, nn

from lcoins.color.lab import from_network_ab, join_lab, network_input, resize_ab, split_lab, to_network_ab
from lcoins.color.words import BASIC_COLORS, COLOR_CLASS
from lcoins.data.types import Batch
from lcoins.evaluation import quality as metrics
from lcoins.evaluation.contact_sheet import Picture, SheetRow, group_map, group_overlay
from lcoins.evaluation.groups import labels_of
from lcoins.evaluation.instance_judge import InstanceJudge
from lcoins.evaluation.lpips import Lpips
from lcoins.evaluation.quality import Lab
from lcoins.evaluation.result import TEXT_COLUMNS, Report, Row, write_report
from lcoins.files import sha256_of, whole_file

# Columns of a row that count instances: their shares are taken over all instances, not over pairs.
COUNTS = ("instances", "recolored_")


class Colorized(Protocol):
    """What evaluation reads of a Colorization: network-scaled ab (B, 2, S, S), assignment (B, N_G, N_I) or None."""

    ab: Tensor
    assignment: Tensor | None


def evaluate(
    colorizer: nn.Module,
    loader: Iterable[Batch],
    *,
    lpips: Mapping[str, Lpips],
    palette: Mapping[str, Lab] | None,
    device: torch.device | str,
    directory: Path,
    title: str,
    progress: bool,
    recolor: bool,
    unavailable: Mapping[str, str] | None = None,
    sheet_rows: int = 12,
) -> Report:
    """Runs the colorizer over all pairs of the loader and writes ``<title>.json``, ``_pairs.csv`` and ``_sheet.png``.

    ``palette`` (color -> CIELAB) asks for the measures of instances on the batches that carry some; ``recolor`` asks
    for the response to exchanged color words (:func:`lcoins.evaluation.quality.recoloring`). The groups of the image
    tokens, if the model has any, go to ``<title>_groups.npy``, uint8 (pairs, N_I). Files appear only at the end, each
    whole; those of an earlier evaluation with the same title in the same directory are replaced.
    """
    if Path(title).name != title or title in ("", ".."):
        raise ValueError(f"title {title!r} must be a plain file name; leave out folders")
    judge = _Judge(colorizer, lpips, palette, torch.device(device), recolor, _evenly(loader, sheet_rows))
    for net in lpips.values():
        net.to(device)
    colorizer.to(device)
    for batch in track(loader, description=title) if progress else loader:
        judge.batch(batch)
    if not judge.rows:
        raise ValueError(f"nothing to evaluate for {title!r}: the loader gave no pair; check the list of captions")
    report = judge.report(title, dict(unavailable or {}))
    write_report(report, judge.rows, directory)
    if judge.groups:
        with whole_file(directory / f"{title}_groups.npy") as partial, partial.open("wb") as file:
            np.save(file, np.stack(judge.groups), allow_pickle=False)
    return report


class _Judge:
    """Collects one row per pair, its groups, what is counted over instances, and the rows of the contact sheet."""

    def __init__(
        self,
        colorizer: nn.Module,
        lpips: Mapping[str, Lpips],
        palette: Mapping[str, Lab] | None,
        device: torch.device,
        recolor: bool,
        sheet_places: set[int],
    ) -> None:
        self.colorizer: Any = colorizer
        self.lpips = lpips
        self.instances = InstanceJudge(palette) if palette is not None else None
        self.device = device
        self.recolor = recolor
        self.sheet_places = sheet_places
        self.choices = [w for w in palette if w in COLOR_CLASS] if palette else list(BASIC_COLORS)
        self.rows: list[Row] = []
        self.groups: list[NDArray[np.uint8]] = []
        self.examples: list[tuple[Row, SheetRow]] = []
        self.size: tuple[int, int] = (0, 0)

    @torch.inference_mode()
    def batch(self, batch: Batch) -> None:
        lightness, truth = split_lab(batch.float_rgb(self.device))
        self.size = (lightness.shape[-2], lightness.shape[-1])
        ab, assignment = self._colors(lightness, batch.captions, batch.names)
        # The truth goes through the network's scale as the prediction does: truncation would see a last bit.
        reference = _picture(lightness, from_network_ab(to_network_ab(truth)))
        pictures = {"gray": _picture(lightness, torch.zeros_like(truth)), "prediction": _picture(lightness, ab)}
        columns = self._quality(pictures, reference)
        rows = [
            {"name": name, "photo": photo, "caption": caption}
            | {key: float(values[place]) for key, values in columns.items()}
            for place, (name, photo, caption) in enumerate(zip(batch.names, batch.photos, batch.captions, strict=True))
        ]
        for place, row in enumerate(rows):
            instances, labels = batch.instances[place], None
            if assignment is not None:
                labels = labels_of(assignment[place])
                self.groups.append(labels.to(torch.uint8).numpy())
            if self.instances is not None and instances is not None:
                row |= self.instances.judge(instances, lightness[place], ab[place], truth[place], labels)
        recolored = self._recolor(batch, rows, lightness, ab) if self.recolor else {}
        shown = {title: metrics.to_uint8(picture) for title, picture in {**pictures, "truth": reference}.items()}
        for place in range(len(rows)):
            if len(self.rows) + place in self.sheet_places:
                after = _picture(lightness[place : place + 1], recolored[place][None]) if place in recolored else None
                self.examples.append((rows[place], _sheet_row(batch, place, shown, after, assignment)))
        self.rows += rows

    def _colors(self, lightness: Tensor, captions: list[str], names: list[str]) -> tuple[Tensor, Tensor | None]:
        """ab in CIELAB units at the protocol's size, predicted at the model's own size, and the assignment."""
        result: Colorized = self.colorizer.colorize(network_input(lightness, self.colorizer.image_size), captions)
        ab = resize_ab(from_network_ab(result.ab.float()), self.size)
        broken = [names[place] for place in range(len(names)) if not bool(ab[place].isfinite().all())]
        if broken:
            raise ValueError(f"the colorizer gave a non-finite ab for {broken}; train again or take another checkpoint")
        return ab, result.assignment

    def _quality(self, pictures: Mapping[str, Tensor], reference: Tensor) -> dict[str, Tensor]:
        """The protocol's figures of prediction and gray (prefix ``gray_``), each (B,)."""
        columns: dict[str, Tensor] = {}
        exact = metrics.to_uint8(reference)
        features = {name: net.features(reference) for name, net in self.lpips.items()}
        for title, prefix in (("prediction", ""), ("gray", "gray_")):
            picture = pictures[title]
            columns[f"{prefix}psnr"] = metrics.psnr(metrics.to_uint8(picture), exact)
            columns[f"{prefix}ssim"] = metrics.ssim(metrics.to_uint8(picture), exact)
            for name, net in self.lpips.items():
                columns[f"{prefix}lpips_{name}"] = net.distance(net.features(picture), features[name])
        columns["colorfulness"] = metrics.colorfulness(metrics.to_uint8(pictures["prediction"]))
        columns["colorfulness_truth"] = metrics.colorfulness(exact)
        return columns

    def _recolor(self, batch: Batch, rows: list[Row], lightness: Tensor, ab: Tensor) -> dict[int, Tensor]:
        """Colors the pictures once more with the recolored captions; ab (2, H, W) by place in the batch."""
        places = [i for i, caption in enumerate(batch.captions) if batch.recolored[i] != caption]
        if not places:
            return {}
        captions = [batch.recolored[i] for i in places]
        after, _ = self._colors(lightness[places], captions, [batch.names[i] for i in places])
        for place, caption, moved in zip(places, captions, after, strict=True):
            words = metrics.exchanged_word(batch.captions[place], caption, self.choices)
            if words is not None:
                answer = metrics.recoloring(ab[place], moved, *words, choices=self.choices)
                rows[place] |= {"recolored": caption, "old": words[0], "new": words[1]}
                rows[place] |= {f"recolor_{name}": value for name, value in vars(answer).items()}
            instances = batch.instances[place]
            if self.instances is not None and instances is not None:
                rows[place] |= self.instances.judge_recolored(
                    instances, batch.captions[place], caption, ab[place], moved
                )
        return dict(zip(places, after, strict=True))

    def report(self, title: str, unavailable: dict[str, str]) -> Report:
        columns = dict.fromkeys(key for row in self.rows for key in row)
        names = [name for name in columns if name not in TEXT_COLUMNS and not name.startswith(COUNTS)]
        figures = {name: _mean([float(row[name]) for row in self.rows if name in row]) for name in names}
        figures |= (self.instances.figures() if self.instances else {}) | self._recolor_figures(figures)
        notes = [*self._equal_pairs(), *self._unmeasured()]
        confusion = self.instances.confusion if self.instances else {}
        return Report(title, figures, self._settings(), unavailable, notes, confusion, self.examples)

    def _recolor_figures(self, means: Mapping[str, float]) -> dict[str, float]:
        rows = [row for row in self.rows if "recolor_towards" in row]
        if not rows:
            return {}
        gain = means["recolor_towards"] - means["recolor_control"]
        photos: dict[str, float] = {}  # captions of one photo are not independent: sum their deviations first
        for row in rows:
            deviation = row["recolor_towards"] - row["recolor_control"] - gain
            photos[row["photo"]] = photos.get(row["photo"], 0.0) + deviation
        return {
            "recolor_gain": gain,
            "recolor_gain_error": math.sqrt(sum(value**2 for value in photos.values())) / len(rows),
            "recolor_toward_share": _mean([float(row["recolor_towards"] > 0) for row in rows]),
            "recolor_pairs": float(len(rows)),
        }

    def _equal_pairs(self) -> list[str]:
        notes = []
        for name in ("psnr", "gray_psnr"):
            finite = [row[name] for row in self.rows if math.isfinite(row[name])]
            if len(finite) < len(self.rows):
                others = f"{_mean(finite):.2f} dB" if finite else "none"
                notes.append(
                    f"{name}: {len(self.rows) - len(finite)} of {len(self.rows)} pairs equal their reference, so the "
                    f"mean is infinite; mean of the others: {others}"
                )
        return notes

    def _unmeasured(self) -> list[str]:
        judged = self.instances is not None and "recolored_correct" in self.instances.values
        measured = judged or any("recolor_towards" in row for row in self.rows)
        if self.recolor and not measured:
            return ["recoloring not measured: no caption names exactly one color that was exchanged for a distant one"]
        return []

    def _settings(self) -> dict[str, Any]:
        return {
            "pairs": len(self.rows),
            "photos": len({row["photo"] for row in self.rows}),
            "size": list(self.size),
            "model_size": self.colorizer.image_size,
            "reference": "original lightness and ab through Lab and back",
            "quantization": "clip to [0, 1], times 255, truncated",
            "psnr": "per pair, peak 255, three channels",
            "ssim": "scikit-image, uniform 7x7 window, sample covariance, range 255, mean of RGB",
            "lpips": {
                name: {"version": "0.1", "file": net.file.name, "sha256": sha256_of(net.file)}
                for name, net in self.lpips.items()
            },
            "lpips_input": "before quantization, negative values clipped, values above 1 kept",
            "average": "mean over pairs",
            "colorfulness": "Hasler-Suesstrunk with absolute opponents",
            "palette": {name: list(lab) for name, lab in self.instances.palette.items()} if self.instances else None,
        }


def _picture(lightness: Tensor, ab: Tensor) -> Tensor:
    """sRGB as the authors compare it: negative values clipped, values above 1 kept until quantization."""
    return join_lab(lightness, ab, clip=False).clamp(min=0)


def _sheet_row(
    batch: Batch, place: int, shown: Mapping[str, Tensor], after: Tensor | None, assignment: Tensor | None
) -> SheetRow:
    row = SheetRow(batch.captions[place], {title: _array(pictures[place]) for title, pictures in shown.items()})
    if assignment is not None:
        row.panels["groups"] = group_overlay(assignment[place], row.panels["gray"])
        row.groups = group_map(assignment[place], *row.panels["gray"].shape[:2])
    if after is not None:
        row.panels["recolored"] = _array(metrics.to_uint8(after)[0])
        row.recolored = batch.recolored[place]
    return row


def _array(picture: Tensor) -> Picture:
    return picture.permute(1, 2, 0).cpu().numpy()


def _evenly(loader: Iterable[Batch], rows: int) -> set[int]:
    """Places of the pairs shown: evenly spread where the loader knows its data set's length, else the first ones."""
    source: Any = getattr(loader, "dataset", None)
    total = len(source) if hasattr(source, "__len__") else rows
    return {place * total // rows for place in range(rows)}


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
