"""The word that people would use for the color of a thing in a photo, by a vote of its pixels; none where unsure.

Every pixel has one of the eleven basic terms, by bounds on lightness, hue and chroma; a thing has a word where most of
its pixels agree and no other color that shading could not explain has a fair share. The bounds were chosen on half of
the photos of Flickr8k, COCO and a food set, by what people wrote before the names of things
(docs/results/captions-from-masks.md).
"""

import numpy as np
from numpy.typing import NDArray

from lcoins.color.words import BASIC_COLORS

DARK = 23.0  # L*: a darker pixel without a tint is black
LIGHT = 56.0  # L*: a lighter one is white, for few things in photos are lit in full
# Chroma up to which a pixel has no tint, warm or cool: shade under a blue sky is bluish, and fur is hardly brown.
FAINT_WARM, FAINT_COOL = 6.5, 16.0
FAINT_DARK_WARM, FAINT_DARK_COOL = 4.5, 17.0
WARM = (340.0, 105.0)  # hue, from the first over 0 to the second
# Hues up to which a term reaches, in degrees; beyond the last one it is red again.
_HUES = (36.0, 66.0, 99.0, 190.0, 290.0, 335.0, 350.0)
_TERMS = ("red", "orange", "yellow", "green", "blue", "purple", "pink", "red")
PINK = 59.0  # L*: a lighter red is pink
STRONG, BRIGHT = 39.0, 46.0  # chroma and L*: an orange or a yellow below one of them is brown
STRONG_RED, RED_HUES = 28.0, (20.0, 36.0)  # a red of less chroma, between these hues, is brown
DEEP_BLUE = (45.0, 304.0)  # L* and hue: a darker purple up to that hue is blue, which bends toward purple in CIELAB
CREAM = (72.0, 22.0)  # L* and chroma: lighter and fainter, a warm tint is white

AGREED = 0.62  # share of the pixels that the word needs, with what shading explains
ITSELF = 0.45  # share of those that have it themselves
OTHER = 0.22  # share of another color that makes a thing two-colored
ALL_GRAY = 0.88  # share of gray pixels: people call little gray
HALF = 0.5  # of the gray pixels count for the black or white ones, of the black ones for brown
EROSIONS, KEPT = 2, 0.4  # pixels taken off an outline, unless less than so much of the thing is left

_NUMBER = {term: number for number, term in enumerate(BASIC_COLORS)}
_BLACK, _WHITE, _BROWN, _GRAY = (_NUMBER[term] for term in ("black", "white", "brown", "gray"))
# The colors that light, shade, reflections and dirt give to parts of a thing of one color.
_SHADING = {
    "black": ("gray",),
    "white": ("gray",),
    "gray": ("black", "white"),
    "red": ("brown", "pink", "orange", "black", "gray"),
    "green": ("yellow", "brown", "black", "gray"),
    "yellow": ("orange", "brown", "green", "black", "gray"),
    "blue": ("purple", "black", "gray"),
    "brown": ("black", "orange", "red", "yellow", "gray"),
    "orange": ("red", "brown", "yellow", "black", "gray"),
    "pink": ("red", "purple", "gray"),
    "purple": ("blue", "pink", "black", "gray"),
}
_FOREIGN = np.array(
    [[other != term and other not in _SHADING[term] for other in BASIC_COLORS] for term in BASIC_COLORS]
)


def color_word(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> str | None:
    """The basic term for a thing whose pixels have L* (N,) and ab (2, N); None where it is unsure or two-colored.

    >>> red, gray = np.tile([[62.0], [42.0]], 9), np.zeros((2, 9))
    >>> color_word(np.full(9, 45.0), red), color_word(np.full(9, 90.0), gray)
    ('red', 'white')
    """
    if not lightness.size:
        return None
    votes = np.bincount(terms_of_pixels(lightness, ab), minlength=len(BASIC_COLORS)) / lightness.size
    if votes[_GRAY] > ALL_GRAY:
        return "gray"
    support = votes.copy()
    support[_GRAY] = 0
    support[_BLACK if votes[_BLACK] >= votes[_WHITE] else _WHITE] += HALF * votes[_GRAY]
    support[_BROWN] += HALF * min(votes[_BLACK], votes[_BROWN])
    best = int(support.argmax())
    sure = support[best] >= AGREED and votes[best] >= ITSELF and votes[_FOREIGN[best]].max() <= OTHER
    return BASIC_COLORS[best] if sure else None


def terms_of_pixels(lightness: NDArray[np.float32], ab: NDArray[np.float32]) -> NDArray[np.intp]:
    """The basic term of each pixel of L* (N,) and ab (2, N), by its index in BASIC_COLORS: (N,)."""
    chroma = np.hypot(ab[0], ab[1])
    hue = np.degrees(np.arctan2(ab[1], ab[0])) % 360
    warm = (hue < WARM[1]) | (hue > WARM[0])
    dark = lightness < DARK
    terms = np.array([_NUMBER[term] for term in _TERMS])[np.searchsorted(_HUES, hue, side="right")]
    terms[(terms == _NUMBER["red"]) & (lightness > PINK)] = _NUMBER["pink"]
    earthy = (terms == _NUMBER["orange"]) | (terms == _NUMBER["yellow"])
    dull_red = (terms == _NUMBER["red"]) & (chroma < STRONG_RED) & (hue > RED_HUES[0]) & (hue < RED_HUES[1])
    terms[(earthy & ((chroma < STRONG) | (lightness < BRIGHT))) | dull_red] = _BROWN
    terms[(terms == _NUMBER["purple"]) & (lightness < DEEP_BLUE[0]) & (hue < DEEP_BLUE[1])] = _NUMBER["blue"]
    terms[warm & (lightness > CREAM[0]) & (chroma < CREAM[1])] = _WHITE
    least = np.where(dark, np.where(warm, FAINT_DARK_WARM, FAINT_DARK_COOL), np.where(warm, FAINT_WARM, FAINT_COOL))
    untinted = np.where(dark, _BLACK, np.where(lightness > LIGHT, _WHITE, _GRAY))
    return np.where(chroma < least, untinted, terms)


def inner(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """A mask (H, W) without its edge, where other things show through; a thin thing keeps it."""
    smaller = ~grown(~mask, EROSIONS)
    return smaller if smaller.sum() >= KEPT * mask.sum() else mask


def grown(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """A mask (H, W) with all pixels that are at most so many steps, up, down, left or right, away from it."""
    for _ in range(steps):
        around = np.pad(mask, 1)
        mask = mask | around[:-2, 1:-1] | around[2:, 1:-1] | around[1:-1, :-2] | around[1:-1, 2:]
    return mask
