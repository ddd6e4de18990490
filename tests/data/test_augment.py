"""Luminance augmentation: identity, invariance, range, and draws that are per photo and reproducible."""

import colorsys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import rgb2lab
from torch import Tensor

from lcoins.color.lab import split_lab, to_network_lightness
from lcoins.data.augment import ColorFilter, Draws, LuminanceAugmentation, OldPhoto, RandomLighting, Shading


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def draws(count: int = 4, seed: int = 0) -> Draws:
    return Draws(range(1000 * seed, 1000 * seed + count))


def photos(count: int = 4, side: int = 8) -> Tensor:
    return torch.rand(count, 3, side, side, generator=generator(1))


def test_without_hue_and_gamma_it_is_the_identity() -> None:
    """The ablation "w/o LA" sees the natural lightness."""
    rgb = photos()
    assert torch.equal(LuminanceAugmentation(0.0, 1.0)(rgb, draws(len(rgb))), split_lab(rgb)[0].clamp(0, 100))


def test_hue_zero_draw_of_a_hue_rotation_is_the_identity(monkeypatch: pytest.MonkeyPatch) -> None:
    still = (torch.zeros(4), torch.ones(4))
    monkeypatch.setattr(LuminanceAugmentation, "draw", lambda *_: still)
    rgb = photos()
    lightness = LuminanceAugmentation(180.0, 5.0)(rgb, draws(len(rgb)))
    torch.testing.assert_close(lightness, split_lab(rgb)[0], atol=2e-3, rtol=0)


def test_gray_does_not_change_with_hue() -> None:
    gray = torch.rand(4, 1, 8, 8, generator=generator(1)).expand(-1, 3, -1, -1).contiguous()
    found = LuminanceAugmentation(180.0, 1.0)(gray, draws(len(gray)))
    torch.testing.assert_close(found, split_lab(gray)[0], atol=1e-3, rtol=0)


def test_hue_rotation_equals_colorsys_and_scikit_image() -> None:
    """Eq. 1 turns the hue of HSV and keeps saturation and value; the lightness is that of the turned colors."""
    rgb = photos(3, 4)
    augmentation = LuminanceAugmentation(180.0, 1.0)
    turns = augmentation.draw(draws(3, 5))[0] / (2 * torch.pi)
    turned = np.empty((3, 4, 4, 3))
    for photo, row, column in np.ndindex(3, 4, 4):
        hue, saturation, value = colorsys.rgb_to_hsv(*rgb[photo, :, row, column].tolist())
        turned[photo, row, column] = colorsys.hsv_to_rgb((hue + turns[photo].item()) % 1.0, saturation, value)
    found = augmentation(rgb, draws(3, 5))[:, 0].numpy()
    np.testing.assert_allclose(found, rgb2lab(turned)[..., 0], atol=5e-3)
    assert np.abs(found - split_lab(rgb)[0][:, 0].numpy()).max() > 1.0


def test_gamma_by_hand() -> None:
    """Eq. 2 with A = 1, on lightness / 100: gray of L* = 50 under exponents 2 and 1/2."""
    rgb = photos(64, 1)
    augmentation = LuminanceAugmentation(0.0, 5.0)
    exponents = augmentation.draw(draws(64, 3))[1]
    natural = split_lab(rgb)[0].flatten()
    found = augmentation(rgb, draws(64, 3)).flatten()
    for before, exponent, after in zip(natural.tolist(), exponents.tolist(), found.tolist(), strict=True):
        assert after == pytest.approx(100 * (before / 100) ** exponent, abs=1e-3)


@given(st.integers(0, 2**32), st.floats(0, 180), st.floats(1, 10))
def test_draws_lie_in_their_ranges(seed: int, hue: float, gamma: float) -> None:
    angle, exponent = LuminanceAugmentation(hue, gamma).draw(draws(100, seed))
    assert angle.shape == exponent.shape == (100,)
    assert angle.abs().max() <= np.radians(hue) + 1e-6
    assert exponent.max() <= gamma * (1 + 1e-6)
    assert exponent.min() >= 1 / gamma * (1 - 1e-6)


def test_draws_fill_their_ranges() -> None:
    """Uniform angles; exponents in 1..5 and their reciprocals, half each."""
    angle, exponent = LuminanceAugmentation(180.0, 5.0).draw(draws(20000))
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
    lightness = LuminanceAugmentation(180.0, 5.0)(rgb, draws(len(rgb), seed))
    assert lightness.shape == (4, 1, 4, 4)
    assert lightness.isfinite().all()
    assert to_network_lightness(lightness).abs().max() <= 1.0


