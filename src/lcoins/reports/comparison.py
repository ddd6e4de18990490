"""Compares finished runs: mean and deviation over seeds, and bootstrap intervals for every gap to a baseline.

Runs that differ in nothing but the seed are one variant. Everything is computed from the rows of the test pairs, so
that every figure can be resampled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import get_args

import numpy as np
import torch

from lcoins.data.scenes.layout import DistinguishedBy
from lcoins.evaluation.groups import stability
from lcoins.reports.load_runs import Array, Run

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Measure:
    """A figure that is the mean of a column of the rows, or of one ``column`` divided by another, ``per``.

    ``better`` is +1 where more is better, -1 where less is, 0 where neither is.
    """

    title: str
    column: str
    better: int
    digits: int
    per: str | None = None
    percent: bool = False

    @property
    def heading(self) -> str:
        return self.title + {1: " ↑", -1: " ↓", 0: ""}[self.better]

    def text(self, value: float, signed: bool = False) -> str:
        value, digits = (100 * value, 1) if self.percent else (value, self.digits)
        return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", "\N{MINUS SIGN}")


WORDS = Measure("words right, %", "instances_correct", +1, 3, "instances", percent=True)
SHORTCUT = Measure("luminance shortcut", "", +1, 2)
MEASURES = (
    WORDS,
    *(
        Measure(
            f"told apart by {distinguished_by}",
            f"instances_correct_by_{distinguished_by}",
            +1,
            3,
            f"instances_by_{distinguished_by}",
            True,
        )
        for distinguished_by in get_args(DistinguishedBy)
    ),
    Measure("recolored words right, %", "recolored_correct", +1, 3, "recolored_instances", percent=True),
    Measure("ΔE00 to the named color", "named_delta_e", -1, 1),
    Measure("response to new words", "response", +1, 2),
    Measure("spill on other instances", "spill_instances", -1, 2),
    Measure("spill on the background", "spill_background", -1, 2),
    Measure("bleeding", "bleeding", -1, 2),
    Measure("background error", "background_error", -1, 2),
    Measure("groups: adjusted Rand", "groups_ari", +1, 2),
    Measure("groups: purity", "groups_purity", +1, 2),
    Measure("groups used", "groups_used", 0, 1),
    Measure("PSNR, dB", "psnr", +1, 2),
    Measure("SSIM", "ssim", +1, 3),
    Measure("LPIPS alex", "lpips_alex", -1, 3),
    Measure("LPIPS vgg", "lpips_vgg", -1, 3),
    Measure("colorfulness", "colorfulness", 0, 1),
    Measure("shift by one new word", "recolor_shift", 0, 2),
    Measure("towards the new word", "recolor_towards", +1, 2),
)


@dataclass(frozen=True)
class Figure:
    """Mean over the seeds of a variant, its standard deviation over them (None of one seed), and each seed's value."""

    mean: float
    deviation: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Gap:
    """A variant's figure minus the baseline's, with the ends of the bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        """No difference lies inside the interval, so that the gap may be chance."""
        return self.low <= 0 <= self.high


class Comparison:
    """Figures of all variants and their gaps to ``baseline``; see :func:`find_runs`.

    Raises ValueError where the runs were tested on different pairs, or where no variant is called ``baseline``.
    """

    def __init__(self, runs: Sequence[Run], baseline: str | None = None) -> None:
        self.variants: dict[str, list[Run]] = {}
        for run in runs:
            self.variants.setdefault(run.variant, []).append(run)
        usual = next((name for name in ("full", "default") if name in self.variants), next(iter(self.variants)))
        self.baseline = baseline or usual
        if self.baseline not in self.variants:
            raise ValueError(f"no variant {self.baseline!r} among {', '.join(self.variants)}; choose one of them")
        self.variants = {self.baseline: self.variants[self.baseline]} | self.variants
        self.sets = list(dict.fromkeys(title for run in runs for title in run.sets))
        for title in self.sets:
            self._check(title)
        self._weights: dict[str, Array] = {}

    def _check(self, title: str) -> None:
        """Resampled pairs are paired: every run must have been tested on the same ones, in the same order."""
        tested = [run for runs in self.variants.values() for run in runs if title in run.pairs]
        for run in tested:
            if run.pairs[title] != tested[0].pairs[title]:
                raise ValueError(
                    f"{run.folder} and {tested[0].folder} were tested on different pairs of {title!r}; "
                    f"compare runs of one data config, or evaluate them on the same"
                )

    def judged_sets(self) -> list[str]:
        """The test sets on which the baseline was judged by its color words."""
        return [title for title in self.sets if self.figure(title, WORDS, self.baseline)]

    def measures(self, title: str) -> list[Measure]:
        """The measures that at least one run has on a test set."""
        return [measure for measure in MEASURES if any(self.figure(title, measure, v) for v in self.variants)]

    def figure(self, title: str, measure: Measure, variant: str) -> Figure | None:
        """A variant's figure on a test set, or None where it was not measured."""
        parts = self._parts(title, measure, variant)
        if parts is None:
            return None
        tops, counts = parts
        return _over_seeds(tops.sum(axis=1) / counts.sum(axis=1))

    def gap(self, title: str, measure: Measure, variant: str) -> Gap | None:
        """The gap of a variant to the baseline, None of itself; the interval covers pairs and seeds.

        Bootstrap: 2,000 times the photos are drawn with replacement, the same ones for both variants, and the seeds of
        each variant on their own; the interval holds the middle 95 % of the differences. Of three seeds it is too
        narrow by about a fifth in what the seeds add; of one seed it holds the pairs alone.
        """
        if variant == self.baseline:
            return None
        drawn = [self._resampled(title, measure, name, place) for place, name in enumerate((variant, self.baseline))]
        figures = [self.figure(title, measure, name) for name in (variant, self.baseline)]
        return _gap(figures, drawn)

    def shortcut(self, variant: str) -> Figure | None:
        """Luminance shortcut: words right on ``counter`` over words right on ``clear``; 1 where lightness is no help.

        Below 1 the model reads color off lightness, above 1 it would be helped by a contradiction. Only runs that
        were tested on both sets count.
        """
        figures = [self.figure(title, WORDS, variant) for title in ("counter", "clear")]
        if figures[0] is None or figures[1] is None or not all(figures[1].values):
            return None
        return _over_seeds(np.array(figures[0].values) / np.array(figures[1].values))

    def shortcut_gap(self, variant: str) -> Gap | None:
        """The gap of the luminance shortcut to the baseline's, the two sets resampled one by one."""
        if variant == self.baseline:
            return None
        drawn = []
        for place, name in enumerate((variant, self.baseline)):
            over, under = (self._resampled(title, WORDS, name, place) for title in ("counter", "clear"))
            with np.errstate(divide="ignore", invalid="ignore"):
                drawn.append(None if over is None or under is None else over / under)
        return _gap([self.shortcut(variant), self.shortcut(self.baseline)], drawn)

    def stability(self, title: str, variant: str) -> float | None:
        """Mean over the pairs of seeds of the agreement of their groups (adjusted Rand index); None below two."""
        paths = [run.groups[title] for run in self.variants[variant] if title in run.groups]
        if len(paths) < 2:
            return None
        groups = [torch.from_numpy(np.load(path, allow_pickle=False)).long() for path in paths]
        agreements = [stability(one, other) for one, other in combinations(groups, 2)]
        return sum(agreements) / len(agreements)

    def _parts(self, title: str, measure: Measure, variant: str) -> tuple[Array, Array] | None:
        """Numerators and denominators by seed and photo, (S, P) each; pairs where the figure is undefined count 0."""
        tested = [run for run in self.variants[variant] if measure.column in run.sets.get(title, {})]
        if not tested:
            return None
        _, photo = np.unique(np.array(tested[0].photos[title]), return_inverse=True)
        tops, counts = np.zeros((len(tested), photo.max() + 1)), np.zeros((len(tested), photo.max() + 1))
        for place, run in enumerate(tested):
            columns = run.sets[title]
            top = columns[measure.column]
            count = columns[measure.per] if measure.per else np.ones_like(top)
            defined = np.isfinite(top) & np.isfinite(count)
            np.add.at(tops[place], photo[defined], top[defined])
            np.add.at(counts[place], photo[defined], count[defined])
        return (tops, counts) if bool((counts.sum(axis=1) > 0).all()) else None

    def _resampled(self, title: str, measure: Measure, variant: str, place: int) -> Array | None:
        """The figure of each bootstrap sample, (RESAMPLES,)."""
        parts = self._parts(title, measure, variant)
        if parts is None:
            return None
        tops, counts = parts
        if title not in self._weights:
            photos = tops.shape[1]
            generator = np.random.default_rng(len(self._weights))
            drawn = generator.multinomial(photos, np.full(photos, 1 / photos), size=RESAMPLES)
            self._weights[title] = drawn.astype(np.float64)
        weights = self._weights[title].T
        with np.errstate(invalid="ignore"):
            ratios = (tops @ weights) / (counts @ weights)
        seeds = np.random.default_rng(place).integers(len(ratios), size=ratios.shape)
        return np.take_along_axis(ratios, seeds, axis=0).mean(axis=0)


def _over_seeds(values: Array) -> Figure:
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return Figure(float(values.mean()), deviation, tuple(map(float, values)))


def _gap(figures: Sequence[Figure | None], drawn: Sequence[Array | None]) -> Gap | None:
    ours, base = figures
    if ours is None or base is None or drawn[0] is None or drawn[1] is None:
        return None
    low, high = np.nanquantile(drawn[0] - drawn[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Gap(ours.mean - base.mean, float(low), float(high)) if math.isfinite(low) and math.isfinite(high) else None
