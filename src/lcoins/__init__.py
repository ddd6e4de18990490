"""lcoins: language-based image colorization with instance awareness (L-CoIns, CVPR 2023)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lcoins.colorize import PhotoColorizer

__version__ = "0.1.0"


def load_colorizer(path: Any, device: str = "cpu") -> "PhotoColorizer":
    """What colours photos: a package of ``lcoins export``, or a run's ``best.ckpt``, ready to be called.

    The result takes a photo (a path, or an RGB picture of Pillow) and a sentence, and gives the picture in colour at
    the photo's own size. Errors (FileNotFoundError, ValueError) say what was expected and what to do. torch is loaded
    here and not before, so that ``import lcoins`` is quick.

    >>> colorizer = load_colorizer("old_photos")  # doctest: +SKIP
    >>> colorizer("grandmother.jpg", "a woman in a red coat").save("grandmother_colour.jpg")  # doctest: +SKIP
    """
    from lcoins.colorize import PhotoColorizer
    from lcoins.package import load_any

    return PhotoColorizer(load_any(path, device)[0], device)
