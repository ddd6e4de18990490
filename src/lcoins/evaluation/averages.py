"""From one row per (photo, caption) pair to the figures of a test set: every pair counts once, whatever its batch."""

import math
from collections.abc import Mapping, Sequence

from lcoins.evaluation.result import TEXT_COLUMNS, PairRow
from lcoins.wording import counted

# Columns that count instances begin with these; their shares are taken over all instances, not over pairs.
COUNT_PREFIXES = ("instances", "recolored_")
DECIBELS = ("psnr", "gray_psnr")
# With an interval: by chance alone, six photos all point the same way in 1 of 32 cases, but five in 1 of 16, which no
# interval of 95 % may overlook.
LEAST_PHOTOS = 6


def average_rows(rows: Sequence[PairRow]) -> dict[str, float]:
    """The mean of each column of numbers over the rows that have it.

    PSNR and its gray floor stand beside each other, so that both are over the rows in which both are finite; infinite
    only if there is none.
    """
    columns = dict.fromkeys(key for row in rows for key in row)
    names = [name for name in columns if name not in TEXT_COLUMNS and not name.startswith(COUNT_PREFIXES)]
    means = {name: _mean([float(row[name]) for row in rows if name in row]) for name in names}
    if finite := [row for row in rows if _is_finite(row)]:
        means |= {name: _mean([float(row[name]) for row in finite]) for name in DECIBELS if name in means}
    return means


def recoloring_figures(rows: Sequence[PairRow], means: Mapping[str, float]) -> dict[str, float]:
    """Gain (towards - control) with its standard error, share of pairs that moved towards the new word, and pairs.

    Empty if no pair was recolored. Captions of one photo are not independent, so the error sums their deviations first.
    """
    recolored = [row for row in rows if "recolor_towards" in row]
    if not recolored:
        return {}
    gain = means["recolor_towards"] - means["recolor_control"]
    photos: dict[str, float] = {}
    for row in recolored:
        deviation = row["recolor_towards"] - row["recolor_control"] - gain
        photos[row["photo"]] = photos.get(row["photo"], 0.0) + deviation
    return {
        "recolor_gain": gain,
        "recolor_gain_error": math.sqrt(sum(value**2 for value in photos.values())) / len(recolored),
        "recolor_toward_share": _mean([float(row["recolor_towards"] > 0) for row in recolored]),
        "recolor_pairs": float(len(recolored)),
    }


def infinite_psnr_notes(rows: Sequence[PairRow]) -> list[str]:
    """A note on the pairs that the means of PSNR leave out, because PSNR is infinite where pictures are equal."""
    left_out = [sum(math.isinf(row[name]) for row in rows) for name in DECIBELS]
    if not any(left_out):
        return []
    finite = sum(map(_is_finite, rows))
    means = f"the means are over the other {finite}" if finite else "no other pair is left, so a mean is infinite"
    return [
        f"psnr: of {counted(len(rows), 'pair')} {left_out[0]} equal their reference, and {left_out[1]} do so without "
        f"color; {means}"
    ]


def _is_finite(row: PairRow) -> bool:
    """Whether neither the picture nor the gray one equals the reference."""
    return all(math.isfinite(row[name]) for name in DECIBELS if name in row)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