def test_every_photo_has_its_own_draw() -> None:
    rgb = photos(1).expand(4, -1, -1, -1).contiguous()
    for augmentation in (LuminanceAugmentation(180.0, 1.0), LuminanceAugmentation(0.0, 5.0)):
        lightness = augmentation(rgb, draws(len(rgb)))
        for photo in range(1, 4):
            assert not torch.allclose(lightness[0], lightness[photo], atol=0.1)


def test_same_draws_same_lightness() -> None:
    augmentation, rgb = LuminanceAugmentation(180.0, 5.0), photos()
    assert torch.equal(augmentation(rgb, draws(len(rgb), 7)), augmentation(rgb, draws(len(rgb), 7)))
    assert not torch.equal(augmentation(rgb, draws(len(rgb), 7)), augmentation(rgb, draws(len(rgb), 8)))


def test_global_randomness_is_left_alone() -> None:
    before = torch.get_rng_state()
    LuminanceAugmentation(180.0, 5.0)(photos(), draws())
    assert torch.equal(torch.get_rng_state(), before)


def test_photos_are_left_alone() -> None:
    """The target is made of the same tensor: it must be the same with and without augmentation."""
    rgb = photos()
    copy = rgb.clone()
    LuminanceAugmentation(180.0, 5.0)(rgb, draws(len(rgb)))
    assert torch.equal(rgb, copy)


def test_half_precision_is_kept_out() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lightness = LuminanceAugmentation(180.0, 5.0)(photos(), draws())
    assert lightness.dtype == torch.float32
    assert torch.equal(lightness, LuminanceAugmentation(180.0, 5.0)(photos(), draws()))


def test_wrong_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match=r"hue must lie in 0..180 degrees, not 181"):
        LuminanceAugmentation(181, 5)
    with pytest.raises(ValueError, match=r"must be at least 1, not 0.5"):
        LuminanceAugmentation(180, 0.5)


def test_a_color_filter_leaves_gray_as_the_paper_has_it_and_turns_the_order_of_colors() -> None:
    gray = torch.rand(4, 1, 8, 8, generator=generator(1)).expand(-1, 3, -1, -1).contiguous()
    paper, ours = LuminanceAugmentation(180.0, 5.0), ColorFilter(180.0, 5.0, strength=0.7)
    torch.testing.assert_close(ours(gray, draws(len(gray))), paper(gray, draws(len(gray))), atol=0.05, rtol=0)
    red_and_blue = torch.zeros(200, 3, 2, 2)
    red_and_blue[:, 0, 0], red_and_blue[:, 2, 1] = 1.0, 1.0
    filtered = ColorFilter(0.0, 1.0, strength=0.7)(red_and_blue, draws(200))
    brighter = (filtered[:, 0, 0, 0] > filtered[:, 0, 1, 0]).float().mean()
    assert 0.4 < brighter < 0.8  # red has 20 units more by nature, and never loses them without the filter


def test_a_color_filter_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Draws, "normal", lambda *_: torch.tensor([0.1, -0.2]).view(1, 2, 1, 1))
    rgb = photos(1)
    lightness, ab = split_lab(rgb)
    expected = (lightness + 0.5 * (0.1 * ab[:, :1] - 0.2 * ab[:, 1:])).clamp(0, 100)
    torch.testing.assert_close(ColorFilter(0.0, 1.0, strength=0.5)(rgb, draws(len(rgb))), expected)


def test_shading_shows_one_gray_bright_here_and_dark_there() -> None:
    gray = torch.full((3, 3, 32, 32), 0.5)
    natural = split_lab(gray)[0]
    torch.testing.assert_close(Shading(0.0, 1.0, strength=0.0)(gray, draws(len(gray))), natural)
    shaded = Shading(0.0, 1.0, strength=0.8)(gray, draws(len(gray)))
    assert bool((shaded.amax(dim=(1, 2, 3)) - shaded.amin(dim=(1, 2, 3)) > 15).all())
    assert float((shaded[..., 1:] - shaded[..., :-1]).abs().max()) < 25  # smoothly
    with pytest.raises(ValueError, match="gamma, which must be 1, not 5"):
        Shading(180.0, 5.0, strength=0.8)


@pytest.mark.parametrize("ours", [ColorFilter(180.0, 5.0, strength=0.7), Shading(180.0, 1.0, strength=0.8)], ids=str)
def test_our_own_augmentations_stay_in_range_and_depend_on_the_draws_alone(ours: LuminanceAugmentation) -> None:
    rgb = photos(8)
    lightness = ours(rgb, draws(8, 3))
    assert lightness.shape == (8, 1, 8, 8) and bool((lightness >= 0).all() & (lightness <= 100).all())
    assert torch.equal(lightness, ours(rgb, draws(8, 3)))
    assert not torch.equal(lightness, ours(rgb, draws(8, 4)))


