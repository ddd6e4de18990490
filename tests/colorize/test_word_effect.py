"""Which words found a region: told by exchanging them, for any system."""

import pytest
import torch
from torch import Tensor

from lcoins.color.lab import to_network_ab
from lcoins.color.names import KNOWN_LAB
from lcoins.color.reading import read_sentence
from lcoins.color.words import BASIC_COLORS, COLOR_LAB
from lcoins.colorize import word_effect
from lcoins.colorize.word_effect import has_effect, opposite_color, word_effects
from lcoins.models.colorizer import Colorization


class Painter:
    """Paints ``share`` of the picture in the caption's first color, weakened; hears no other word."""

    image_size = 20

    def __init__(self, share: float = 1.0, strength: float = 1.0) -> None:
        self.share, self.strength = share, strength
        self.passes = 0

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        self.passes += 1
        _, a, b = read_sentence(captions[0]).colors[0].lab
        ab = torch.zeros(1, 2, 20, 20)
        ab.view(1, 2, -1)[..., : round(400 * self.share)] = torch.tensor([a, b])[:, None] * self.strength
        return Colorization(to_network_ab(ab))


def silent(painter: Painter, caption: str) -> list[str]:
    effects = word_effects(painter, torch.zeros(1, 1, 20, 20), caption)
    return [word.word for word, moved in effects if not has_effect(moved)]


def test_a_word_that_colors_nothing_is_found() -> None:
    assert silent(Painter(), "a Red car beside a teal wall and a gray cat") == ["teal", "gray"]


def test_a_small_region_and_a_weak_color_count_only_where_one_sees_them() -> None:
    assert silent(Painter(share=0.02), "a red car") == []
    assert silent(Painter(share=0.005), "a red car") == ["red"]
    assert silent(Painter(strength=0.1), "a red car") == []
    assert silent(Painter(strength=0.02), "a red car") == ["red"]


def test_one_pass_for_each_word_and_one_for_the_sentence() -> None:
    painter = Painter()
    silent(painter, "a red car beside a teal wall")
    assert painter.passes == 3
    assert silent(painter, "a car") == []
    assert painter.passes == 3


def test_a_long_sentence_takes_a_bounded_number_of_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_effect, "MOST", 3)
    painter = Painter()
    silent(painter, "red " * 6)
    assert painter.passes == 4


@pytest.mark.parametrize("color", KNOWN_LAB)
def test_a_color_is_exchanged_for_one_that_looks_different(color: str) -> None:
    other = opposite_color(KNOWN_LAB[color])
    assert other in BASIC_COLORS
    _, a, b = KNOWN_LAB[color]
    _, other_a, other_b = COLOR_LAB[other]
    assert ((a - other_a) ** 2 + (b - other_b) ** 2) ** 0.5 > 60
