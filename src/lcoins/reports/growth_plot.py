"""The growth of a training step as a figure: one panel for each size, time and memory beside the operations."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from lcoins.reports.picture_grid import save_figure
from lcoins.reports.plots import COLORS, STYLE

LINES = (("operations", "operations", "--"), ("seconds", "processor time", "-"), ("memory", "peak memory", ":"))


def growth_plot(rows: Sequence[Mapping[str, Any]], base: Mapping[str, int], path: Path) -> list[Path]:
    """Writes the figure of rows of :func:`lcoins.benchmark.growth.growth_rows` as PNG and PDF.

    ``base`` has the value of the base on each axis, where all is 1. Both axes are logarithmic, so that a power of a
    size is a straight line.
    """
    axes_named = list(dict.fromkeys(row["axis"] for row in rows if row["axis"] != "base"))
    with rc_context(STYLE):
        figure = Figure(figsize=(2.6 * len(axes_named), 2.8), layout="constrained")
        for panel, axis in zip(
            figure.subplots(1, len(axes_named), squeeze=False, sharey=True)[0], axes_named, strict=True
        ):
            points = {row["value"]: row for row in rows if row["axis"] == axis} | {base[axis]: rows[0]}
            values = sorted(points)
            for (key, label, line), color in zip(LINES, COLORS, strict=False):
                panel.plot(
                    values, [points[value][key] for value in values], line, marker="o", ms=3, color=color, label=label
                )
            panel.set_xscale("log", base=2)
            panel.set_yscale("log", base=2)
            panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
            panel.set_xticks(values, [str(value) for value in values])
            panel.set_title(axis)
            panel.grid(alpha=0.3)
        figure.axes[0].set_ylabel("multiples of the base")
        figure.axes[-1].legend(frameon=False)
        return save_figure(figure, path)
