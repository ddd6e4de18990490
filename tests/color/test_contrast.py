"""Faded photos get the contrast of fresh ones; fresh ones, even surfaces and their order stay."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lcoins.color.contrast import full_contrast, full_contrast_for_network
from lcoins.color.lab import from_network_lightness, to_network_lightness


def ramp(darkest: float, lightest: float, side: int = 32) -> Tensor:
    """Lightness that runs evenly from one value to another."""
    return torch.linspace(darkest, lightest, side * side).unflatten(0, (1, 1, side, side))


@pytest.mark.parametrize("faded", [(40, 80), (5, 45), (60, 100), (0, 30)])
def test_a_faded_photo_looks_like_the_fresh_one(faded: tuple[float, float]) -> None:
    fresh = full_contrast(ramp(*faded))
    assert float(fresh.min()) < 3.5
    assert float(fresh.max()) > 94.5
    torch.testing.assert_close(fresh, full_contrast(ramp(30, 70)), atol=5.5, rtol=0)


def test_a_fresh_photo_stays_as_it_is() -> None:
    shuffled = torch.randperm(32 * 32, generator=torch.Generator().manual_seed(0))
    photo = ramp(0, 100).flatten()[shuffled].unflatten(0, (1, 1, 32, 32))
    torch.testing.assert_close(full_contrast(photo), photo, atol=1e-3, rtol=0)


def test_the_grain_of_an_even_surface_is_not_stretched() -> None:
    wall = ramp(50, 59)
    torch.testing.assert_close(full_contrast(wall), wall)


def test_a_narrow_margin_does_not_hide_that_a_photo_is_faded() -> None:
    framed = ramp(40, 65, 100)
    framed[..., :4, :] = framed[..., -4:, :] = framed[..., :, :4] = framed[..., :, -4:] = 100
    inner = full_contrast(framed)[..., 4:-4, 4:-4]
    assert float(inner.min()) < 8
    assert float(inner.max()) > 90


def test_a_clip_that_fades_out_does_not_jump() -> None:
    ranges = [full_contrast(ramp(50 - width / 2, 50 + width / 2)) for width in torch.linspace(8, 22, 57).tolist()]
    steps = [float((after - before).abs().max()) for before, after in pairwise(ranges)]
    assert max(steps) < 5


def test_half_precision_is_read_and_one_value_stays() -> None:
    assert full_contrast(ramp(40, 80).half()).dtype == torch.float32
    flat = torch.full((1, 1, 8, 8), 50.0)
    torch.testing.assert_close(full_contrast(flat), flat)


def test_photos_of_a_batch_are_apart() -> None:
    both = full_contrast(torch.cat([ramp(40, 60), ramp(0, 100)]))
    torch.testing.assert_close(both, torch.cat([full_contrast(ramp(40, 60)), full_contrast(ramp(0, 100))]))


@given(st.floats(0, 75), st.floats(25, 60))
def test_once_is_enough_and_the_order_of_lightness_stays(darkest: float, contrast: float) -> None:
    once = full_contrast(ramp(darkest, min(darkest + contrast, 100)))
    torch.testing.assert_close(full_contrast(once), once, atol=0.02, rtol=0)
    assert (once.flatten().diff() >= 0).all()


def test_the_networks_scale_is_that_of_lightness() -> None:
    seen = full_contrast_for_network(to_network_lightness(ramp(40, 80)))
    torch.testing.assert_close(from_network_lightness(seen), full_contrast(ramp(40, 80)))
