"""A sentence and a photo to a picture in color at the photo's own size.

The network sees a small square; only its colors are used. The picture keeps the full-size lightness of the photo and
takes ab from the network, enlarged along the photo's edges, and shrunk in chroma where sRGB has no such color.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from PIL import Image
from torch import Tensor

from lcoins.color import lab
from lcoins.color.words import find_colors
from lcoins.colorize.edges import colors_at, follow_edges
from lcoins.imaging.read import STRIP_PIXELS, photo_lightness, read_scan, strips
from lcoins.models.colorizer import Colorization


class SupportsColorize(Protocol):
    """What any system offers to color a photo: its input size, and network lightness with captions to colors."""

    image_size: int

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization: ...


def used_words(caption: str) -> list[str]:
    """The words of a caption that were understood as colors, in order and as written.

    >>> used_words("A red car before a Gray wall")
    ['red', 'Gray']
    """
    return [color.word for color in find_colors(caption)]


def colorize_photo(
    colorizer: SupportsColorize, image: Image.Image, caption: str, *, device: torch.device | str = "cpu"
) -> Image.Image:
    """The RGB photo in the colors of the caption, at its own size and with its own lightness (to 8-bit rounding).

    ``colorizer`` already lies on ``device``. The full-size work is done in strips of rows, so that a photo of 100
    megapixels needs about 0.5 GB beside the photo and the picture.
    """
    if image.mode != "RGB":
        raise ValueError(
            f"expected an RGB photo, got mode {image.mode!r}; load it with lcoins.imaging.decode.load_photo"
        )
    lightness = photo_lightness(image)
    return paint(colorizer, lightness, network_lightness(colorizer, lightness, device), caption)


def network_lightness(colorizer: SupportsColorize, lightness: Tensor, device: torch.device | str) -> Tensor:
    """Full-size lightness (1, 1, H, W) in 0..100 as the network sees it, on its device."""
    return lab.network_input(lightness, colorizer.image_size).to(device)


def paint(colorizer: SupportsColorize, lightness: Tensor, seen: Tensor, caption: str) -> Image.Image:
    """Full-size lightness (1, 1, H, W) in the colors that the network gives what it has ``seen`` of it."""
    return joined(lightness, paint_strips(colorizer, lightness, seen, caption))


def paint_strips(
    colorizer: SupportsColorize, lightness: Tensor, seen: Tensor, caption: str, strength: float = 1.0
) -> Iterator[Tensor]:
    """The picture of :func:`paint` from top to bottom in strips (R, W, 3), sRGB in [0, 1], for more than 8 bits."""
    slope, offset = network_colors(colorizer, seen, caption)
    return recompose_strips(lightness, offset, slope, strength=strength)


def network_colors(colorizer: SupportsColorize, seen: Tensor, caption: str) -> tuple[Tensor, Tensor]:
    """The network's colors for what it has ``seen``, as slope and offset, (1, 2, S, S) each, on the CPU.

    With them the colors follow the edges of the full-size lightness (:mod:`lcoins.colorize.edges`).
    """
    ab = lab.from_network_ab(colorizer.colorize(seen, [checked_sentence(caption)]).ab.float().cpu())
    if not torch.isfinite(ab).all():
        raise ValueError("the colorizer gave colors that are not finite; try another checkpoint, or --device cpu")
    return follow_edges(lab.from_network_lightness(seen.float().cpu()), ab)


@dataclass(frozen=True)
class PhotoColorizer:
    """A loaded system to call with photos and sentences; :func:`lcoins.load_colorizer` makes one."""

    colorizer: SupportsColorize
    device: torch.device | str = "cpu"

    def __call__(self, photo: Image.Image | Path | str, sentence: str) -> Image.Image:
        """The photo in color, at its own size; a path is loaded upright, whatever its format and mode."""
        if isinstance(photo, Image.Image):
            return colorize_photo(self.colorizer, photo, sentence, device=self.device)
        lightness = read_scan(Path(photo)).lightness
        return paint(self.colorizer, lightness, network_lightness(self.colorizer, lightness, self.device), sentence)


def recompose(
    lightness: Tensor,
    ab: Tensor,
    slope: Tensor | None = None,
    strip_pixels: int = STRIP_PIXELS,
    strength: float = 1.0,
) -> Image.Image:
    """Full-size lightness (1, 1, H, W) and ab (1, 2, h, w) of any size to a picture of W x H; see the strips of it."""
    return joined(lightness, recompose_strips(lightness, ab, slope, strip_pixels, strength))


def recompose_strips(
    lightness: Tensor,
    ab: Tensor,
    slope: Tensor | None = None,
    strip_pixels: int = STRIP_PIXELS,
    strength: float = 1.0,
) -> Iterator[Tensor]:
    """Lightness and ab as for :func:`recompose` to strips (R, W, 3) of the picture, sRGB in [0, 1], from the top.

    With ``slope`` (1, 2, h, w) ab is what :func:`lcoins.colorize.edges.follow_edges` calls the offset. ``strength``
    multiplies the colors before they are brought into the gamut: 0 is the gray photo, 1 the network's own colors.
    Resizing is separable, so rows are widened once and each strip takes its rows of the matrix that resizes columns:
    the same picture as resizing ab whole, without ever holding ab at full size.
    """
    height, width = lightness.shape[-2:]
    if not 0 <= strength < math.inf:
        raise ValueError(f"expected a strength of color of 0 or more, got {strength}")
    small = strength * (ab if slope is None else torch.cat([ab, slope], dim=1))
    wide = lab.resize_ab(small, (ab.shape[-2], width))
    columns = lab.resize_ab(torch.eye(ab.shape[-2])[None, None], (height, ab.shape[-2]))[0, 0]
    for top, bottom in strips(height, width, strip_pixels):
        strip = lightness[:, :, top:bottom]
        mixed = _mix_rows(wide, columns[top:bottom])
        full = mixed if slope is None else colors_at(strip, mixed[:, 2:], mixed[:, :2])
        yield lab.join_lab(strip, lab.fit_gamut(strip, full))[0].permute(1, 2, 0)


def joined(lightness: Tensor, parts: Iterator[Tensor]) -> Image.Image:
    """Strips of a picture of the size of ``lightness`` to an RGB image."""
    picture = Image.new("RGB", (lightness.shape[-1], lightness.shape[-2]))
    top = 0
    for part in parts:
        pixels = (part * 255).round().to(torch.uint8).contiguous().numpy()
        picture.paste(Image.fromarray(pixels), (0, top))
        top += len(pixels)
    return picture


def _mix_rows(ab: Tensor, weights: Tensor) -> Tensor:
    """The (R, h) weights applied to the rows of ab (1, 2, h, W): (1, 2, R, W); touches only rows that count."""
    used = weights.any(dim=0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    return weights[:, first:last] @ ab[:, :, first:last]


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """A size, in either order, made smaller until no side is longer than ``longest``.

    >>> fitted((4000, 3000), 800), fitted((40, 30), 800), fitted((9000, 2), 900)
    ((800, 600), (40, 30), (900, 1))
    """
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def checked_sentence(caption: str) -> str:
    """A sentence with its blanks in order; ValueError for an empty one."""
    if not caption.strip():
        raise ValueError('expected a sentence that names colors, got an empty one; write for example "a red car"')
    return " ".join(caption.split())
