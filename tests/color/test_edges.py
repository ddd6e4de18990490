"""Colors follow the edges of lightness: by hand where the filter is known, and sharper than bilinear."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lcoins.color import lab
from lcoins.color.edges import CARRIED, DOUBT, LIKE, follow_edges, settled
from lcoins.colorize.photo import recompose


def applied(lightness: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    return slope * lightness / 100 + offset


@given(seed=st.integers(0, 99), side=st.sampled_from([4, 16, 33]))
def test_one_color_stays_one_color(seed: int, side: int) -> None:
    random = torch.Generator().manual_seed(seed)
    lightness = torch.rand(1, 1, side, side, generator=random) * 100
    color = (torch.rand(1, 2, 1, 1, generator=random) - 0.5) * 100
    slope, offset = follow_edges(lightness, color.expand(1, 2, side, side))
    torch.testing.assert_close(slope, torch.zeros_like(slope), atol=1e-2, rtol=0)
    torch.testing.assert_close(applied(lightness, slope, offset), color.expand(1, 2, side, side), atol=1e-2, rtol=0)


def test_where_lightness_is_flat_colors_are_only_smoothed() -> None:
    ab = torch.randn(1, 2, 16, 16)
    slope, offset = follow_edges(torch.full((1, 1, 16, 16), 50.0), ab)
    assert slope.abs().max() < 1e-2
    assert offset.std() < ab.std()
    assert offset.mean().item() == pytest.approx(ab.mean().item(), abs=0.1)


def test_color_that_goes_with_lightness_is_kept_exactly() -> None:
    """ab = 40 L / 100 - 10: every window has this slope, up to the little that keeps flat windows quiet."""
    lightness = torch.rand(1, 1, 128, 128, generator=torch.Generator().manual_seed(0)) * 100
    ab = (0.4 * lightness - 10).expand(1, 2, 128, 128)
    slope, offset = follow_edges(lightness, ab)
    assert (slope - 40).abs().max() < 1.0
    assert (offset + 10).abs().max() < 0.6


def test_colors_follow_the_edges_of_a_faded_photo_as_those_of_the_fresh_one() -> None:
    random = torch.Generator().manual_seed(0)
    lightness = lab.resize_ab(torch.rand(1, 2, 24, 24, generator=random), (96, 96))[:, :1] * 100
    ab = torch.where(lightness > 50, 40.0, -10.0).expand(1, 2, 96, 96)
    faded = 40 + lightness / 4
    fresh_colors = applied(lightness, *follow_edges(lightness, ab))
    torch.testing.assert_close(applied(faded, *follow_edges(faded, ab)), fresh_colors, atol=0.5, rtol=0)


def test_a_blurred_color_edge_is_sharp_where_the_photo_is() -> None:
    """A dark red half beside a bright blue one: the network's 16 x 16 colors leave a ramp, the photo has none."""
    size = 256
    lightness = torch.full((1, 1, size, size), 25.0)
    lightness[..., size // 2 + 5 :] = 75.0  # not at a pixel border of the small square
    red, blue = torch.tensor([30.0, 20.0]), torch.tensor([5.0, -30.0])
    truth = torch.where(lightness < 50, red.view(1, 2, 1, 1), blue.view(1, 2, 1, 1))
    small, seen = lab.resize_ab(truth, (16, 16)), lab.resize_ab(lightness, (16, 16))
    slope, offset = follow_edges(seen, small)

    def error(picture: object) -> float:
        pixels = torch.from_numpy(np.array(picture)).permute(2, 0, 1)[None] / 255
        near = slice(size // 2 - 8, size // 2 + 18)
        return float((lab.split_lab(pixels)[1] - truth).norm(dim=1)[..., near].mean())

    bilinear, guided = error(recompose(lightness, small)), error(recompose(lightness, offset, slope))
    assert bilinear > 8
    assert guided < 0.4 * bilinear


def test_strips_follow_edges_as_the_whole_does() -> None:
    random = torch.Generator().manual_seed(0)
    lightness = torch.rand(1, 1, 37, 53, generator=random) * 100
    slope, offset = (torch.randn(1, 2, 8, 8, generator=random) * 20 for _ in range(2))
    whole = np.array(recompose(lightness, offset, slope, strip_pixels=10**6)).astype(int)
    strips = np.array(recompose(lightness, offset, slope, strip_pixels=60)).astype(int)
    assert np.abs(whole - strips).max() <= 1


@given(seed=st.integers(0, 99))
def test_settled_shares_solve_the_system_of_weighted_least_squares(seed: int) -> None:
    """Against numpy's dense solution of the normal equations, pixel by pixel."""
    side = 9
    random = torch.Generator().manual_seed(seed)
    lightness = torch.rand(side, side, generator=random) * 20
    shares = torch.rand(2, side, side, generator=random)
    levels, pixels = lightness.flatten().numpy().astype(float), np.arange(side * side).reshape(side, side)
    pairs = (pixels[:, 1:], pixels[:, :-1]), (pixels[1:], pixels[:-1])
    neighbors = [both for one, other in pairs for both in zip(one.flat, other.flat, strict=True)]
    for share, found in zip(shares, settled(lightness, shares), strict=True):
        before = share.flatten().numpy().astype(float)
        loyalty = ((2 * before - 1) ** 2 + DOUBT) / (CARRIED * side) ** 2
        system = np.diag(loyalty)
        for one, other in neighbors:
            weight = np.exp(-abs(levels[one] - levels[other]) / LIKE)
            system[[one, other], [one, other]] += weight
            system[[one, other], [other, one]] -= weight
        expected = np.linalg.solve(system, loyalty * before)
        np.testing.assert_allclose(found.flatten().numpy(), expected, atol=2e-3)


@given(side=st.sampled_from([8, 40]), value=st.sampled_from([0.0, 0.5, 1.0]))
def test_equal_shares_stay(side: int, value: float) -> None:
    lightness = torch.rand(side, side, generator=torch.Generator().manual_seed(0)) * 100
    shares = torch.full((1, side, side), value)
    torch.testing.assert_close(settled(lightness, shares), shares)
