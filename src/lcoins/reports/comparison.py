"""Compares finished runs: mean and deviation over seeds, and a bootstrap interval for every gap to the baseline.

Runs that differ only in their seed are one variant. Everything is computed from the figures of single test pairs, so
that it can be resampled.
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
class Metric:
    """The mean of ``column`` over the test pairs, or the sum of ``column`` divided by the sum of the column ``per``.

    ``better`` is +1 if more is better, -1 if less is, 0 if neither is.
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
        """The value as it is shown; what rounds to zero has no sign."""
        sign = "+" if signed and not self.shows_zero(value) else ""
        value, digits = self._scaled(value)
        return f"{value:{sign}z.{digits}f}".replace("-", "\N{MINUS SIGN}")

    def shows_zero(self, value: float) -> bool:
        """Whether the value is shown as zero."""
        return not round(*self._scaled(value))

    def _scaled(self, value: float) -> tuple[float, int]:
        """The value as it is shown, and its digits behind the point."""
        return (100 * value, 1) if self.percent else (value, self.digits)


WORDS = Metric("words right, %", "instances_correct", +1, 3, "instances", percent=True)
SHORTCUT = Metric("luminance shortcut", "", +1, 2)
METRICS = (
    WORDS,
    *(
        Metric(
            f"told apart by {distinguished_by}",
            f"instances_correct_by_{distinguished_by}",
            +1,
            3,
            f"instances_by_{distinguished_by}",
            True,
        )
        for distinguished_by in get_args(DistinguishedBy)
    ),
    Metric("recolored words right, %", "recolored_correct", +1, 3, "recolored_instances", percent=True),
    Metric("ΔE00 to the named color", "named_delta_e", -1, 1),
    Metric("response to new words", "response", +1, 2),
    Metric("spill on other instances", "spill_instances", -1, 2),
    Metric("spill on the background", "spill_background", -1, 2),
    Metric("bleeding", "bleeding", -1, 2),
    Metric("background error", "background_error", -1, 2),
    Metric("groups: adjusted Rand", "groups_ari", +1, 2),
    Metric("groups: purity", "groups_purity", +1, 2),
    Metric("groups used", "groups_used", 0, 1),
    Metric("PSNR, dB", "psnr", +1, 2),
    Metric("SSIM", "ssim", +1, 3),
    Metric("LPIPS alex", "lpips_alex", -1, 3),
    Metric("LPIPS vgg", "lpips_vgg", -1, 3),
    Metric("colorfulness", "colorfulness", 0, 1),
    Metric("shift by one new word", "recolor_shift", 0, 2),
    Metric("towards the new word", "recolor_towards", +1, 2),
)


