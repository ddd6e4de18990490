"""Opens photos where they are stored: as files in a folder, or decoded in a pack."""

import os
from pathlib import Path

import numpy as np

from lcoins.data.caption_lists import PAIRS_SUFFIX
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pack import Pack, is_pack
from lcoins.imaging.decode import check_photo, load_photo


class PhotoFolder:
    """Photos as files under ``root``, read and checked by the same two methods that a :class:`Pack` has."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"{root}: no such photo folder; give the folder that holds the photos")

    def __contains__(self, photo: str) -> bool:
        return os.path.isfile(self.root / photo)  # never raises, whatever the name holds

    def load(self, photo: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """The photo as writable uint8 (H, W, 3); reduced where that is cheaper, but not below ``size`` (W, H)."""
        return np.array(load_photo(self.root / photo, size, profile=False))

    def check(self, photo: str) -> None:
        """Raises FileNotFoundError or PhotoError for a photo that cannot be loaded."""
        check_photo(self.root / photo)

    def find_similar(self, photo: str) -> str | None:
        """A file that a missing name may mean: with another ending, or outside the sub-folder that the list names."""
        for path in (self.root / photo, self.root / Path(photo).name):
            for ending in (path.suffix, ".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".webp"):
                candidate = path.with_suffix(ending)
                if os.path.isfile(candidate):  # never raises, whatever the name holds
                    return str(candidate.relative_to(self.root))
        return None


def open_photos(root: Path | str) -> PhotoFolder | Pack:
    """Opens ``root``, a folder of photos or a pack that `lcoins data pack` made."""
    return Pack(root) if is_pack(root) else PhotoFolder(root)


def indexed_pairs(captions: Path | str, root: Path | str) -> IndexedPairs | None:
    """The list ``captions`` if it was written into the pack ``root``, which has all its photos; None for any other."""
    if Path(captions).suffix.lower() != PAIRS_SUFFIX or not is_pack(root):
        return None
    pairs, pack = IndexedPairs(captions), Pack(root)
    return pairs if pack.identity and pairs.pack == pack.identity else None
