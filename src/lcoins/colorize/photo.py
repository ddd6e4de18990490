"""A sentence and a photo to a picture in color at the photo's own size, in stages:

read (:mod:`lcoins.imaging.read`), shrink for the network, ask it for colors, recompose, write
(:mod:`lcoins.imaging.write`). The network sees a small square, and only its colors are used: the picture keeps the
full-size lightness of the photo and takes ab from the network, enlarged along the photo's edges, with less chroma where
sRGB has no such color.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lcoins.color import lab
from lcoins.color.edges import colors_at, follow_edges
from lcoins.color.reading import read_sentence
from lcoins.colorize.hub import fetch_package, is_on_hub
from lcoins.imaging.read import STRIP_PIXELS, photo_lightness, read_gray_photo, strips
from lcoins.imaging.write import strips_to_image
from lcoins.models.checkpoint import builtin_package, load_trained
from lcoins.models.colorizer import ColorizationSystem
from lcoins.models.grounded import GroundedColorizer, for_photos

NO_COLOR = torch.zeros(1, 2, 1, 1)  # ab of a photo that stays gray
LONGEST_SENTENCE = 10_000  # characters; published captions have up to 2,000


def recognized_color_words(caption: str) -> list[str]:
    """The words and phrases of a caption that are understood as colors, in order and as written.

    >>> recognized_color_words("A dark-red car before a Gray wall, not blue")
    ['dark-red', 'Gray']
    """
    return [phrase.word for phrase in read_sentence(caption).colors]


def colorize_photo(
    colorizer: ColorizationSystem, image: Image.Image, caption: str, *, device: torch.device | str = "cpu"
) -> Image.Image:
    """The RGB photo in the colors of the caption, at its own size and with its own lightness (to 8-bit rounding).

    ``colorizer`` already lies on ``device``. Full-size work is done in strips of rows: a photo of 100 megapixels takes
    about 0.5 GB beside the photo and the picture.
    """
    if image.mode != "RGB":
        raise ValueError(
            f"expected an RGB photo, got mode {image.mode!r}; load it with lcoins.imaging.decode.load_photo"
        )
    return _painted(colorizer, photo_lightness(image), caption, device)


def lightness_for_network(colorizer: ColorizationSystem, lightness: Tensor, device: torch.device | str) -> Tensor:
    """Full-size lightness (1, 1, H, W) in 0..100 to network lightness (1, 1, S, S), on the network's device."""
    return lab.network_input(lightness, colorizer.image_size).to(device)


def network_ab(colorizer: ColorizationSystem, network_lightness: Tensor, caption: str) -> Tensor:
    """The network's colors for its lightness (1, 1, S, S): ab (1, 2, S, S) in CIELAB units, on the CPU.

    The network reads the caption as :meth:`lcoins.color.reading.Reading.for_model` writes it; a system with grounding
    sees to that itself. ValueError where a color is not finite.
    """
    read = caption if isinstance(colorizer, GroundedColorizer) else read_sentence(caption).for_model()
    ab = lab.from_network_ab(colorizer.colorize(network_lightness, [read]).ab.float().cpu())
    if not torch.isfinite(ab).all():
        raise ValueError("the colorizer gave colors that are not finite; try another checkpoint, or --device cpu")
    return ab


def along_edges(network_lightness: Tensor, ab: Tensor) -> tuple[Tensor, Tensor]:
    """Colors (1, 2, S, S) of :func:`network_ab` as slope and offset over its lightness, (1, 2, S, S) each, on the CPU.

    With them the colors follow the edges of the full-size lightness (:mod:`lcoins.color.edges`).
    """
    return follow_edges(lab.from_network_lightness(network_lightness.float().cpu()), ab)


def weights_here(source: Path | str | None) -> Path:
    """Where the weights that ``source`` names lie on this machine: a package's folder, or a checkpoint.

    ``hf://owner/name`` is a package on the Hugging Face Hub, fetched if need be (:mod:`lcoins.colorize.hub`), and None
    the one in lcoins.
    """
    if source and is_on_hub(source):
        return fetch_package(source)
    return Path(source) if source else builtin_package()


