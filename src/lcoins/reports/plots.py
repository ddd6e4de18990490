"""Plots of a comparison as SVG text, for embedding into a page."""

import io
from collections.abc import Sequence
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lcoins.reports.comparison import Comparison
from lcoins.reports.metrics import WORDS
from lcoins.reports.picture_grid import wrapped_title

STYLE: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # keeps text as text, so that it can be searched and read aloud
    "svg.hashsalt": "lcoins",  # the same runs give the same file
    "font.family": "sans-serif",
}
LEGEND_LETTERS = 28  # in a line
COLORS = ("#1d1d1f", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito


def words_plot(comparison: Comparison, sets: Sequence[str]) -> str:
    """Words right in percent: test sets from left to right, in each the variants side by side."""
    with rc_context(STYLE):
        figure, axes = _axes(height=3.2)
        for index, variant in enumerate(comparison.variants):
            color, shift = COLORS[index % len(COLORS)], _shift(index, len(comparison.variants))
            labeled = False
            for number, name in enumerate(sets):
                estimate = comparison.estimate(name, WORDS, variant)
                if estimate is not None:
                    x = number + shift
                    axes.plot([x] * len(estimate.values), [100 * v for v in estimate.values], "o", ms=3, color=color)
                    axes.plot(
                        [x - 0.05, x + 0.05],
                        [100 * estimate.mean] * 2,
                        color=color,
                        lw=2,
                        label=None if labeled else variant,
                    )
                    labeled = True
        axes.set_xticks(range(len(sets)), sets)
        axes.set_ylabel("words right, %")
        axes.grid(axis="y", alpha=0.3)
        _legend(axes)
        return _svg(figure)


def gaps_plot(comparison: Comparison, sets: Sequence[str]) -> str:
    """The gap in words right to the baseline, in points, with any interval; filled if that excludes 0."""
    with rc_context(STYLE):
        figure, axes = _axes(height=3.2)
        others = [variant for variant in comparison.variants if variant != comparison.baseline]
        for index, variant in enumerate(others):
            color, shift = COLORS[(index + 1) % len(COLORS)], _shift(index, len(others))
            labeled = False
            for number, name in enumerate(sets):
                gap = comparison.gap(name, WORDS, variant)
                if gap is not None:
                    ends = [[100 * abs(gap.value - end)] for end in gap.interval] if gap.interval else None
                    axes.errorbar(
                        [number + shift],
                        [100 * gap.value],
                        yerr=ends,
                        fmt="o",
                        ms=5,
                        color=color,
                        mfc="white" if gap.may_be_chance else color,
                        capsize=3,
                        label=None if labeled else variant,
                    )
                    labeled = True
        axes.axhline(0, color="#1d1d1f", lw=0.8)
        axes.set_xticks(range(len(sets)), sets)
        axes.set_ylabel(f"gap to {comparison.baseline}, points")
        axes.grid(axis="y", alpha=0.3)
        _legend(axes)
        return _svg(figure)


def curves_plot(comparison: Comparison, column: str, title: str) -> str | None:
    """A logged column by epoch, one line per variant: the mean over its seeds, shaded from lowest to highest."""
    curves = {variant: [run.curve(column) for run in runs] for variant, runs in comparison.variants.items()}
    if not any(curve for seeds in curves.values() for curve in seeds):
        return None
    with rc_context(STYLE):
        figure, axes = _axes(height=2.8)
        for index, (variant, seeds) in enumerate(curves.items()):
            epochs = sorted(set[int]().union(*seeds))
            if epochs:
                values = [[curve[epoch] for curve in seeds if epoch in curve] for epoch in epochs]
                color, ordinals = COLORS[index % len(COLORS)], [epoch + 1 for epoch in epochs]
                axes.plot(ordinals, [sum(v) / len(v) for v in values], "o-", ms=3, color=color, label=variant)
                axes.fill_between(
                    ordinals, list(map(min, values)), list(map(max, values)), color=color, alpha=0.15, lw=0
                )
        axes.set_xlabel("epoch")
        axes.set_ylabel(title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        ordinals = [epoch + 1 for seeds in curves.values() for curve in seeds for epoch in curve]
        if min(ordinals) == max(ordinals):  # a range around one epoch would be divided into hundredths
            axes.set_xlim(ordinals[0] - 0.9, ordinals[0] + 0.9)
        axes.grid(axis="y", alpha=0.3)
        _legend(axes)
        return _svg(figure)


def _axes(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(8.5, height), layout="constrained")
    return figure, figure.add_subplot()


def _legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    wrapped = [wrapped_title(label, LEGEND_LETTERS) for label in labels]  # a long name would leave the axes no width
    axes.legend(handles, wrapped, frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))


def _shift(index: int, count: int) -> float:
    """How far a variant stands right of its test set's tick, so that all of a set stand side by side."""
    return (index - (count - 1) / 2) * 0.7 / max(count, 1)


def _svg(figure: Figure) -> str:
    """The drawing without the XML header, which is not allowed inside HTML."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    return text[text.index("<svg") :]
