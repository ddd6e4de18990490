"""Faded photos get the contrast of fresh ones; fresh ones, even surfaces and their order stay."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from lcoins.color.contrast import fresh_for_network, full_contrast
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
    photo = ramp(0, 100)
    torch.testing.assert_close(full_contrast(photo), photo, atol=1e-3, rtol=0)


def test_the_grain_of_an_even_surface_is_not_stretched() -> None:
    wall = ramp(50, 59)
    torch.testing.assert_close(full_contrast(wall), wall)


def test_photos_of_a_batch_are_apart() -> None:
    both = full_contrast(torch.cat([ramp(40, 60), ramp(0, 100)]))
    torch.testing.assert_close(both, torch.cat([full_contrast(ramp(40, 60)), full_contrast(ramp(0, 100))]))


@given(st.floats(0, 80), st.floats(11, 60))
def test_once_is_enough_and_the_order_of_lightness_stays(darkest: float, contrast: float) -> None:
    once = full_contrast(ramp(darkest, min(darkest + contrast, 100)))
    torch.testing.assert_close(full_contrast(once), once, atol=0.02, rtol=0)
    assert (once.flatten().diff() >= 0).all()


def test_the_networks_scale_is_that_of_lightness() -> None:
    seen = fresh_for_network(to_network_lightness(ramp(40, 80)))
    torch.testing.assert_close(from_network_lightness(seen), full_contrast(ramp(40, 80)))
