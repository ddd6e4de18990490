"""lcoins: language-based image colorization with instance awareness (L-CoIns, CVPR 2023)."""

from importlib import import_module
from typing import Any

__version__ = "1.0.0rc1"


def __getattr__(name: str) -> Any:
    """Imports ``lcoins.load_colorizer`` when it is first used, so that ``import lcoins`` loads no torch."""
    if name == "load_colorizer":
        return import_module("lcoins.colorize.export").load_photo_colorizer
    raise AttributeError(f"module 'lcoins' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What a notebook offers at a press of Tab: what this module is for, not what it imports."""
    return ["__doc__", "__version__", "load_colorizer"]
