"""The evaluation protocol of the paper, and two measures that it lacks: do the colors obey the words?

Pictures enter as the protocol makes them: prediction and reference both go from (original lightness, ab) to sRGB, are
clipped, multiplied by 255 and truncated (:func:`to_uint8`), so that a perfect ab is a perfect picture. Everything is
computed per picture; averages are the caller's.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from lcoins.color.words import BASIC_COLORS, COLOR_CLASS, COLOR_LAB, find_colors

SAME_AB = 1.0  # CIELAB units: two words whose ab differ by less name one color on the ab plane
MIN_WORD_DISTANCE = 15.0  # ab units between old and new word below which a recoloring says nothing
REGION_SHARE = 0.1  # share of the pixels that "listened" to the new word
MIN_MOVE = 0.1  # ab units of mean movement below which a picture did not react at all

Lab = tuple[float, float, float]


def to_uint8(rgb: Tensor) -> Tensor:
    """sRGB in [0, 1] to uint8 as the authors do it: clip, times 255, truncate (not round).

    >>> to_uint8(torch.tensor([-0.1, 0.5, 0.999, 1.2]))
    tensor([  0, 127, 254, 255], dtype=torch.uint8)
    """
    return (rgb.clamp(0, 1) * 255).to(torch.uint8)


def psnr(prediction: Tensor, reference: Tensor) -> Tensor:
    """PSNR in dB of each picture, uint8 (B, 3, H, W) -> float64 (B,); infinite where the two are equal.

    Peak 255, mean squared error over all pixels and the three channels of one picture, never pooled over pictures.
    """
    _expect_pictures(prediction, reference)
    error = (prediction.double() - reference.double()).square().mean(dim=(1, 2, 3))
    return 10 * torch.log10(255.0**2 / error)


def ssim(prediction: Tensor, reference: Tensor) -> Tensor:
    """SSIM of each picture by scikit-image, uint8 (B, 3, H, W) -> float64 (B,), at most 1.

    The paper's settings: uniform 7x7 window, sample covariance, range 255, mean of the three RGB channels.
    """
    from skimage.metrics import structural_similarity  # slow to import, and `lcoins colorize` has no use for it

    _expect_pictures(prediction, reference)
    pairs = zip(*(pictures.permute(0, 2, 3, 1).cpu().numpy() for pictures in (prediction, reference)), strict=True)
    return torch.tensor([structural_similarity(p, r, channel_axis=-1, data_range=255) for p, r in pairs]).double()


def colorfulness(pictures: Tensor, *, signed: bool = False) -> Tensor:
    """Hasler-Suesstrunk colorfulness of each picture, uint8 (B, 3, H, W) -> float64 (B,); 0 for gray.

    ``sqrt(var rg + var yb) + 0.3 sqrt(mean(rg)^2 + mean(yb)^2)`` on the opponents rg = R - G, yb = (R + G) / 2 - B.
    The default takes their absolute values, as all compared repositories do; ``signed`` is the 2003 paper's formula.
    """
    red, green, blue = pictures.double().unbind(dim=1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], dim=1)
    if not signed:
        opponents = opponents.abs()
    spread = opponents.var(dim=(2, 3), correction=0).sum(dim=1).sqrt()
    return spread + 0.3 * opponents.mean(dim=(2, 3)).norm(dim=1)


def _expect_pictures(prediction: Tensor, reference: Tensor) -> None:
    for name, pictures in (("prediction", prediction), ("reference", reference)):
        if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
            raise ValueError(
                f"{name}: expected uint8 pictures (B, 3, H, W), got {pictures.dtype} {tuple(pictures.shape)}; "
                "quantize sRGB with to_uint8 first"
            )
    if prediction.shape != reference.shape:
        raise ValueError(f"prediction {tuple(prediction.shape)} and reference {tuple(reference.shape)} differ in shape")


@dataclass(frozen=True)
class ColorWords:
    """What :func:`name_colors` found, per instance: the word asked for, the color seen, whether they agree."""

    asked: list[str]
    seen: list[str]
    correct: list[bool]

    @property
    def confusion(self) -> Counter[tuple[str, str]]:
        """How often each word was seen as which color."""
        return Counter(zip(self.asked, self.seen, strict=True))

    @property
    def swapped(self) -> list[bool]:
        """Instances that wear the color asked for another instance of the same picture: color on the wrong thing."""
        return [not right and name in self.asked for name, right in zip(self.seen, self.correct, strict=True)]


def distinct_colors(palette: Mapping[str, Lab]) -> dict[str, str]:
    """Word -> the first word of the palette with the same ab: black, gray and white are one color on the ab plane."""
    first: dict[str, str] = {}
    for word, (_, a, b) in palette.items():
        same = (f for f in dict.fromkeys(first.values()) if math.dist(palette[f][1:], (a, b)) < SAME_AB)
        first[word] = next(same, word)
    return first


def chance_level(palette: Mapping[str, Lab]) -> float:
    """Accuracy of guessing uniformly among the colors that ab can tell apart: 1 / len(palette) if all differ."""
    return 1 / len(set(distinct_colors(palette).values()))


def mean_ab(ab: Tensor, masks: Tensor) -> Tensor:
    """Mean ab inside each mask: ab (2, H, W) in CIELAB units, masks (K, H, W) bool -> (K, 2)."""
    weights = masks.to(ab).flatten(1)
    area = weights.sum(dim=1, keepdim=True)
    if not bool((area > 0).all()):
        raise ValueError("an instance mask is empty; leave instances without a visible pixel out of the picture")
    return weights @ ab.flatten(1).T / area


def name_colors(means: Tensor, words: Sequence[str], palette: Mapping[str, Lab]) -> ColorWords:
    """Compares the color word of each instance with the palette word nearest to its mean ab (K, 2).

    Nearest on the ab plane only: lightness is the photo's own, so it must not decide. Words with the same ab count as
    one color (see :func:`distinct_colors`).
    """
    unknown = sorted(set(words) - set(palette))
    if unknown:
        raise ValueError(f"colors {unknown} are not in the palette {sorted(palette)}; add their CIELAB values")
    same = distinct_colors(palette)
    names = list(dict.fromkeys(same.values()))
    anchors = torch.tensor([palette[name][1:] for name in names], dtype=torch.float64)
    nearest = torch.cdist(means.double().cpu(), anchors).argmin(dim=1).tolist()
    asked, seen = [same[word] for word in words], [names[place] for place in nearest]
    return ColorWords(asked, seen, [word == name for word, name in zip(asked, seen, strict=True)])


@dataclass(frozen=True)
class Recoloring:
    """How one picture moved when its one color word was exchanged; see :func:`recoloring`."""

    shift: float
    towards: float
    control: float
    nearer: bool
    hit: bool
    hit_chance: float


def exchanged_word(caption: str, recolored: str, choices: Iterable[str] = BASIC_COLORS) -> tuple[str, str] | None:
    """(old, new) color class of a caption with exactly one color word, or None if there is nothing to measure.

    Nothing to measure: no or several color words, a new word that is not of ``choices``, or classes whose ab differ by
    less than 15 units (white and black).

    >>> exchanged_word("a red bus", "a blue bus"), exchanged_word("a black cat", "a white cat")
    (('red', 'blue'), None)
    """
    before, after = find_colors(caption), find_colors(recolored)
    if len(before) != 1 or len(after) != 1:
        return None
    old, new = before[0].color, after[0].color
    return (old, new) if new in _substitutes(old, choices) else None


def recoloring(before: Tensor, after: Tensor, old: str, new: str, choices: Iterable[str] = BASIC_COLORS) -> Recoloring:
    """Measures whether ``after`` (2, H, W) moved from the color ``old`` to ``new``, against ``before``; CIELAB units.

    With d = after - before per pixel and R the 10 % of the pixels with the largest |d| (the region that listened; it
    is chosen by the length of d, never by its direction), u(w) the unit vector from the ab of ``old`` to that of w:

    - ``shift`` = mean |d| over all pixels, >= 0. Reaction of any kind; says nothing about obedience.
    - ``towards`` = mean over R of d . u(new), any sign; a full change of color gives |ab(new) - ab(old)|.
    - ``control`` = the same movement against the other words that could have been drawn: the mean of d . u(w) over
      the words w of ``choices`` other than ``new`` at least 15 units from ``old``. **towards - control has
      expectation 0 for every model whose movement does not depend on which new word was drawn**, be it no movement,
      random movement, loss of color, or a favorite color, provided that the new word is drawn uniformly from
      ``choices``. ``towards`` alone is not safe: captions say "white" more often than chance, so that mere gain of
      a favorite color scores above 0.
    - ``nearer``: the mean ab of R is nearer to ab(new) than it was. At most 1/2 of random movements, never without any.
    - ``hit``: among the choices, ``new`` is the word whose u(w) has the smallest angle to the mean movement of R;
      words of one ab count together. ``hit_chance`` = the share of the choices that have the guessed ab, which is the
      expected hit of a model that makes the same guess without reading the new word. No movement, no guess: both 0.
    """
    origin = torch.tensor(COLOR_LAB[old][1:], dtype=torch.float64)
    words = _substitutes(old, choices)
    if new not in words or len(words) < 2:
        raise ValueError(f"{new!r} is no possible substitute of {old!r} among {words}; skip it, see exchanged_word")
    colors = torch.tensor([COLOR_LAB[word][1:] for word in words], dtype=torch.float64)
    directions = normalize(colors - origin, dim=1)

    start, move = before.double().flatten(1).cpu(), (after.double() - before.double()).flatten(1).cpu()
    length = move.norm(dim=0)
    region = length.topk(max(1, round(REGION_SHARE * length.numel()))).indices
    start_mean, move_mean = start[:, region].mean(dim=1), move[:, region].mean(dim=1)
    along = directions @ move_mean
    place = words.index(new)
    others = torch.arange(len(words)) != place
    guessed = torch.zeros(len(words), dtype=torch.bool)
    if float(move_mean.norm()) >= MIN_MOVE:
        guessed = (colors - colors[along.argmax()]).norm(dim=1) < SAME_AB
    return Recoloring(
        shift=float(length.mean()),
        towards=float(along[place]),
        control=float(along[others].mean()),
        nearer=bool((start_mean + move_mean - colors[place]).norm() < (start_mean - colors[place]).norm()),
        hit=bool(guessed[place]),
        hit_chance=float(guessed.double().mean()),
    )


def _substitutes(old: str, choices: Iterable[str]) -> list[str]:
    """The color classes of ``choices`` that are far enough from ``old`` on the ab plane."""
    classes = dict.fromkeys(COLOR_CLASS[choice] for choice in choices)
    return [word for word in classes if math.dist(COLOR_LAB[old][1:], COLOR_LAB[word][1:]) >= MIN_WORD_DISTANCE]
