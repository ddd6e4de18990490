"""Table 2 of the paper, and which of its gaps are evidence once votes of one person are alike."""

import json
import math
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist
from typing import Any

from lcoins.study.power import design_effect


@dataclass(frozen=True)
class PrintedGap:
    """The gap between two systems that follow each other in a printed column; percentage points.

    ``z`` is the gap in standard errors of independent votes; ``tolerated`` the largest correlation between two votes of
    one person at which the 95 % interval still leaves out 0, None where it never does.
    """

    column: str
    better: str
    worse: str
    points: float
    z: float
    tolerated: float | None


def printed_table() -> dict[str, Any]:
    """The printed shares in percent by column and system, with the numbers of people and images."""
    return json.loads(Path(__file__).with_name("paper_table2.json").read_text(encoding="utf-8"))


def printed_gaps() -> list[PrintedGap]:
    """Every gap between neighbors, column by column from the best on.

    The shares p and q of one sample of n votes differ with variance (p + q - (p - q)^2) / n, times the design effect.
    """
    table = printed_table()
    votes = table["people"] * table["images"]
    critical = NormalDist().inv_cdf(0.975)
    gaps = []
    for column, shares in table["columns"].items():
        ranked = sorted(shares.items(), key=lambda item: -item[1])
        for (better, high), (worse, low) in pairwise(ranked):
            p, q = high / 100, low / 100
            z = (p - q) / math.sqrt((p + q - (p - q) ** 2) / votes)
            allowed = (z / critical) ** 2  # the design effect that the gap stands
            unit = design_effect(table["images"], 1.0) - 1  # what a correlation of 1 adds
            tolerated = (allowed - 1) / unit if allowed >= 1 else None
            gaps.append(PrintedGap(column, better, worse, high - low, z, tolerated))
    return gaps
