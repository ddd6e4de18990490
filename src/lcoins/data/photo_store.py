"""Where photos lie: in a folder of files, or in a pack of decoded ones."""

import os
from pathlib import Path

import numpy as np

from lcoins.data.pack import Pack, is_pack
from lcoins.imaging.decode import check_photo, load_photo


class PhotoFolder:
    """Photos as files; ``profiles`` honors embedded color profiles. A :class:`Pack` offers the same."""

    def __init__(self, root: Path | str, profiles: bool = False) -> None:
        self.root, self.profiles = Path(root), profiles
        if not self.root.is_dir():
            raise FileNotFoundError(f"{root}: no such photo folder; set data.root to the folder that holds the photos")

    def load(self, photo: str, size: tuple[int, int] | None = None) -> np.ndarray:
        """The photo as writable uint8 (H, W, 3), where that is cheaper at any size not below ``size``."""
        return np.array(load_photo(self.root / photo, size, profile=self.profiles))

    def check(self, photo: str) -> None:
        """Raises FileNotFoundError or PhotoError for a photo that cannot be loaded."""
        check_photo(self.root / photo)

    def find_similar(self, photo: str) -> str | None:
        """A file that may be meant by a missing name: another ending, or not in the sub-folder that the list names."""
        for path in (self.root / photo, self.root / Path(photo).name):
            for ending in (path.suffix, ".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".webp"):
                candidate = path.with_suffix(ending)
                if os.path.isfile(candidate):  # never raises
                    return str(candidate.relative_to(self.root))
        return None


def open_photos(root: Path | str, profiles: bool = False) -> PhotoFolder | Pack:
    """What holds the photos under ``root``: a folder of files or a pack that `lcoins data pack` made."""
    return Pack(root) if is_pack(root) else PhotoFolder(root, profiles)