def load_system(source: Path | str | None, device: torch.device | str = "cpu") -> ColorizationSystem:
    """A package or checkpoint, or the weights in lcoins, for photos: colors go where what they speak of is found.

    ``source`` is one of :func:`weights_here`. See :mod:`lcoins.models.grounded`, and :mod:`lcoins.models.focus` for
    systems without grounding. The paper's protocol measures a system without either.
    """
    return for_photos(load_trained(weights_here(source), device)[0])


@dataclass(frozen=True)
class PhotoColorizer:
    """A loaded system to call with photos and sentences; :func:`lcoins.load_colorizer` makes one."""

    colorizer: ColorizationSystem
    device: torch.device | str = "cpu"

    def __call__(self, photo: Image.Image | Path | str, sentence: str) -> Image.Image:
        """The photo in color, at its own size; a path is loaded upright, whatever its format and mode."""
        if isinstance(photo, Image.Image):
            return colorize_photo(self.colorizer, photo, sentence, device=self.device)
        return _painted(self.colorizer, read_gray_photo(Path(photo)).lightness, sentence, self.device)


def _painted(colorizer: ColorizationSystem, lightness: Tensor, caption: str, device: torch.device | str) -> Image.Image:
    """Full-size lightness (1, 1, H, W) in the colors of the caption."""
    network_lightness = lightness_for_network(colorizer, lightness, device)
    slope, offset = along_edges(network_lightness, network_ab(colorizer, network_lightness, checked_sentence(caption)))
    return recompose(lightness, offset, slope)


def recompose(
    lightness: Tensor,
    ab: Tensor,
    slope: Tensor | None = None,
    strip_pixels: int = STRIP_PIXELS,
    strength: float = 1.0,
) -> Image.Image:
    """The picture of :func:`recompose_strips` as an RGB image of W x H."""
    size = (lightness.shape[-1], lightness.shape[-2])
    return strips_to_image(size, recompose_strips(lightness, ab, slope, strip_pixels, strength))


def recompose_strips(
    lightness: Tensor,
    ab: Tensor,
    slope: Tensor | None = None,
    strip_pixels: int = STRIP_PIXELS,
    strength: float = 1.0,
) -> Iterator[Tensor]:
    """Full-size lightness and colors of any size to the picture, in strips (R, W, 3) of sRGB in [0, 1], from the top.

    Resizing is separable, so rows are widened once and each strip takes its rows of the matrix that resizes columns:
    the same picture as resizing ab whole, without ever holding ab at full size.

    Args:
        lightness: (1, 1, H, W) in 0..100.
        ab: (1, 2, h, w) in CIELAB units; with ``slope`` the offset of :func:`lcoins.color.edges.follow_edges`.
        slope: (1, 2, h, w), or None to take ab as it is.
        strip_pixels: the most pixels of a strip.
        strength: factor of the colors before they are fitted into the gamut: 0 gives the gray photo, 1 the network's
            own colors.
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


def _mix_rows(ab: Tensor, weights: Tensor) -> Tensor:
    """The (R, h) weights applied to the rows of ab (1, 2, h, W): (1, 2, R, W); rows without weight are skipped."""
    used = weights.any(dim=0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    return weights[:, first:last] @ ab[:, :, first:last]


def fitted(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """A size, in either order, scaled down so that no side is longer than ``longest``.

    >>> fitted((4000, 3000), 800), fitted((40, 30), 800), fitted((9000, 2), 900)
    ((800, 600), (40, 30), (900, 1))
    """
    scale = min(1.0, longest / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def checked_sentence(caption: str) -> str:
    """A sentence with single spaces between its words; ValueError for an empty, broken or endless one."""
    if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in caption):
        raise ValueError(f"the sentence {caption[:40]!r} is no text in UTF-8; write it again, in a terminal of UTF-8")
    if len(caption) > LONGEST_SENTENCE:
        raise ValueError(
            f"expected a sentence of at most {LONGEST_SENTENCE:,} characters, got {len(caption):,}; name the colors "
            f"of the things in it"
        )
    if not caption.strip():
        raise ValueError('expected a sentence that names colors, got an empty one; write for example "a red car"')
    return " ".join(caption.split())
