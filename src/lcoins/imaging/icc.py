"""Embedded color profiles: conversion from their color space to sRGB in 8 bits or 16, and the profile of sRGB.

LittleCMS converts. Pillow passes it RGB pixels of 8 bits only, but gray ones of 16, so the curve of each channel is
read at full depth as the curve of a gray profile. This is off by at most 0.03 L*, where pyvips, which passes 16 bits
directly, is off by up to 0.39 (docs/results/pyvips.md).
"""

import struct
from collections.abc import Callable
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms

Levels = NDArray[np.uint16]

_PROFILE_SPACE = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_D50 = (0.9642, 1.0, 0.8249)
_NO_OPTIMIZATION = 0x0100  # cmsFLAGS_NOOPTIMIZE: applies the curve itself to every level
# Linear sRGB of XYZ under D50, the inverse of the colorants in an sRGB profile.
_XYZ_TO_LINEAR_SRGB = np.linalg.inv(
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]]
)


class ProfileError(ValueError):
    """A profile that cannot be applied; the message says why."""


@lru_cache(maxsize=1)
def srgb_profile() -> bytes:
    """The ICC profile of sRGB, to embed in a picture; the same bytes every time."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    data[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)  # a fixed date in place of the present
    return bytes(data)


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(BytesIO(srgb_profile()))


@lru_cache(maxsize=1)
def lab_to_srgb() -> ImageCms.ImageCmsTransform:
    """The transform from pixels of Pillow's mode LAB, which need no profile, to RGB."""
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb(), "LAB", "RGB")


@lru_cache(maxsize=32)
def profile_to_srgb(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform of 8-bit pixels of mode L, RGB or CMYK from an embedded profile; None if it changes nothing.

    Raises :class:`ProfileError` for a profile that is damaged or was made for another mode.
    """
    source = _opened_profile(profile, mode)
    try:
        transform = ImageCms.buildTransform(source, _srgb(), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        raise ProfileError("it is damaged") from error
    levels = np.linspace(0, 255, 6, dtype=np.uint8)
    colors = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    chart = Image.fromarray(colors).convert(mode)
    change = np.asarray(transform.apply(chart), dtype=int) - np.asarray(chart.convert("RGB"))
    return transform if np.abs(change).max() > 1 else None


def embedded_transform(image: Image.Image, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform from a photo's embedded profile to sRGB, for pixels of ``mode``; None where it changes nothing.

    Raises :class:`ProfileError` for a profile that cannot be applied.
    """
    embedded = image.info.get("icc_profile")
    if not embedded or mode == "LAB":
        return None
    if not isinstance(embedded, bytes):
        raise ProfileError("it is damaged")
    return profile_to_srgb(embedded, mode)


def _opened_profile(profile: bytes, mode: str) -> ImageCms.ImageCmsProfile:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = source.profile.xcolor_space.strip()
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError) as error:
        raise ProfileError("it is damaged") from error
    if _PROFILE_SPACE.get(mode) != space:
        raise ProfileError(f"it is made for {space!a} pixels, not for those of the photo")
    return source


@lru_cache(maxsize=4)
def sixteen_bit_profile_to_srgb(profile: bytes, mode: str) -> Callable[[Levels], Levels]:
    """Converts 16-bit levels of a profile, (H, W) of mode L or (H, W, 3) of mode RGB, to levels of sRGB.

    Exact but for the last one or two of the 16 bits. Colors outside sRGB are clipped. Raises :class:`ProfileError` for
    what :func:`profile_to_srgb` refuses, and for an RGB profile of tables instead of curves and a matrix.
    """
    source = _opened_profile(profile, mode)
    encode = _srgb_levels()
    try:
        tags = _tags(profile)
        if mode == "L":
            table = encode[_curve(tags[b"kTRC"])]
            return lambda levels: table[levels]
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
        opened = source.profile
        colorants = [opened.red_colorant, opened.green_colorant, opened.blue_colorant]
        xyz = np.array([colorant[0] for colorant in colorants]).T  # type: ignore[index]  # none: a TypeError
        if b"A2B0" in tags or xyz.shape != (3, 3):
            raise KeyError("A2B0")
    except (KeyError, TypeError, struct.error) as error:
        raise ProfileError("it has no curves that could be applied to 16 bits") from error
    except (ImageCms.PyCMSError, OSError, ValueError) as error:
        raise ProfileError("it is damaged") from error
    matrix: NDArray[np.float32] = (_XYZ_TO_LINEAR_SRGB @ xyz).astype(np.float32)

    def convert(levels: Levels) -> Levels:
        linear = np.stack([curve[levels[..., band]] for band, curve in enumerate(curves)], axis=-1, dtype=np.float32)
        return encode[np.rint(np.clip(linear @ matrix.T, 0, 65535)).astype(np.uint16)]

    return convert


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """The contents of a profile's tags, by name."""
    (count,) = struct.unpack_from(">I", profile, 128)
    entries = (struct.unpack_from(">4sII", profile, 132 + 12 * index) for index in range(min(count, 100)))
    return {name: profile[start : start + length] for name, start, length in entries}


def _curve(tag: bytes) -> Levels:
    """The linear light of each of the 65,536 levels, by the curve in a tag of type ``curv`` or ``para``."""
    source, target = (ImageCms.ImageCmsProfile(BytesIO(_gray_profile(curve))) for curve in (tag, _gamma(1.0)))
    transform = ImageCms.buildTransform(
        source, target, "I;16", "I;16", ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags(_NO_OPTIMIZATION)
    )
    ramp = Image.fromarray(np.arange(65536, dtype=np.uint16).reshape(256, 256))
    return np.asarray(transform.apply(ramp)).reshape(-1)


def _gamma(exponent: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(exponent * 256))


def _gray_profile(curve: bytes) -> bytes:
    """A gray profile of ICC version 2 whose curve is a tag of another profile."""
    white = b"XYZ " + struct.pack(">I3i", 0, *(round(value * 65536) for value in _D50))
    bodies = [(b"wtpt", white), (b"kTRC", curve + bytes(-len(curve) % 4))]
    start = 128 + 4 + 12 * len(bodies)
    table, data = struct.pack(">I", len(bodies)), b""
    for name, body in bodies:
        table += name + struct.pack(">II", start + len(data), len(body))
        data += body
    header = struct.pack(
        ">I4sI4s4s4s12s4s", start + len(data), b"", 0x02100000, b"mntr", b"GRAY", b"XYZ ", b"", b"acsp"
    )
    return header.ljust(128, b"\0") + table + data


@lru_cache(maxsize=1)
def _srgb_levels() -> Levels:
    """The 16-bit sRGB level of each of 65,536 levels of linear light."""
    linear = np.arange(65536) / 65535
    coded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(coded * 65535).astype(np.uint16)
