"""Photos of 16 bits a channel at their full depth, which Pillow's own RGB pictures cannot hold.

Pillow decodes 16-bit colour to the upper byte of each channel. Told that the bytes lie the other way round, it gives
the lower ones, so that decoding twice gives all 16 bits, through the same decoders and the same checks.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from lcoins.data.decode import decoded, deep_levels, opened_photo
from lcoins.data.upright import Turn, turn_of, upright_rows

# Pillow's name for the order of bytes in a file -> the name that exchanges the two bytes of each channel.
_EXCHANGED = {
    f"{channels};16{order}": f"{channels};16{other}"
    for channels in ("RGB", "RGBX", "RGBA", "R", "G", "B", "A")
    for order, other in {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}.items()
}


@dataclass(frozen=True)
class DeepPixels:
    """Pixels of 16 bits: grey of mode I;16, I or F, or colour as the upper and lower byte of each channel."""

    turn: Turn
    upper: Image.Image
    lower: Image.Image | None = None

    def rows(self, top: int, bottom: int) -> NDArray[np.uint16]:
        """Upright rows as levels 0..65535: (R, W) of grey, (R, W, 3) of colour; transparency lies on white."""
        upper = upright_rows(self.upper, self.turn, top, bottom)
        if self.lower is None:
            return deep_levels(upper)
        lower = upright_rows(self.lower, self.turn, top, bottom)
        levels = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
        if levels.shape[-1] == 3:
            return levels
        opacity = levels[..., 3:] / np.float32(65535)
        return np.rint(65535 - (65535 - levels[..., :3].astype(np.float32)) * opacity).astype(np.uint16)


def is_deep(opened: Image.Image) -> bool:
    """Whether an opened photo, not decoded yet, has 16 bits a channel that :func:`deep_pixels` can read."""
    tiles = getattr(opened, "tile", [])
    if is_deep_grey(opened):
        return True
    if opened.mode not in ("RGB", "RGBA") or not tiles or "transparency" in opened.info:
        return False
    in_planes = getattr(opened, "tag_v2", {}).get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    if in_planes and tiles[0].codec_name == "libtiff":  # which has its own way to unpack them
        return False
    return all(_byte_order(tile.args) in _EXCHANGED for tile in tiles)


def is_deep_grey(image: Image.Image) -> bool:
    """Whether a photo, decoded or not, is of one channel of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def loses_depth(opened: Image.Image) -> bool:
    """Whether an opened photo has 16 bits a channel of which only the upper 8 can be read: CMYK, some transparency."""
    return not is_deep(opened) and any(";16" in str(_byte_order(tile.args)) for tile in getattr(opened, "tile", []))


def deep_pixels(path: Path, first: Image.Image) -> DeepPixels:
    """The pixels of a photo that :func:`is_deep`, whose first decoding is ``first``.

    Raises what :func:`lcoins.data.decode.load_photo` raises.
    """
    if is_deep_grey(first):
        return DeepPixels(turn_of(first), first)
    with opened_photo(path) as opened:
        opened.tile = [tile._replace(args=_exchanged(tile.args)) for tile in opened.tile]  # type: ignore[attr-defined]
        return DeepPixels(turn_of(first), first, decoded(opened, path))


def _byte_order(arguments: Any) -> Any:
    """Pillow's name for the order of bytes among a decoder's arguments."""
    return arguments[0] if isinstance(arguments, tuple) and arguments else arguments


def _exchanged(arguments: Any) -> Any:
    order = _EXCHANGED[_byte_order(arguments)]
    return (order, *arguments[1:]) if isinstance(arguments, tuple) else order
