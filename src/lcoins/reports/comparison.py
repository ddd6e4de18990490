"""Compares finished runs: mean and deviation over seeds, and a bootstrap interval for every gap to the baseline.

Runs that differ only in their seed are one variant. Everything is computed from the figures of single test pairs, so
that it can be resampled.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray

from lcoins.evaluation.averages import LEAST_PHOTOS
from lcoins.evaluation.groups import stability
from lcoins.reports.load_runs import Array, Run
from lcoins.reports.metrics import METRICS, WORDS, Metric
from lcoins.wording import counted

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A metric of a variant: mean over its seeds, standard deviation over them (None for one seed), and each value."""

    mean: float
    deviation: float | None
    values: tuple[float, ...]


@dataclass(frozen=True)
class Gap:
    """A variant's mean minus the baseline's, with the two ends of its bootstrap interval; None over too few photos."""

    value: float
    interval: tuple[float, float] | None

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval contains 0, no difference at all, or there is none that could exclude it."""
        return self.interval is None or self.interval[0] <= 0 <= self.interval[1]


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
        self._asked_apart = {title for title in self.sets if self._differ_in_exchanged_words(title)}
        self._weights: dict[str, Array] = {}

    def _check_same_pairs(self, title: str) -> None:
        """All runs are resampled alike, so they must have been tested on the same pairs in the same order."""
        tested = self._tested(title)
        for run in tested:
            if run.pairs[title] != tested[0].pairs[title]:
                raise ValueError(
                    f"{run.folder} and {tested[0].folder} were tested on different pairs of {title!r}; "
                    f"compare runs of one data config, or evaluate them on the same data"
                )

    def _differ_in_exchanged_words(self, title: str) -> bool:
        """Whether runs were asked for different colors of one pair, so that their answers cannot be compared."""
        asked = [run.exchanged[title] for run in self._tested(title) if title in run.exchanged]
        return any(len(set(captions) - {""}) > 1 for captions in zip(*asked, strict=True))

    def judged_sets(self) -> list[str]:
        """The test sets on which the baseline was judged by its color words."""
        return [title for title in self.sets if self.estimate(title, WORDS, self.baseline)]

    def notes(self, title: str) -> list[str]:
        """What a reader must know of a test set's figures: what is left out because runs cannot be compared in it."""
        notes = []
        if title in self._asked_apart:
            notes.append(
                "The answers to exchanged color words are left out: the runs were asked for different colors, because "
                "an earlier lcoins chose them by the seed of the run. Only runs of later ones can be compared in them."
            )
        pairs = len(self._tested(title)[0].pairs[title])
        for metric in METRICS:
            for column, of in ((metric.column, ""), (f"gray_{metric.column}", " of the gray picture")):
                left_out = int(self._infinite(title, column).sum())
                if left_out:
                    notes.append(
                        f"{metric.title}{of}: left out of all runs alike: {left_out} of {counted(pairs, 'pair')}, at "
                        f"which a picture equals its reference."
                    )
        return notes

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
        their share of the spread by about a fifth; with one seed it covers the photos alone. Where the metric was
        measured on fewer than LEAST_PHOTOS photos there is no interval.
        """
        if variant == self.baseline:
            return None
        names = (variant, self.baseline)
        drawn = [self._resampled(title, metric, self.variants[name], seed) for seed, name in enumerate(names)]
        few = self._photos(title, metric, names) < LEAST_PHOTOS
        return _gap([self.estimate(title, metric, name) for name in names], drawn, few)

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
        few = any(self._photos(title, WORDS, (variant, self.baseline)) < LEAST_PHOTOS for title in ("counter", "clear"))
        return _gap([self.shortcut(variant), self.shortcut(self.baseline)], drawn, few)

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
        """Numerators and denominators by seed and photo, (S, P) each; pairs without the metric count as 0 in both.

        So do the pairs at which any run of the comparison is infinite: all variants are compared on the same pairs.
        """
        tested = [run for run in runs if metric.column in run.columns.get(title, {})]
        if not tested or (metric.of_exchanged_words and title in self._asked_apart):
            return None
        _, photo = np.unique(np.array(tested[0].photos[title]), return_inverse=True)
        tops, counts = np.zeros((len(tested), photo.max() + 1)), np.zeros((len(tested), photo.max() + 1))
        kept = ~self._infinite(title, metric.column)
        for index, run in enumerate(tested):
            columns = run.columns[title]
            top = columns[metric.column]
            count = columns[metric.per] if metric.per else np.ones_like(top)
            defined = kept & np.isfinite(top) & np.isfinite(count)
            np.add.at(tops[index], photo[defined], top[defined])
            np.add.at(counts[index], photo[defined], count[defined])
        return (tops, counts) if bool((counts.sum(axis=1) > 0).all()) else None

    def _infinite(self, title: str, column: str) -> NDArray[np.bool_]:
        """The pairs of a test set at which the column of any run is infinite, as PSNR is of a perfect picture; (P,)."""
        tested = self._tested(title)
        found = np.zeros(len(tested[0].pairs[title]), dtype=np.bool_)
        for run in tested:
            if column in run.columns[title]:
                found |= np.isinf(run.columns[title][column])
        return found

    def _tested(self, title: str) -> list[Run]:
        """The runs of all variants that were tested on a set."""
        return [run for runs in self.variants.values() for run in runs if title in run.pairs]

    def _photos(self, title: str, metric: Metric, variants: Sequence[str]) -> int:
        """On how many photos of a test set a metric was measured, of the variant that has the fewest."""
        sums = [self._sums(title, metric, self.variants[variant]) for variant in variants]
        return min((int((found[1] > 0).any(axis=0).sum()) for found in sums if found is not None), default=0)

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


def _gap(estimates: Sequence[Estimate | None], drawn: Sequence[Array | None], few: bool) -> Gap | None:
    """The gap of two estimates from their bootstrap samples; without an interval where these are of ``few`` photos."""
    variant, base = estimates
    if variant is None or base is None or drawn[0] is None or drawn[1] is None:
        return None
    if few:
        return Gap(variant.mean - base.mean, None)
    low, high = np.nanquantile(drawn[0] - drawn[1], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    finite = math.isfinite(low) and math.isfinite(high)
    return Gap(variant.mean - base.mean, (float(low), float(high))) if finite else None
