"""The gAMA chunk of a PNG, which browsers apply and Pillow only reports: levels to those of sRGB."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_USUAL, _CLOSE = 1 / 2.2, 0.01  # what sRGB files say, which browsers leave as they are
_KNOWN = (0.1, 3.0)  # other values are errors


def gamma_table(image: Image.Image, bits: int) -> NDArray[np.uint8 | np.uint16] | None:
    """The sRGB level of each level (2**bits,) of a PNG with a gAMA chunk; None where levels are sRGB's already.

    As the PNG specification has it, a color profile and an sRGB chunk count for more.
    """
    gamma = image.info.get("gamma")
    overruled = image.info.get("icc_profile") is not None or "srgb" in image.info
    if overruled or not isinstance(gamma, float) or not _KNOWN[0] <= gamma <= _KNOWN[1] or abs(gamma - _USUAL) < _CLOSE:
        return None
    white = 2**bits - 1
    linear = (np.arange(white + 1) / white) ** (1 / gamma)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(encoded * white).astype(np.uint16 if bits == 16 else np.uint8)
