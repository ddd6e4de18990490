"""Names of measured colors in the ISCC-NBS system (Kelly and Judd 1955), by the nearest of its 267 centroids.

GenColorBench judges text-to-image models in these terms. The system's names are made of twelve hues, their "-ish"
modifiers and words of lightness and saturation ("dark reddish brown"), so that a name tells which basic colors a
color may be called.
"""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from lcoins.color.lab import split_lab

Lab = tuple[float, float, float]
_FILE = Path(__file__).with_name("iscc_nbs.csv")
# Words of a name that let a color count as the basic color: its hue and the hue's modifier, and what the same hue is
# called at another lightness, since a photo's lightness is kept: dark orange is brown, dark yellow olive, dark pink
# purplish red. Violet is a purple.
_WORDS = {
    "red": {"red", "reddish"},
    "orange": {"orange", "brown"},
    "yellow": {"yellow", "yellowish", "olive"},
    "green": {"green", "greenish", "olive"},
    "blue": {"blue", "bluish"},
    "purple": {"purple", "purplish", "violet"},
    "pink": {"pink", "pinkish", "purplish red"},
    "brown": {"brown", "brownish"},
    "gray": {"gray"},
    "white": {"white"},
    "black": {"black", "blackish"},
}


@cache
def _centroids() -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """The 267 names and their CIELAB coordinates (267, 3)."""
    lines = [line for line in _FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    rgb = torch.tensor([[int(row["rgb"][start : start + 2], 16) for start in (1, 3, 5)] for row in rows]) / 255
    lab = torch.cat(split_lab(rgb[:, :, None, None]), dim=1)[:, :, 0, 0]
    return tuple(row["name"] for row in rows), lab.double().numpy()


def iscc_nbs_name(color: Lab) -> str:
    """The ISCC-NBS name of a CIELAB color: that of the nearest centroid, by Euclidean distance in CIELAB.

    >>> iscc_nbs_name((45.0, 62.0, 42.0)), iscc_nbs_name((20.0, 0.0, 0.0))
    ('vivid red', 'black')
    """
    names, centroids = _centroids()
    return names[int(np.square(centroids - np.asarray(color)).sum(axis=1).argmin())]


def may_be_called(color: Lab, word: str) -> bool:
    """Whether the ISCC-NBS name of a CIELAB color holds the hue of a basic color word, or its "-ish" modifier.

    >>> may_be_called((25.0, 30.0, 20.0), "red"), may_be_called((25.0, 30.0, 20.0), "blue")
    (True, False)
    """
    name = iscc_nbs_name(color)
    return any(part in name for part in _WORDS[word] if " " in part) or bool(_WORDS[word] & set(name.split()))
