"""Color words act where they act strongly: what is kept, what is taken away, and what is left alone."""

import pytest
import torch
from torch import Tensor

from lcoins.color.lab import to_network_ab
from lcoins.models.colorizer import Colorization
from lcoins.models.focus import GAIN, FocusedColorizer, focused


class Painter:
    """Gives every picture a green cast, and with "red" in the caption so much red, in units of ab, left and right."""

    image_size = 8

    def __init__(self, left: float, right: float) -> None:
        self.left, self.right, self.seen = left, right, list[str]()

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        self.seen += captions
        ab = torch.zeros(len(captions), 2, 8, 8)
        ab[:, 0] = -10
        for row, caption in zip(ab, captions, strict=True):
            if "red" in caption:
                row[0, :, :4] += self.left
                row[0, :, 4:] += self.right
        return Colorization(to_network_ab(ab), torch.ones(len(captions), 1, 4))


def red(left: float, right: float, caption: str = "a red bus") -> tuple[float, float]:
    """How much red, in units of ab, stands left and right in the focused picture, above the cast."""
    painter = Painter(left, right)
    result = FocusedColorizer(painter).colorize(torch.zeros(1, 1, 8, 8), [caption])
    red = result.ab[0, 0] / to_network_ab(torch.ones(1)) + 10
    assert result.assignment is not None
    return float(red[0, 0]), float(red[0, -1])


def test_a_strong_effect_grows_and_a_faint_one_goes() -> None:
    assert red(50, 5) == pytest.approx((50 * GAIN, 0), abs=0.01)


def test_equal_effects_stay_equal() -> None:
    left, right = red(30, 30)
    assert left == pytest.approx(right) == pytest.approx(30 * GAIN, abs=0.01)


def test_a_word_that_found_nothing_is_left_as_it_is() -> None:
    """A faint effect is no reason to make noise of it."""
    left, right = red(0.5, 0.1)
    assert left == pytest.approx(0.5, abs=0.03)
    assert right == pytest.approx(0.1, abs=0.03)


def test_only_captions_with_colors_take_a_second_pass() -> None:
    painter = Painter(40, 4)
    captions = ["a bus", "a red bus and an orange dog", "red"]
    both = FocusedColorizer(painter).colorize(torch.zeros(3, 1, 8, 8), captions)
    assert painter.seen == [*captions, "a bus and a dog", "a photo"]
    alone = painter.colorize(torch.zeros(1, 1, 8, 8), ["a bus"])
    assert torch.equal(both.ab[:1], alone.ab)


def test_what_the_words_of_one_sentence_share_is_asked_once_a_photo() -> None:
    painter = Painter(40, 4)
    focusing = FocusedColorizer(painter)
    for caption in ("a red bus", "a green bus", "a blue bus"):
        focusing.colorize(torch.zeros(1, 1, 8, 8), [caption])
    assert painter.seen == ["a red bus", "a bus", "a green bus", "a blue bus"]
    photo = torch.ones(1, 1, 8, 8)
    focusing.colorize(photo, ["a red bus"])
    photo[0, 0, 0, 0] = 0
    focusing.colorize(photo, ["a red bus"])
    assert painter.seen[4:] == ["a red bus", "a bus"] * 2


def test_a_print_is_seen_without_its_margin_which_gets_neither_color_nor_a_group_of_its_own() -> None:
    class Halves:
        """Grays, and groups of 8 by 8 tokens: one in the upper half of what it sees, one in the lower."""

        image_size = 64

        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            assert lightness.max() < 0.99
            groups = torch.zeros(1, 2, 8, 8)
            groups[:, 0, :4], groups[:, 1, 4:] = 1, 1
            return Colorization(torch.full((1, 2, 64, 64), 0.3), groups.flatten(2))

    photo = torch.full((1, 1, 64, 64), 1.0)
    photo[..., 4:-20, 4:-4] = torch.linspace(-0.9, 0.7, 40)[:, None]  # a Polaroid
    result = FocusedColorizer(Halves()).colorize(photo, ["a bus"])
    for outside in (result.ab[..., :4, :], result.ab[..., -20:, :], result.ab[..., :4], result.ab[..., -4:]):
        assert not outside.any()
    torch.testing.assert_close(result.ab[..., 6:-22, 6:-6], torch.full((1, 2, 36, 52), 0.3))
    assert result.assignment is not None
    upper = result.assignment.unflatten(2, (8, 8))[0, 0]
    assert upper[:3].all() and not upper[3:].any()


def test_what_is_focused_stays_in_the_range_of_the_network() -> None:
    ab, without = torch.full((1, 2, 4, 4), 0.95), torch.full((1, 2, 4, 4), -0.5)
    assert focused(ab, without).abs().max() <= 1