@dataclass(frozen=True)
class Estimate:
    """A metric of a variant: mean over its seeds, standard deviation over them (None for one seed), and each value."""

    mean: float
    deviation: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Gap:
    """A variant's mean minus the baseline's, with the two ends of its bootstrap interval."""

    value: float
    low: float
    high: float

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval contains 0, no difference at all."""
        return self.low <= 0 <= self.high


class Comparison:
    """The metrics of all variants and their gaps to ``baseline``, by default the variant "full" or "default".

    Raises ValueError if runs were tested on different pairs of one set, if a variant has two runs of one seed, or if
    no variant is called ``baseline``.
    """

    def __init__(self, runs: Sequence[Run], baseline: str | None = None) -> None:
        self.variants: dict[str, list[Run]] = {}
        for run in runs:
            own = self.variants.setdefault(run.variant, [])
            if twice := [other.folder for other in own if other.seed == run.seed]:
                raise ValueError(
                    f"expected one run of a variant and seed, got {twice[0]} and {run.folder}, which would "
                    f"count as two seeds; give only one of them"
                )
            own.append(run)
        usual = next((name for name in ("full", "default") if name in self.variants), next(iter(self.variants)))
        self.baseline = baseline or usual
        if self.baseline not in self.variants:
            raise ValueError(
                f"expected a variant as the baseline, got {self.baseline!r}; choose one of {', '.join(self.variants)}"
            )
        self.variants = {self.baseline: self.variants[self.baseline]} | self.variants
        self.sets = list(dict.fromkeys(title for run in runs for title in run.columns))
        for title in self.sets:
            self._check_same_pairs(title)
        self._weights: dict[str, Array] = {}

    def _check_same_pairs(self, title: str) -> None:
        """All runs are resampled alike, so they must have been tested on the same pairs in the same order."""
        tested = [run for runs in self.variants.values() for run in runs if title in run.pairs]
        for run in tested:
            if run.pairs[title] != tested[0].pairs[title]:
                raise ValueError(
                    f"{run.folder} and {tested[0].folder} were tested on different pairs of {title!r}; "
                    f"compare runs of one data config, or evaluate them on the same data"
                )

    def judged_sets(self) -> list[str]:
        """The test sets on which the baseline was judged by its color words."""
        return [title for title in self.sets if self.estimate(title, WORDS, self.baseline)]

    def metrics(self, title: str) -> list[Metric]:
        """The metrics of a test set that at least one variant has."""
        return [metric for metric in METRICS if any(self.estimate(title, metric, v) for v in self.variants)]

    def estimate(self, title: str, metric: Metric, variant: str) -> Estimate | None:
        """A variant's metric on a test set, or None if it was not measured."""
        return self._estimate(title, metric, self.variants[variant])

    def _estimate(self, title: str, metric: Metric, runs: Sequence[Run]) -> Estimate | None:
        sums = self._sums(title, metric, runs)
        if sums is None:
            return None
        tops, counts = sums
        return _over_seeds(tops.sum(axis=1) / counts.sum(axis=1))

    def gap(self, title: str, metric: Metric, variant: str) -> Gap | None:
        """The gap of a variant to the baseline, with an interval over photos and seeds; None for the baseline itself.

        Bootstrap: photos are drawn with replacement 2,000 times, the same ones for both variants, and the seeds of each
        variant separately; the interval holds the middle 95 % of the differences. With three seeds it understates
        their share of the spread by about a fifth; with one seed it covers the photos alone.
        """
        if variant == self.baseline:
            return None
        names = (variant, self.baseline)
        drawn = [self._resampled(title, metric, self.variants[name], seed) for seed, name in enumerate(names)]
        return _gap([self.estimate(title, metric, name) for name in names], drawn)

    def shortcut(self, variant: str) -> Estimate | None:
        """Luminance shortcut: words right on ``counter`` over words right on ``clear``; 1 if lightness is no help.

        Below 1 the model reads colors off the lightness; above 1 a lightness that contradicts the word would help it.
        Only runs that were tested on both sets count; a variant without any has none.
        """
        runs = self._tested_on_both(variant)
        estimates = [self._estimate(title, WORDS, runs) for title in ("counter", "clear")]
        if estimates[0] is None or estimates[1] is None or not all(estimates[1].values):
            return None
        return _over_seeds(np.array(estimates[0].values) / np.array(estimates[1].values))

    def shortcut_gap(self, variant: str) -> Gap | None:
        """The gap of the luminance shortcut to the baseline's; the two test sets are resampled separately."""
        if variant == self.baseline:
            return None
        drawn = []
        for seed, name in enumerate((variant, self.baseline)):
            runs = self._tested_on_both(name)
            over, under = (self._resampled(title, WORDS, runs, seed) for title in ("counter", "clear"))
            with np.errstate(divide="ignore", invalid="ignore"):
                drawn.append(None if over is None or under is None else over / under)
        return _gap([self.shortcut(variant), self.shortcut(self.baseline)], drawn)

    def _tested_on_both(self, variant: str) -> list[Run]:
        sets = ("counter", "clear")
        return [r for r in self.variants[variant] if all(WORDS.column in r.columns.get(title, {}) for title in sets)]

    def stability(self, title: str, variant: str) -> float | None:
        """How far the groups of any two seeds agree, on average (adjusted Rand index); None with fewer than two."""
        paths = [run.group_files[title] for run in self.variants[variant] if title in run.group_files]
        if len(paths) < 2:
            return None
        groups = [torch.from_numpy(np.load(path, allow_pickle=False)).long() for path in paths]
        agreements = [stability(one, other) for one, other in combinations(groups, 2)]
        return sum(agreements) / len(agreements)

    def _sums(self, title: str, metric: Metric, runs: Sequence[Run]) -> tuple[Array, Array] | None:
        """Numerators and denominators by seed and photo, (S, P) each; pairs without the metric count as 0 in both."""
        tested = [run for run in runs if metric.column in run.columns.get(title, {})]
        if not tested:
            return None
        _, photo = np.unique(np.array(tested[0].photos[title]), return_inverse=True)
        tops, counts = np.zeros((len(tested), photo.max() + 1)), np.zeros((len(tested), photo.max() + 1))
        for index, run in enumerate(tested):
            columns = run.columns[title]
            top = columns[metric.column]
            count = columns[metric.per] if metric.per else np.ones_like(top)
            defined = np.isfinite(top) & np.isfinite(count)
            np.add.at(tops[index], photo[defined], top[defined])
            np.add.at(counts[index], photo[defined], count[defined])
        return (tops, counts) if bool((counts.sum(axis=1) > 0).all()) else None

    def _resampled(self, title: str, metric: Metric, runs: Sequence[Run], seed: int) -> Array | None:
        """The metric of each bootstrap sample, (RESAMPLES,); ``seed`` decides which of the runs are drawn."""
        sums = self._sums(title, metric, runs)
        if sums is None:
            return None
        tops, counts = sums
        if title not in self._weights:
            photos = tops.shape[1]
            generator = np.random.default_rng(len(self._weights))
            counted = generator.multinomial(photos, np.full(photos, 1 / photos), size=RESAMPLES)
            self._weights[title] = counted.astype(np.float64)
        weights = self._weights[title].T
        with np.errstate(invalid="ignore"):
            ratios = (tops @ weights) / (counts @ weights)
        drawn = np.random.default_rng(seed).integers(len(ratios), size=ratios.shape)
        return np.take_along_axis(ratios, drawn, axis=0).mean(axis=0)


def _over_seeds(values: Array) -> Estimate:
    deviation = float(values.std(ddof=1)) if len(values) > 1 else None
    return Estimate(float(values.mean()), deviation, tuple(map(float, values)))


def _gap(estimates: Sequence[Estimate | None], drawn: Sequence[Array | None]) -> Gap | None:
    variant, base = estimates
    if variant is None or base is None or drawn[0] is None or drawn[1] is None:
        return None
    low, high = np.nanquantile(drawn[0] - drawn[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    finite = math.isfinite(low) and math.isfinite(high)
    return Gap(variant.mean - base.mean, float(low), float(high)) if finite else None
