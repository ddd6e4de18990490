"""Reads photos of 16 bits a channel at their full depth, which Pillow's RGB pictures cannot hold.

Pillow decodes 16-bit color to the upper byte of each channel. Told that the byte order is the other one, it gives the
lower bytes, so that decoding twice gives all 16 bits, through the same decoders and the same checks. pyvips gives them
at once, in two thirds of the time, but would need Pillow beside it (docs/results/pyvips.md).
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from lcoins.imaging.decode import decoded, opened_photo, sixteen_bit_levels
from lcoins.imaging.orientation import upright_turn, upright_view

# Pillow's name for the layout and byte order of a file -> that for the other byte order.
_SWAPPED = {
    f"{channels};16{order}": f"{channels};16{other}"
    for channels in ("RGB", "RGBX", "RGBA", "R", "G", "B", "A")
    for order, other in {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}.items()
}

_ROWS = 64  # processed at once


def is_sixteen_bit(opened: Image.Image) -> bool:
    """Whether an opened photo, not yet decoded, has 16 bits a channel that :func:`sixteen_bit_pixels` can read."""
    tiles = getattr(opened, "tile", [])
    if is_sixteen_bit_gray(opened):
        return True
    if opened.mode not in ("RGB", "RGBA") or not tiles or "transparency" in opened.info:
        return False
    in_planes = getattr(opened, "tag_v2", {}).get(TiffImagePlugin.PLANAR_CONFIGURATION) == 2
    if in_planes and tiles[0].codec_name == "libtiff":  # which unpacks planes itself, in any byte order
        return False
    return all(_byte_order(tile.args) in _SWAPPED for tile in tiles)


def is_sixteen_bit_gray(image: Image.Image) -> bool:
    """Whether a photo, decoded or not, has one channel of more than 8 bits."""
    return image.mode.startswith("I") or image.mode == "F"


def loses_depth(opened: Image.Image) -> bool:
    """Whether an opened photo has 16 bits a channel of which only the upper 8 can be read: CMYK, some transparency."""
    return not is_sixteen_bit(opened) and any(
        ";16" in str(_byte_order(tile.args)) for tile in getattr(opened, "tile", [])
    )


def sixteen_bit_pixels(path: Path, first: Image.Image) -> NDArray[np.uint16]:
    """The upright pixels of a photo that :func:`is_sixteen_bit`: gray (H, W) or color (H, W, 3), 65535 is white.

    Closes ``first``, its first decoding: two decoded copies of a 100-megapixel photo take too much memory.
    Transparency lies on white. Raises what :func:`lcoins.imaging.decode.load_photo` raises.
    """
    turn = upright_turn(first)
    if is_sixteen_bit_gray(first):
        levels = sixteen_bit_levels(first)
        first.close()
        return upright_view(levels, turn)
    levels = np.zeros((first.height, first.width, len(first.getbands())), dtype=np.uint16)
    _add_bytes(levels, first, 8)
    with opened_photo(path) as opened:
        opened.tile = [tile._replace(args=_swapped(tile.args)) for tile in opened.tile]  # type: ignore[attr-defined]
        _add_bytes(levels, decoded(opened, path), 0)
    return upright_view(_on_white(levels), turn)


def _add_bytes(levels: NDArray[np.uint16], image: Image.Image, shift: int) -> None:
    """Adds the bytes of an image, shifted left by ``shift`` bits, to the levels, and closes the image."""
    for top in range(0, image.height, _ROWS):
        rows = np.asarray(image.crop((0, top, image.width, min(top + _ROWS, image.height))))
        levels[top : top + _ROWS] |= rows.astype(np.uint16) << shift
    image.close()


def _on_white(levels: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Levels (H, W, 3), or (H, W, 4) with opacity, as (H, W, 3) on white; changes ``levels``."""
    colors = levels[..., :3]
    for top in range(0, len(levels), _ROWS) if levels.shape[-1] == 4 else ():
        opacity = levels[top : top + _ROWS, :, 3:] / np.float32(65535)
        rows = colors[top : top + _ROWS]
        rows[...] = np.rint(65535 - (65535 - rows.astype(np.float32)) * opacity)
    return colors


def _byte_order(arguments: Any) -> Any:
    """Pillow's name for layout and byte order, among a decoder's arguments."""
    return arguments[0] if isinstance(arguments, tuple) and arguments else arguments


def _swapped(arguments: Any) -> Any:
    order = _SWAPPED[_byte_order(arguments)]
    return (order, *arguments[1:]) if isinstance(arguments, tuple) else order
