"""lcoins: language-based image colorization with instance awareness (L-CoIns, CVPR 2023)."""

__version__ = "0.1.0"
