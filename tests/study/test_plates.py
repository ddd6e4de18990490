"""The plates can be read by hue alone, and not without the cones for red or green."""

import numpy as np
import pytest
import torch
from PIL import Image

from lcoins.color.lab import split_lab
from lcoins.study.plates import plate

# Linear RGB as people without these cones see it (Viénot, Brettel and Mollon 1999).
BLIND = {
    "protan": [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
    "deutan": [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
}


def separation(image: Image.Image, blank: Image.Image, matrix: list | None = None) -> float:
    """How far the digit's dots lie from the others, in their spread, along the best direction in Lab (Fisher)."""
    rgb = np.asarray(image, dtype=np.float64) / 255
    if matrix is not None:
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ np.array(matrix).T
        linear = linear.clip(0, 1)
        rgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    lightness, ab = split_lab(torch.tensor(rgb, dtype=torch.float32).permute(2, 0, 1)[None])
    lab = torch.cat([lightness, ab], 1)[0].flatten(1).numpy()
    figure = np.asarray(blank, dtype=np.int64)[..., 0].ravel() > 128
    dots = np.asarray(image).min(axis=2).ravel() < 190
    inside, outside = lab[:, dots & figure], lab[:, dots & ~figure]
    within = (np.cov(inside) + np.cov(outside)) / 2 + 1e-3 * np.eye(3)
    gap = inside.mean(axis=1) - outside.mean(axis=1)
    return float(np.sqrt(gap @ np.linalg.solve(within, gap)))


def mask(digit: str) -> Image.Image:
    from lcoins.study.plates import _digit_mask

    return Image.fromarray(_digit_mask(digit).astype(np.uint8)[..., None].repeat(3, 2) * 255)


@pytest.mark.parametrize("digit", ["2", "7"])
def test_only_who_sees_red_and_green_reads_the_digit(digit: str) -> None:
    image = plate(digit, np.random.default_rng(1))
    seen = separation(image, mask(digit))
    assert seen > 3
    assert all(separation(image, mask(digit), matrix) < seen / 2.5 for matrix in BLIND.values())


def test_everyone_reads_the_control_plate() -> None:
    image = plate("5", np.random.default_rng(1), control=True)
    assert all(separation(image, mask("5"), matrix) > 2.5 for matrix in BLIND.values())


def test_other_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="expected one of the digits"):
        plate("1", np.random.default_rng(0))
