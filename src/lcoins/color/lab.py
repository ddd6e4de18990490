"""sRGB to CIELAB and back, network scaling, and recomposition: the only place that converts colors.

Units used in the whole package: ``rgb`` is sRGB in [0, 1]; ``lightness`` is L* in 0..100; ``ab`` is CIELAB a*b*,
roughly -86..98 and -108..95 inside sRGB. The network sees ``lightness / 50 - 1`` and ``ab / 110``, both in [-1, 1].
The constants are those of D65, 2 degrees, as in kornia and in the authors' release.
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt
from kornia.color import lab_to_rgb, rgb_to_lab, rgb_to_linear_rgb, rgb_to_xyz, xyz_to_rgb
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

AB_SCALE = 110.0

# What each channel of linear light adds to luminance: kornia's own figures.
_LUMINANCE: NDArray[np.float32] = rgb_to_xyz(torch.eye(3, device="cpu")[:, :, None])[1, :, 0].numpy()
_WHITE = np.array([0.95047, 1.0, 1.08883])
# XYZ over its white point to linear sRGB, row by row: kornia's matrix with the D65 white point multiplied in.
_WHITE_XYZ_TO_LINEAR = xyz_to_rgb(torch.diag(torch.tensor(_WHITE, dtype=torch.float32, device="cpu"))[:, None])[:, 0].tolist()
# Oklab (B. Ottosson, 2020): XYZ to the cones' responses, and the cube roots of these to lightness and opponent colors.
_XYZ_TO_CONES = np.array(
    [
        [0.8189330101, 0.3618667424, -0.1288597137],
        [0.0329845436, 0.9293118715, 0.0361456387],
        [0.0482003018, 0.2643662691, 0.6338517070],
    ]
)
_ROOTS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_CONES_TO_XYZ = np.linalg.inv(_XYZ_TO_CONES) / _WHITE[:, None]  # over its white point
_OPPONENTS_TO_ROOTS = np.linalg.inv(_ROOTS_TO_OKLAB)[:, 1:]


def in_float32(tensor: Tensor) -> torch.autocast:
    """Switches autocast off on the tensor's device; the meta device knows no autocast."""
    return torch.autocast("cpu" if tensor.is_meta else tensor.device.type, enabled=False)


def split_lab(rgb: Float[Tensor, "b 3 h w"]) -> tuple[Float32[Tensor, "b 1 h w"], Float32[Tensor, "b 2 h w"]]:
    """sRGB in [0, 1] to lightness in 0..100 and ab, always in float32."""
    with in_float32(rgb):
        lab = rgb_to_lab(rgb.float())
    return lab[:, :1], lab[:, 1:]


def lightness_of_levels(
    levels: UInt[np.ndarray, "h w 3"] | UInt[np.ndarray, "h w"],
) -> Float32[Tensor, "1 1 h w"]:
    """8- or 16-bit sRGB, or gray, to lightness in 0..100.

    The lightness of :func:`split_lab`, seven times as fast: only 256 values of a channel, or 65,536, have to be made
    linear, and neither a nor b is wanted.
    """
    linear = _linear(levels.dtype)
    if levels.ndim == 2:
        return torch.from_numpy(_lightness(linear * _LUMINANCE.sum())[levels])[None, None]
    return torch.from_numpy(_lightness(linear[levels] @ _LUMINANCE))[None, None]


@lru_cache(maxsize=2)
def _linear(depth: np.dtype[np.uint8 | np.uint16]) -> NDArray[np.float32]:
    """Linear light of every level of an unsigned integer type."""
    levels = torch.linspace(0, 1, np.iinfo(depth).max + 1)
    return rgb_to_linear_rgb(levels.expand(3, 1, -1))[0, 0].numpy()


def _lightness(luminance: NDArray[np.float32]) -> NDArray[np.float32]:
    return 116 * _lab_roots(luminance) - 16


def _lab_roots(relative_xyz: NDArray[np.float32]) -> NDArray[np.float32]:
    """CIELAB's cube roots of XYZ over its white point, linear in the dark."""
    return np.where(relative_xyz > 0.008856, np.cbrt(relative_xyz), 7.787 * relative_xyz + np.float32(4 / 29))


def _relative_xyz(roots: NDArray[Any]) -> NDArray[Any]:
    """The inverse of :func:`_lab_roots`."""
    return np.where(roots > 0.2068966, roots * roots * roots, (roots - 4 / 29) / 7.787)


def join_lab(
    lightness: Float[Tensor, "b 1 h w"], ab: Float[Tensor, "b 2 h w"], *, clip: bool = True
) -> Float32[Tensor, "b 3 h w"]:
    """Lightness and ab to sRGB; ``clip`` clamps to [0, 1].

    Colors outside sRGB are clipped channel by channel, as in the paper's evaluation; see :func:`fit_gamut` for the
    way that keeps hue and lightness.
    """
    with in_float32(lightness):
        return lab_to_rgb(torch.cat([lightness, ab], dim=1).float(), clip=clip)


def lab_array_to_rgb(lab: Float32[np.ndarray, "3 h w"]) -> Float32[np.ndarray, "3 h w"]:
    """Lab to sRGB, clipped to [0, 1]: :func:`join_lab` in numpy, much faster on small pictures."""
    roots = np.empty_like(lab)
    roots[1] = (lab[0] + 16) / 116
    roots[0] = roots[1] + lab[1] / 500
    roots[2] = np.maximum(roots[1] - lab[2] / 200, 0)
    linear = np.array(_WHITE_XYZ_TO_LINEAR, dtype=np.float32) @ _relative_xyz(roots).reshape(3, -1)
    np.clip(linear, 0, 1, out=linear)
    gamma = 1.055 * np.power(linear, np.float32(1 / 2.4)) - 0.055
    return np.where(linear > 0.0031308, gamma, 12.92 * linear).reshape(lab.shape)


