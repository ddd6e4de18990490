"""Plates for a short color-vision check: digits of dots that differ from their ground in red against green only.

A screen of unknown colors cannot diagnose anyone; the check finds people who may not see what a study of colors asks,
and screens that do not show it. The two colors are confused by people without the cones for red or green (simulated
by Viénot, Brettel and Mollon 1999: 44 units of ab become at most 8), and lightness and yellowness vary from dot to dot
by more than what is left.
"""

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from lcoins.color.lab import fit_gamut, join_lab

SIDE = 300  # pixels
DIGITS = "23456789"
FIGURE, GROUND = (22.0, 32.0), (-22.0, 30.0)  # ab
LIGHTNESS, LIGHTNESS_SPREAD, YELLOW_SPREAD = 62.0, 10.0, 8.0  # L*, and how far dots vary in it and in b
CONTROL_STEP = 34.0  # L* by which the digit of the control plate is darker: everyone who looks can read it
_PAPER = (238, 238, 238)


def plate(digit: str, rng: np.random.Generator, *, control: bool = False) -> Image.Image:
    """A plate of SIDE x SIDE that shows one digit; on a ``control`` plate it differs in lightness as well."""
    if len(digit) != 1 or digit not in DIGITS:
        raise ValueError(f"expected one of the digits {DIGITS}, got {digit!r}")
    inside = _digit_mask(digit)
    dots = _dots(rng)
    figure = np.array([inside[int(y), int(x)] for x, y, _ in dots])
    ab = np.where(figure[:, None], FIGURE, GROUND) + np.stack(
        [np.zeros(len(dots)), rng.uniform(-YELLOW_SPREAD, YELLOW_SPREAD, len(dots))], axis=1
    )
    spread = LIGHTNESS_SPREAD / 2 if control else LIGHTNESS_SPREAD
    lightness = LIGHTNESS + rng.uniform(-spread, spread, len(dots)) - CONTROL_STEP * (figure & control)
    colors = _rgb(lightness, ab)
    image = Image.new("RGB", (2 * SIDE, 2 * SIDE), _PAPER)
    draw = ImageDraw.Draw(image)
    for (x, y, radius), color in zip(dots, colors, strict=True):
        box = [2 * (x - radius), 2 * (y - radius), 2 * (x + radius), 2 * (y + radius)]
        draw.ellipse(box, fill=tuple(map(int, color)))
    return image.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _digit_mask(digit: str) -> np.ndarray:
    """Which pixels (SIDE, SIDE) belong to the digit, in the middle of the plate."""
    image = Image.new("L", (SIDE, SIDE))
    font = ImageFont.load_default(size=round(0.75 * SIDE))
    ImageDraw.Draw(image).text((SIDE / 2, SIDE / 2), digit, fill=255, font=font, anchor="mm", stroke_width=6)
    return np.asarray(image) > 127


def _dots(rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Centers and radii of dots that do not touch and fill the disk, large ones first."""
    placed: list[tuple[float, float, float]] = []
    middle = SIDE / 2
    for radius, tries in ((8.0, 900), (6.0, 1500), (4.0, 3000), (2.8, 3000)):
        for _ in range(tries):
            angle, distance = rng.uniform(0, 2 * math.pi), (middle - 10) * math.sqrt(rng.uniform())
            x, y = middle + distance * math.cos(angle), middle + distance * math.sin(angle)
            if all((x - a) ** 2 + (y - b) ** 2 > (radius + other + 1) ** 2 for a, b, other in placed):
                placed.append((x, y, radius))
    return placed


def _rgb(lightness: np.ndarray, ab: np.ndarray) -> np.ndarray:
    """Lightness (N,) and ab (N, 2) as 8-bit sRGB (N, 3)."""
    light = torch.tensor(lightness, dtype=torch.float32).view(1, 1, 1, -1)
    colors = torch.tensor(ab.T.copy(), dtype=torch.float32).view(1, 2, 1, -1)
    rgb = join_lab(light, fit_gamut(light, colors))
    return (rgb[0, :, 0].T.clamp(0, 1) * 255).round().numpy()
