"""Names of measured colors: the 267 centroids, and which basic colors a name allows."""

import pytest

from lcoins.color.iscc_nbs import _centroids, iscc_nbs_name, may_be_called
from lcoins.color.words import BASIC_COLORS, COLOR_LAB


def test_each_centroid_has_its_own_name() -> None:
    names, lab = _centroids()
    assert len(names) == len(set(names)) == len(lab) == 267
    assert all(iscc_nbs_name(tuple(color)) == name for name, color in zip(names, lab.tolist(), strict=True))


@pytest.mark.parametrize("word", BASIC_COLORS)
def test_typical_colors_are_called_by_their_words(word: str) -> None:
    assert may_be_called(COLOR_LAB[word], word)


@pytest.mark.parametrize(
    ("color", "word", "expected"),
    [
        ((30.0, 20.0, 35.0), "orange", True),  # a dark orange is a brown
        ((30.0, 20.0, 35.0), "blue", False),
        ((30.0, 40.0, -5.0), "pink", True),  # a dark pink is a purplish red
        ((80.0, 0.0, 0.0), "red", False),
    ],
)
def test_the_hue_counts_at_any_lightness(color: tuple[float, float, float], word: str, expected: bool) -> None:
    assert may_be_called(color, word) is expected
