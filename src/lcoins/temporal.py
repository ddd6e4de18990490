"""What a clip adds to a photo: colours smoothed over time, and a measure of how much they flicker.

Both work on the network's small squares, lightness L and ab of frame t, before ab is enlarged:

    weight_t = smoothing * max(0, 1 - |L_t - L_(t-1)| / MOTION)           at each pixel
    smooth_t = weight_t * smooth_(t-1) + (1 - weight_t) * ab_t

So the colours of the past count ``smoothing`` where lightness stays, less where it changes, and nothing where it
changes by MOTION or more. At a cut, where it does so in more than CUT of the picture, and at the first frame,
smooth_t = ab_t: nothing of another scene is blended in. Nothing is tracked: what moves without a change of lightness
leaves its colours behind for some frames, 1 / (1 - smoothing) on average, and a cut between two pictures of nearly
the same lightness is not seen.
"""

from dataclasses import dataclass, field

from torch import Tensor

MOTION = 10.0  # units of L*: a pixel that changes as much shows something else
CUT = 0.5  # of the picture: where more of it shows something else, a new scene begins
STILL = 2.0  # units of L*: a pixel that changes less shows the same thing


@dataclass
class Clip:
    """Takes the frames of a clip in order, smooths their colours and measures flicker; memory does not grow.

    ``smoothing`` lies in 0 (off) to below 1; ValueError otherwise.
    """

    smoothing: float
    flickers: dict[str, "Flicker"] = field(default_factory=dict)
    _lightness: Tensor | None = None
    _colours: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing must lie in 0 (off) to below 1, not {self.smoothing:g}; 0.8 is the default")

    def step(self, lightness: Tensor, ab: Tensor, own: Tensor | None = None) -> Tensor:
        """The next frame's smoothed ab, (1, 2, S, S) like its ``ab``, from its ``lightness`` (1, 1, S, S) in 0..100.

        ``own`` is the ab that the frame itself has, where it is in colour, to compare its flicker. ``flickers`` holds
        afterwards the flicker so far "before" smoothing, "after" it, and of the frames' "own" colours.
        """
        colours = {"before": ab, "after": ab} | ({} if own is None else {"own": own})
        if self._lightness is not None:
            change = (lightness - self._lightness).abs()
            if not is_cut(change):
                colours["after"] = smoothed(ab, self._colours["after"], change, self.smoothing)
                for name in (name for name in colours if name in self._colours):
                    self.flickers.setdefault(name, Flicker()).add(colours[name] - self._colours[name], change)
        self._lightness, self._colours = lightness, colours
        return colours["after"]


def is_cut(change: Tensor) -> bool:
    """Whether a new scene begins, from |L_t - L_(t-1)| of two frames."""
    return (change >= MOTION).float().mean().item() > CUT


def smoothed(ab: Tensor, past: Tensor, change: Tensor, smoothing: float) -> Tensor:
    """smooth_t from ab_t and smooth_(t-1), (1, 2, S, S) each, and |L_t - L_(t-1)| (1, 1, S, S).

    Written so that where ab stays the same, so do its bits.
    """
    weight = smoothing * (1 - change / MOTION).clamp(min=0)
    return ab + weight * (past - ab)


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