def test_lighting_keeps_the_order_of_lightness_and_its_range() -> None:
    rgb = torch.rand(8, 3, 12, 12, generator=torch.Generator().manual_seed(1))
    before = split_lab(rgb)[0]
    after = RandomLighting(0.1, 10.0)(rgb, draws(len(rgb), 2))
    assert not torch.equal(after, before)
    assert (after >= 0).all()
    assert (after <= 100).all()
    inside = (after > 0) & (after < 100)
    for old, new, kept in zip(before, after, inside, strict=True):
        order = old[kept].argsort()
        assert (new[kept][order].diff() >= 0).all()


def test_lighting_changes_contrast_and_brightness_by_what_it_says() -> None:
    rgb = torch.rand(200, 3, 6, 6, generator=torch.Generator().manual_seed(1)) * 0.3 + 0.35  # far from 0 and 100
    before = split_lab(rgb)[0]
    after = RandomLighting(0.1, 10.0)(rgb, draws(len(rgb), 2))
    shift = (after.mean(dim=(1, 2, 3)) - before.mean(dim=(1, 2, 3))).abs()
    contrast = (after.std(dim=(1, 2, 3)) / before.std(dim=(1, 2, 3)) - 1).abs()
    assert 9 < shift.max() <= 10.001
    assert 0.09 < contrast.max() <= 0.1001
    assert torch.equal(RandomLighting(0.0, 0.0)(rgb, draws(200)), before)


@pytest.mark.parametrize("wrong", [(1.0, 10.0), (-0.1, 10.0), (0.1, -1.0)])
def test_lighting_refuses_what_would_turn_the_picture_over(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match=r"contrast must lie in 0\.\.1"):
        RandomLighting(*wrong)


def test_the_draws_of_a_photo_do_not_depend_on_its_batch() -> None:
    rgb = photos(6)
    for augmentation in (
        LuminanceAugmentation(180.0, 5.0),
        ColorFilter(180.0, 5.0, 0.7),
        RandomLighting(0.1, 10.0),
        OldPhoto(2.0, 8.0, 1.0),
    ):
        together = augmentation(rgb, Draws(range(6)))
        apart = torch.cat([augmentation(rgb[i : i + 2], Draws(range(i, i + 2))) for i in (0, 2, 4)])
        torch.testing.assert_close(together, apart)


def flat_and_edge(count: int, side: int = 112) -> Tensor:
    """Gray photos whose left half is dark and whose right half is light."""
    rgb = torch.full((count, 3, side, side), 0.3)
    rgb[..., side // 2 :] = 0.7
    return rgb


def test_old_photos_are_soft_or_grainy_or_both_or_neither() -> None:
    """A quarter of each kind; grain is seen in the flat part, softness by a step that is not one."""
    rgb = flat_and_edge(200)
    lightness = OldPhoto(2.0, 8.0, 1.0)(rgb, draws(len(rgb)))
    grain = lightness[:, 0, :, :40].std(dim=(1, 2))
    steps = lightness[:, 0].mean(dim=1).diff(dim=1).amax(dim=1)
    sharp = split_lab(rgb[:1])[0].diff(dim=3).max()
    is_grainy, is_soft = grain > 0.02, steps < 0.85 * sharp
    for found in (is_grainy & is_soft, is_grainy & ~is_soft, ~is_grainy & is_soft, ~is_grainy & ~is_soft):
        assert 0.1 < found.float().mean() < 0.4
    assert 6.5 < grain.max() < 8.5
    assert bool((lightness >= 0).all() & (lightness <= 100).all())
    neither = ~is_grainy & (steps > 0.999 * sharp)
    assert neither.any()
    torch.testing.assert_close(lightness[neither], split_lab(rgb[neither])[0], atol=0.02, rtol=0)


def test_softness_is_a_share_of_the_side() -> None:
    """A photo twice as large is blurred over twice as many pixels."""
    small, large = (
        OldPhoto(2.0, 1e-6, 1.0)(flat_and_edge(20, side), draws(20))[:, 0].mean(dim=1).diff(dim=1)
        for side in (224, 448)
    )
    widths = [(step * step).sum(dim=1) / step.sum(dim=1) ** 2 for step in (small, large)]
    blurred = widths[0] < 0.4  # the width in pixels is over the reciprocal of this
    assert blurred.sum() >= 4
    torch.testing.assert_close(widths[0][blurred], 2 * widths[1][blurred], rtol=0.1, atol=0)


@pytest.mark.parametrize("wrong", [(0.0, 8.0, 1.0), (2.0, float("nan"), 1.0), (2.0, 8.0, float("inf"))])
def test_old_photos_without_softness_or_grain_are_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="blur, grain and coarsest must be above 0 and finite"):
        OldPhoto(*wrong)
