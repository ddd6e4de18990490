"""From one row per (photo, caption) pair to the figures of a test set: every pair counts once, whatever its batch."""

import math
from collections.abc import Mapping, Sequence

from lcoins.evaluation.result import TEXT_COLUMNS, PairRow

# Columns that count instances begin with these; their shares are taken over all instances, not over pairs.
COUNT_PREFIXES = ("instances", "recolored_")
# With an interval: by chance alone, six photos all point the same way in 1 of 32 cases, but five in 1 of 16, which no
# interval of 95 % may overlook.
LEAST_PHOTOS = 6


def average_rows(rows: Sequence[PairRow]) -> dict[str, float]:
    """The mean of each column of numbers over the rows that have it."""
    columns = dict.fromkeys(key for row in rows for key in row)
    names = [name for name in columns if name not in TEXT_COLUMNS and not name.startswith(COUNT_PREFIXES)]
    return {name: _mean([float(row[name]) for row in rows if name in row]) for name in names}


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
    """A note for each PSNR whose mean is infinite because pictures equal their reference."""
    notes = []
    for name in ("psnr", "gray_psnr"):
        finite = [row[name] for row in rows if math.isfinite(row[name])]
        if len(finite) < len(rows):
            others = f"{_mean(finite):.2f} dB" if finite else "none"
            notes.append(
                f"{name}: {len(rows) - len(finite)} of {len(rows)} pairs equal their reference, so the "
                f"mean is infinite; mean of the others: {others}"
            )
    return notes


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
