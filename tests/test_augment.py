"""Luminance augmentation: identity, invariance, range, and draws that are per photo and reproducible."""

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from lcoins.augment import LuminanceAugmentation
from lcoins.lab import split_lab, to_network_lightness


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def photos(count: int = 4, side: int = 8) -> Tensor:
    return torch.rand(count, 3, side, side, generator=generator(1))


def test_without_hue_and_gamma_it_is_the_identity() -> None:
    """The ablation "w/o LA" sees the natural lightness."""
    rgb = photos()
    assert torch.equal(LuminanceAugmentation(0.0, 1.0)(rgb, generator()), split_lab(rgb)[0].clamp(0, 100))


def test_hue_zero_draw_of_a_hue_rotation_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    still = (torch.zeros(4), torch.ones(4))
    monkeypatch.setattr(LuminanceAugmentation, "draw", lambda *_: still)
    rgb = photos()
    lightness = LuminanceAugmentation(180.0, 5.0)(rgb, generator())
    torch.testing.assert_close(lightness, split_lab(rgb)[0], atol=2e-3, rtol=0)


def test_grey_does_not_change_with_hue() -> None:
    grey = torch.rand(4, 1, 8, 8, generator=generator(1)).expand(-1, 3, -1, -1).contiguous()
    found = LuminanceAugmentation(180.0, 1.0)(grey, generator())
    torch.testing.assert_close(found, split_lab(grey)[0], atol=1e-3, rtol=0)


def test_hue_rotation_equals_colorsys_and_scikit_image() -> None:
    """Eq. 1 turns the hue of HSV and keeps saturation and value; the lightness is that of the turned colours."""
    rgb = photos(3, 4)
    augmentation = LuminanceAugmentation(180.0, 1.0)
    turns = augmentation.draw(3, generator(5))[0] / (2 * torch.pi)
    turned = np.empty((3, 4, 4, 3))
    for photo, row, column in np.ndindex(3, 4, 4):
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb[photo, :, row, column].tolist())
        turned[photo, row, column] = colorsys.hsv_to_rgb((hue + turns[photo].item()) % 1.0, saturation, value)
    found = augmentation(rgb, generator(5))[:, 0].numpy()
    np.testing.assert_allclose(found, rgb2lab(turned)[..., 0], atol=5e-3)
    assert np.abs(found - split_lab(rgb)[0][:, 0].numpy()).max() > 1.0


def test_gamma_by_hand() -> None:
    """Eq. 2 with A = 1, on lightness / 100: grey of L* = 50 under exponents 2 and 1/2."""
    rgb = photos(64, 1)
    augmentation = LuminanceAugmentation(0.0, 5.0)
    exponents = augmentation.draw(64, generator(3))[1]
    natural = split_lab(rgb)[0].flatten()
    found = augmentation(rgb, generator(3)).flatten()
    for before, exponent, after in zip(natural.tolist(), exponents.tolist(), found.tolist(), strict=True):
        assert after == pytest.approx(100 * (before / 100) ** exponent, abs=1e-3)


@given(st.integers(0, 2**32), st.floats(0, 180), st.floats(1, 10))
def test_draws_lie_in_their_ranges(seed: int, hue: float, gamma: float) -> None:
    angle, exponent = LuminanceAugmentation(hue, gamma).draw(100, generator(seed))
    assert angle.shape == exponent.shape == (100,)
    assert angle.abs().max() <= np.radians(hue) + 1e-6
    assert exponent.max() <= gamma * (1 + 1e-6)
    assert exponent.min() >= 1 / gamma * (1 - 1e-6)


def test_draws_fill_their_ranges() -> None:
    """Uniform angles; exponents in 1..5 and their reciprocals, half each."""
    angle, exponent = LuminanceAugmentation(180.0, 5.0).draw(20000, generator())
    assert angle.mean().abs() < 0.05
    assert angle.std().item() == pytest.approx(2 * np.pi / 12**0.5, abs=0.05)
    larger = exponent[exponent > 1]
    assert len(larger) / len(exponent) == pytest.approx(0.5, abs=0.02)
    assert larger.mean().item() == pytest.approx(3.0, abs=0.05)
    assert (1 / exponent[exponent < 1]).mean().item() == pytest.approx(3.0, abs=0.05)


@given(st.integers(0, 2**32))
def test_lightness_stays_in_range(seed: int) -> None:
    extremes = torch.randint(0, 2, (2, 3, 4, 4), generator=generator(seed)).float()
    rgb = torch.cat([torch.rand(2, 3, 4, 4, generator=generator(seed)), extremes])
    lightness = LuminanceAugmentation(180.0, 5.0)(rgb, generator(seed))
    assert lightness.shape == (4, 1, 4, 4)
    assert lightness.isfinite().all()
    assert to_network_lightness(lightness).abs().max() <= 1.0


def test_every_photo_has_its_own_draw() -> None:
    rgb = photos(1).expand(4, -1, -1, -1).contiguous()
    for augmentation in (LuminanceAugmentation(180.0, 1.0), LuminanceAugmentation(0.0, 5.0)):
        lightness = augmentation(rgb, generator())
        for photo in range(1, 4):
            assert not torch.allclose(lightness[0], lightness[photo], atol=0.1)


def test_same_generator_same_lightness() -> None:
    augmentation, rgb = LuminanceAugmentation(180.0, 5.0), photos()
    assert torch.equal(augmentation(rgb, generator(7)), augmentation(rgb, generator(7)))
    assert not torch.equal(augmentation(rgb, generator(7)), augmentation(rgb, generator(8)))


def test_global_randomness_is_left_alone() -> None:
    before = torch.get_rng_state()
    LuminanceAugmentation(180.0, 5.0)(photos(), generator())
    assert torch.equal(torch.get_rng_state(), before)


def test_photos_are_left_alone() -> None:
    """The target is made of the same tensor: it must be the same with and without augmentation."""
    rgb = photos()
    copy = rgb.clone()
    LuminanceAugmentation(180.0, 5.0)(rgb, generator())
    assert torch.equal(rgb, copy)


def test_half_precision_is_kept_out() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lightness = LuminanceAugmentation(180.0, 5.0)(photos(), generator())
    assert lightness.dtype == torch.float32
    assert torch.equal(lightness, LuminanceAugmentation(180.0, 5.0)(photos(), generator()))


def test_wrong_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hue must lie in 0..180 degrees, not 181"):
        LuminanceAugmentation(181, 5)
    with pytest.raises(ValueError, match=r"must be at least 1, not 0.5"):
        LuminanceAugmentation(180, 0.5)
