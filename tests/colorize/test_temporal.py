"""Smoothing over time and flicker, against figures worked out by hand."""

import gc
import weakref

import pytest
import torch
from torch import Tensor

from lcoins.colorize.temporal import CUT, MOTION, STILL, ClipSmoother, Flicker, is_cut, smoothed


def square(value: float, channels: int, side: int = 4) -> Tensor:
    return torch.full((1, channels, side, side), float(value))


def flat(ab: float) -> tuple[Tensor, Tensor]:
    """Slope and offset of one color, whatever the lightness."""
    return square(0, 2), square(ab, 2)


def test_smoothing_by_hand() -> None:
    """At a change of a quarter of MOTION the past counts 0.8 * 0.75 = 0.6: 0.6 * 30 + 0.4 * 10 = 22."""
    slope, offset = smoothed((square(10, 2), square(-10, 2)), (square(30, 2), square(-30, 2)), square(2.5, 1), 0.8)
    assert MOTION == 10
    torch.testing.assert_close(slope, square(22, 2))
    torch.testing.assert_close(offset, square(-22, 2))


@pytest.mark.parametrize("change", [MOTION, 3 * MOTION])
def test_where_lightness_moved_the_new_color_stands(change: float) -> None:
    moved = square(0, 1)
    moved[..., 1, 2] = change
    _, offset = smoothed(flat(10), flat(30), moved, 0.8)
    assert offset[0, :, 1, 2].tolist() == [10, 10]
    torch.testing.assert_close(offset[0, :, 0], torch.full((2, 4), 26.0))


def test_constant_colors_keep_their_bits() -> None:
    colors = torch.randn(1, 2, 8, 8) * 40, torch.randn(1, 2, 8, 8)
    after = smoothed(colors, colors, torch.rand(1, 1, 8, 8) * 20, 0.7)
    assert all(torch.equal(new, old) for new, old in zip(after, colors, strict=True))


def test_a_cut_is_more_than_half_of_the_picture() -> None:
    change = square(0, 1)
    change[..., : int(4 * CUT), :] = MOTION
    assert not is_cut(change)
    change[..., 3, 3] = MOTION
    assert is_cut(change)


def test_the_average_goes_on_and_restarts_at_a_cut() -> None:
    clip = ClipSmoother(0.5)
    lightness, other = square(40, 1), square(80, 1)
    steps = [
        clip.step(L, flat(ab))[1][0, 0, 0, 0].item()
        for L, ab in ((lightness, 0), (lightness, 8), (lightness, 8), (other, -20), (other, -10))
    ]
    assert steps == [0, 4, 6, -20, -15]
    # a and b move alike: by 8, 0 and 10 before smoothing, by 4, 2 and 5 after; the 28 of the cut do not count.
    assert clip.flickers["before"].mean == pytest.approx((8 + 0 + 10) / 3 * 2**0.5)
    assert clip.flickers["after"].mean == pytest.approx((4 + 2 + 5) / 3 * 2**0.5)
    assert "own" not in clip.flickers


def test_own_colors_are_compared_where_two_frames_have_them() -> None:
    clip = ClipSmoother(0.5)
    for own in (None, square(0, 2), square(3, 2), None, square(50, 2)):
        clip.step(square(40, 1), flat(0), own)
    assert clip.flickers["own"].mean == pytest.approx(3 * 2**0.5)


def test_flicker_looks_only_where_lightness_stays() -> None:
    flicker = Flicker()
    assert flicker.mean is None
    change, moved = square(STILL, 1), square(100, 2)
    flicker.add(moved, change)
    assert flicker.mean is None
    change[..., 0, :2] = 0
    moved[0, :, 0, 0] = torch.tensor([3.0, 4.0])
    moved[0, :, 0, 1] = 0
    flicker.add(moved, change)
    assert flicker.mean == pytest.approx(2.5)


def test_flicker_is_that_of_what_is_painted() -> None:
    """A slope of 50 over lightness that rises from 40 to 41: ab rises by 0.5."""
    clip = ClipSmoother(0.0)
    for lightness in (40, 41):
        clip.step(square(lightness, 1), (square(50, 2), square(7, 2)))
    assert clip.flickers["after"].mean == pytest.approx(0.5 * 2**0.5)


def test_no_frame_but_the_last_is_kept() -> None:
    clip = ClipSmoother(0.8)
    lightness, colors = square(40, 1), flat(1)
    gone = [weakref.ref(tensor) for tensor in (lightness, *colors)]
    clip.step(lightness, colors)
    del lightness, colors
    clip.step(square(41, 1), flat(2))
    gc.collect()
    assert not any(tensor() is not None for tensor in gone)


@pytest.mark.parametrize("smoothing", [-0.1, 1.0, float("nan")])
def test_smoothing_out_of_range(smoothing: float) -> None:
    with pytest.raises(ValueError, match="smoothing must lie in 0"):
        ClipSmoother(smoothing)
