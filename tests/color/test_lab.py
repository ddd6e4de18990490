"""Color conversion against scikit-image, round trips, and the gamut."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import color
from torch import Tensor

from lcoins.color import lab
from lcoins.color.names import KNOWN_LAB

UNIT = st.floats(0, 1, width=32)
PHOTOS = arrays(np.float32, st.tuples(st.just(3), st.integers(1, 4), st.integers(1, 4)), elements=UNIT)
LIGHTNESS = arrays(np.float32, (1, 1, 4, 5), elements=st.floats(0, 100, width=32))
AB = arrays(np.float32, (1, 2, 4, 5), elements=st.floats(-160, 160, width=32))


def random_colors(seed: int = 0, spread: float = 160.0) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    lightness = torch.rand(1, 1, 100, 100, generator=random) * 100
    return lightness, (torch.rand(1, 2, 100, 100, generator=random) * 2 - 1) * spread


def test_lab_equals_scikit_image() -> None:
    rgb = np.random.default_rng(0).random((1, 3, 64, 64))
    rgb[0, :, 0] = np.random.default_rng(1).random((3, 64)) * 0.02  # the linear toe of both curves
    expected = color.rgb2lab(rgb[0].transpose(1, 2, 0)).transpose(2, 0, 1)
    lightness, ab = lab.split_lab(torch.from_numpy(rgb))
    assert lightness.dtype == ab.dtype == torch.float32
    np.testing.assert_allclose(torch.cat([lightness, ab], 1)[0].numpy(), expected, atol=1e-3)
    back = color.lab2rgb(expected.transpose(1, 2, 0)).transpose(2, 0, 1)
    np.testing.assert_allclose(lab.join_lab(lightness, ab)[0].numpy(), back, atol=1e-4)


@settings(deadline=None)
@given(PHOTOS)
def test_round_trip(photo: np.ndarray) -> None:
    rgb = torch.from_numpy(photo)[None]
    lightness, ab = lab.split_lab(rgb)
    assert lightness.min() >= -1e-3 and lightness.max() <= 100 + 1e-3
    torch.testing.assert_close(lab.join_lab(lightness, ab), rgb, atol=2e-4, rtol=0)


def test_black_gray_and_white() -> None:
    rgb = torch.tensor([0.0, 0.4663, 1.0]).expand(1, 3, 1, 3)
    lightness, ab = lab.split_lab(rgb)
    torch.testing.assert_close(lightness.flatten(), torch.tensor([0.0, 50.0, 100.0]), atol=0.01, rtol=0)
    assert ab.abs().max() < 0.02


def test_conversion_ignores_autocast() -> None:
    rgb = torch.rand(1, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    expected = lab.split_lab(rgb)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        lightness, ab = lab.split_lab(rgb)
        joined = lab.join_lab(lightness, ab)
    torch.testing.assert_close((lightness, ab), expected, atol=0, rtol=0)
    assert joined.dtype == torch.float32


@given(st.floats(-1, 1), st.floats(-120, 120))
def test_network_scaling_inverts(scaled: float, ab: float) -> None:
    value, color = torch.tensor(scaled), torch.tensor(ab)
    torch.testing.assert_close(lab.to_network_lightness(lab.from_network_lightness(value)), value, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(lab.from_network_ab(lab.to_network_ab(color)), color)


def test_network_scaling_is_the_papers() -> None:
    assert lab.to_network_lightness(torch.tensor([0.0, 25.0, 100.0])).tolist() == [-1.0, -0.5, 1.0]
    assert lab.to_network_ab(torch.tensor([-110.0, 55.0])).tolist() == [-1.0, 0.5]


def test_join_clips_only_when_asked() -> None:
    lightness, ab = torch.full((1, 1, 1, 1), 50.0), torch.tensor([100.0, -100.0]).view(1, 2, 1, 1)
    assert lab.join_lab(lightness, ab, clip=False).min() < 0 or lab.join_lab(lightness, ab, clip=False).max() > 1
    clipped = lab.join_lab(lightness, ab)
    assert clipped.min() >= 0 and clipped.max() <= 1


@settings(deadline=None)
@given(LIGHTNESS, AB)
def test_fitted_colors_lie_in_srgb_with_their_lightness_and_hue(lightness: np.ndarray, ab: np.ndarray) -> None:
    given_lightness, given_ab = torch.from_numpy(lightness), torch.from_numpy(ab)
    fitted = lab.fit_gamut(given_lightness, given_ab)
    rgb = lab.join_lab(given_lightness, fitted, clip=False)
    assert rgb.min() >= -3e-4 and rgb.max() <= 1 + 3e-4
    assert (lab.split_lab(rgb.clamp(0, 1))[0] - given_lightness).abs().max() < 0.1
    cross = fitted[:, 0] * given_ab[:, 1] - fitted[:, 1] * given_ab[:, 0]
    assert cross.abs().max() <= 1e-5 * 160 * 160  # parallel,
    assert ((fitted * given_ab).sum(1) >= 0).all()  # and the same way
    assert (fitted.norm(dim=1) <= given_ab.norm(dim=1) + 1e-4).all()


@settings(deadline=None)
@given(PHOTOS)
def test_fitting_leaves_every_srgb_color_alone(photo: np.ndarray) -> None:
    lightness, ab = lab.split_lab(torch.from_numpy(photo)[None])
    assert torch.equal(lab.fit_gamut(lightness, ab), ab)


def test_fitting_leaves_the_corners_of_the_cube_alone() -> None:
    corners = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 3).T.view(1, 3, 8, 1)
    lightness, ab = lab.split_lab(corners)
    assert torch.equal(lab.fit_gamut(lightness, ab), ab)


def test_fitting_keeps_as_much_chroma_as_fits() -> None:
    lightness, ab = random_colors()
    fitted = lab.fit_gamut(lightness, ab)
    shrunk = (
        (fitted.norm(dim=1, keepdim=True) < ab.norm(dim=1, keepdim=True) * 0.999) & (lightness > 1) & (lightness < 99)
    )
    assert shrunk.float().mean() > 0.3
    more = lab.join_lab(lightness, fitted + ab * 2.0**-11, clip=False)
    outside = ((more < -1e-5) | (more > 1 + 1e-5)).any(dim=1, keepdim=True)
    assert outside[shrunk].all()


def test_fitting_does_not_depend_on_the_neighbors() -> None:
    lightness, ab = random_colors(seed=1)
    whole = lab.fit_gamut(lightness, ab)
    parts = [lab.fit_gamut(lightness[:, :, rows], ab[:, :, rows]) for rows in (slice(0, 33), slice(33, 100))]
    assert torch.equal(torch.cat(parts, dim=2), whole)


@pytest.mark.parametrize("size", [(5, 7), (64, 48), (8, 8), (3, 40)])
def test_resizing_keeps_flat_colors_and_means(size: tuple[int, int]) -> None:
    flat = torch.tensor([30.0, -20.0]).view(1, 2, 1, 1).expand(1, 2, 8, 8)
    torch.testing.assert_close(lab.resize_ab(flat, size), flat[:, :, :1, :1].expand(1, 2, *size))
    ramp = torch.linspace(-50, 50, 8).view(1, 1, 1, 8).expand(1, 2, 8, 8)
    resized = lab.resize_ab(ramp, size)
    assert resized.shape[-2:] == size
    assert resized.mean().abs() < 1e-4 and (resized.diff(dim=-1) >= 0).all()


def test_lightness_of_levels_is_that_of_scikit_image() -> None:
    """Every level of gray, and colors at random; scikit-image's white point differs in the fifth digit."""
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    pixels[:4] = np.arange(256, dtype=np.uint8).reshape(4, 64, 1)
    found = lab.lightness_of_levels(pixels)
    assert found.shape == (1, 1, 64, 64)
    assert np.abs(found[0, 0].numpy() - color.rgb2lab(pixels)[..., 0]).max() < 0.01
    exact = lab.split_lab(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255)[0]
    torch.testing.assert_close(found, exact, atol=2e-3, rtol=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_lab_arrays_to_rgb_agree_with_kornia_and_scikit_image(seed: int) -> None:
    values = np.random.default_rng(seed).uniform((5, -20, -20), (95, 20, 20), (8, 8, 3)).astype(np.float32)
    found = lab.lab_array_to_rgb(values.transpose(2, 0, 1).copy())
    tensor = torch.from_numpy(values).permute(2, 0, 1)[None]
    torch.testing.assert_close(
        torch.from_numpy(found), lab.join_lab(tensor[:, :1], tensor[:, 1:])[0], atol=2e-5, rtol=0
    )
    inside = values.copy()
    inside[..., 1:] /= 10  # scikit-image warns outside sRGB
    found = lab.lab_array_to_rgb(inside.transpose(2, 0, 1).copy())
    np.testing.assert_allclose(found.transpose(1, 2, 0), color.lab2rgb(inside), atol=2e-4)


@pytest.mark.parametrize("name", ["dark blue", "navy", "royal blue", "blue", "dark red", "brown", "pale pink", "gray"])
def test_a_color_on_something_lighter_keeps_its_hue_to_the_eye(name: str) -> None:
    named = KNOWN_LAB[name]
    assert lab.ab_at_lightness(named, named[0] + 1e-3) == pytest.approx(named[1:], abs=0.02)
    assert lab.ab_at_lightness(named, 0.0) == named[1:]
    for lightness in np.linspace(named[0] + 1, 99, 5):
        moved = lab.ab_at_lightness(named, float(lightness))
        assert np.hypot(*moved) <= np.hypot(*named[1:]) + 1e-6
        apart = oklab_hue(float(lightness), *moved) - oklab_hue(*named)
        weight = min(np.hypot(*moved), 1.0)  # a gray has no hue
        # Where chroma is bounded the hue moves a little, since Oklab's lines of one hue are bent in CIELAB.
        assert abs((apart + 180) % 360 - 180) * weight < 3


def oklab_hue(lightness: float, a: float, b: float) -> float:
    """The hue in Oklab in degrees, by its author's matrices from linear sRGB."""
    red, green, blue = lab_to_linear(lightness, a, b)
    cones = np.cbrt(
        [
            0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue,
            0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue,
            0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue,
        ]
    )
    across = np.dot([1.9779984951, -2.4285922050, 0.4505937099], cones)
    return float(np.degrees(np.arctan2(np.dot([0.0259040371, 0.7827717662, -0.8086757660], cones), across)))


def lab_to_linear(lightness: float, a: float, b: float) -> np.ndarray:
    xyz = color.lab2xyz(np.array([[[lightness, a, b]]]))[0, 0]
    return np.asarray(color.colorconv.rgb_from_xyz @ xyz)