def to_network_lightness(lightness: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """L* in 0..100 to the network's [-1, 1].

    >>> to_network_lightness(torch.tensor([0.0, 50.0, 100.0]))
    tensor([-1.,  0.,  1.])
    """
    return lightness / 50.0 - 1.0


def from_network_lightness(lightness: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The network's [-1, 1] to L* in 0..100."""
    return (lightness + 1.0) * 50.0


def to_network_ab(ab: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """CIELAB ab to the network's scale, ab / 110."""
    return ab / AB_SCALE


def from_network_ab(ab: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The network's scale to CIELAB ab."""
    return ab * AB_SCALE


def _in_gamut(
    fy: Float[Tensor, "*shape"], a: Float[Tensor, "*shape"], b: Float[Tensor, "*shape"], tolerance: float = 1e-5
) -> Bool[Tensor, "*shape"]:
    """Whether colors lie inside sRGB: fy = (L* + 16) / 116, ``a`` = a* / 500, ``b`` = b* / 200 (CIE 1976).

    Judged in linear light, which needs no power function. The tolerance is a thirtieth of an 8-bit step in the dark,
    where sRGB is steepest, and as much at the bright end, where it is flat (and kornia's rounded matrix puts white at
    1.0001).
    """

    def to_xyz(f: Tensor) -> Tensor:
        return torch.where(f > 0.2068966, f * f * f, (f - 4.0 / 29.0) / 7.787)

    x, y, z = to_xyz(fy + a), to_xyz(fy), to_xyz(fy - b)
    red, green, blue = (x * from_x + y * from_y + z * from_z for from_x, from_y, from_z in _WHITE_XYZ_TO_LINEAR)
    lowest = torch.minimum(torch.minimum(red, green), blue)
    highest = torch.maximum(torch.maximum(red, green), blue)
    return (lowest >= -tolerance) & (highest <= 1 + 20 * tolerance)


def fit_gamut(
    lightness: Float[Tensor, "b 1 h w"], ab: Float[Tensor, "b 2 h w"], steps: int = 12
) -> Float[Tensor, "b 2 h w"]:
    """Scales ab towards gray, pixel by pixel, until (lightness, ab) lies inside sRGB.

    Hue and lightness stay; only chroma shrinks. Clipping RGB instead would change the photo's own lightness. Found by
    bisection, so the scale is within 2**-steps of the largest that fits. Only colors outside sRGB are worked on; the
    others come back unchanged.
    """
    fy, a, b = (lightness + 16.0) / 116.0, ab[:, :1] / 500.0, ab[:, 1:] / 200.0
    outside = ~_in_gamut(fy, a, b)
    fy, a, b = fy[outside], a[outside], b[outside]
    fits = torch.zeros_like(fy)
    for step in range(1, steps + 1):
        larger = fits + 2.0**-step
        fits = torch.where(_in_gamut(fy, a * larger, b * larger), larger, fits)
    scale = torch.ones_like(lightness)
    scale[outside] = fits
    return ab * scale


def ab_at_lightness(lab: tuple[float, float, float], lightness: float) -> tuple[float, float]:
    """CIELAB ab of a color when something of another L* takes it: its hue to the eye, and no more chroma than it had.

    In CIELAB a blue turns to violet as it gets lighter. A table's dark blue has an L* of 7, and most of what people
    call dark blue is far lighter. Oklab keeps hues of blue, so on something lighter the color keeps its two opponent
    colors there. On something darker it keeps its ab: so strong a color in the dark lies outside of what displays show,
    and Oklab was fitted to colors within.

    >>> [round(value) for value in ab_at_lightness((7.4, 35.3, -49.7), 50.0)]
    [14, -50]
    """
    if lightness <= lab[0]:
        return lab[1:]
    level, a, b = lab
    fy = (level + 16) / 116
    xyz = _WHITE * _relative_xyz(np.array([fy + a / 500, fy, fy - b / 200]))
    opponents = (_ROOTS_TO_OKLAB @ np.cbrt(_XYZ_TO_CONES @ xyz))[1:]
    tints = _OPPONENTS_TO_ROOTS @ opponents  # what they add to the root of each cone
    luminance = _relative_xyz(np.array((lightness + 16) / 116))
    root = np.cbrt(luminance)
    for _ in range(8):  # Newton's steps towards the lightness in Oklab that has this luminance
        root -= (_CONES_TO_XYZ[1] @ (root + tints) ** 3 - luminance) / (_CONES_TO_XYZ[1] @ (3 * (root + tints) ** 2))
    fx, fy, fz = map(float, _lab_roots((_CONES_TO_XYZ @ (root + tints) ** 3).astype(np.float32)))
    ab = np.array([500 * (fx - fy), 200 * (fy - fz)])
    a, b = ab * min(1.0, np.hypot(*lab[1:]) / max(np.hypot(*ab), 1e-9))
    return float(a), float(b)


def resize_ab(ab: Float[Tensor, "b c h w"], size: tuple[int, int]) -> Float[Tensor, "b c height width"]:
    """Resizes ab to ``size`` = (height, width), bilinear, antialiased when it shrinks."""
    if tuple(ab.shape[-2:]) == tuple(size):
        return ab
    return interpolate(ab, size=size, mode="bilinear", align_corners=False, antialias=True)


def network_input(lightness: Float[Tensor, "b 1 h w"], side: int) -> Float[Tensor, "b 1 {side} {side}"]:
    """Lightness in 0..100 as a network sees it: resampled like ab to ``side`` x ``side`` pixels, in its scale."""
    return to_network_lightness(resize_ab(lightness, (side, side)))
