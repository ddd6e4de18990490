"""What a clip adds to a photo: colors smoothed over time, and a measure of how much they flicker.

Both work on the network's small squares. There, in frame t, L is lightness, and the colors are a slope and an offset
at each pixel (:mod:`lcoins.color.edges`): ab = offset + slope * L / 100. They are smoothed before they are enlarged:

    weight_t    = smoothing * max(0, 1 - |L_t - L_(t-1)| / MOTION)                   at each pixel
    smooth_t    = weight_t * smooth_(t-1) + (1 - weight_t) * colors_t               slope and offset alike

So each pixel of frame t takes a weighted mean of the colors that the frames so far give for its lightness. The past has
the weight ``smoothing`` where lightness stays, less where it changes, and none where it changes by MOTION or more. A
cut is a frame where it does so in more than CUT of the picture; there, and at the first frame, smooth_t = colors_t, so
that nothing of another scene is blended in. Nothing is tracked: an object that moves without a change of lightness
leaves its colors behind for some frames, and a cut between two pictures of nearly the same lightness goes unnoticed.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lcoins.color.edges import colors_at

MOTION = 10.0  # units of L*: a pixel that changes as much shows something else
CUT = 0.5  # of the picture: where more of it shows something else, a new scene begins
STILL = 2.0  # units of L*: a pixel that changes less shows the same thing

Colors = tuple[Tensor, Tensor]  # slope and offset


@dataclass
class ClipSmoother:
    """Takes the frames of a clip in order, smooths their colors and measures flicker; keeps one frame in memory.

    ``smoothing`` lies in 0 (off) to below 1; ValueError otherwise. ``flickers`` holds the flicker so far "before"
    smoothing, "after" it, and of the frames' "own" colors, where they have any.
    """

    smoothing: float
    flickers: dict[str, "Flicker"] = field(default_factory=dict)
    _lightness: Tensor | float = math.inf  # so that the first frame is a cut
    _smooth: Colors | None = None
    _ab: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing must lie in 0 (off) to below 1, not {self.smoothing:g}; 0.8 is the default")

    def step(self, lightness: Tensor, colors: Colors, own: Tensor | None = None) -> Colors:
        """The next frame's smoothed slope and offset, (1, 2, S, S) each, from its ``lightness`` (1, 1, S, S) in 0..100.

        ``own`` is the ab (1, 2, S, S) of a frame that is in color, to compare its flicker.
        """
        change = (lightness - self._lightness).abs()
        if is_cut(change):
            change = torch.full_like(change, math.inf)
        smooth = smoothed(colors, self._smooth or colors, change, self.smoothing)
        ab = {"before": colors_at(lightness, *colors), "after": colors_at(lightness, *smooth)}
        ab |= {} if own is None else {"own": own}
        for name in (name for name in ab if name in self._ab):
            self.flickers.setdefault(name, Flicker()).add(ab[name] - self._ab[name], change)
        self._lightness, self._smooth, self._ab = lightness, smooth, ab
        return smooth


def is_cut(change: Tensor) -> bool:
    """Whether a new scene begins, from |L_t - L_(t-1)| of two frames."""
    return (change >= MOTION).float().mean().item() > CUT


def smoothed(colors: Colors, past: Colors, change: Tensor, smoothing: float) -> Colors:
    """smooth_t from colors_t, smooth_(t-1) and |L_t - L_(t-1)| (1, 1, S, S).

    Written so that equal colors keep their bits.
    """
    weight = smoothing * (1 - change / MOTION).clamp(min=0)
    slope, offset = (now + weight * (before - now) for now, before in zip(colors, past, strict=True))
    return slope, offset


@dataclass
class Flicker:
    """Mean distance of ab between two frames that follow each other, over pixels whose lightness hardly changed.

    In CIELAB units, over all pairs of frames that no cut parts and all pixels where |L_t - L_(t-1)| < STILL. The mean
    is None where there was no such pixel.
    """

    total: float = 0.0
    pixels: int = 0

    def add(self, moved: Tensor, change: Tensor) -> None:
        """One pair: ab_t - ab_(t-1) (1, 2, S, S) and |L_t - L_(t-1)| (1, 1, S, S)."""
        still = change[:, 0] < STILL
        self.total += float(moved.norm(dim=1)[still].double().sum())
        self.pixels += int(still.sum())

    @property
    def mean(self) -> float | None:
        return self.total / self.pixels if self.pixels else None
