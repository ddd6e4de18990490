"""The pictures of a study: from folders, or colored here; all of one image in one size, format and kind of name."""

import hashlib
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol as Interface

import torch
from PIL import Image

from lcoins.color.lab import split_lab
from lcoins.colorize.photo import PhotoColorizer, fitted, load_system, recompose, weights_here
from lcoins.files import open_whole, sha256_of
from lcoins.imaging.decode import PHOTO_SUFFIXES, load_photo, to_tensor
from lcoins.models.checkpoint import INDEX, weights_digest
from lcoins.study.protocol import TRUTH, Entry, Picture

MARK = "_colorized"  # what `lcoins colorize` adds to a name; in a folder it keeps suffixes that it does not write
MAX_STRETCH = 0.02  # by which the shape of a system's picture may differ from that of the others
MIN_SWAPPED_CHROMA = 25.0  # of a color-swapped picture on average: nobody may take it for real
SWAPS = (math.pi, math.pi / 2, -math.pi / 2, 3 * math.pi / 4, -3 * math.pi / 4)  # turns of hue


class Source(Interface):
    """Gives the picture of a photo under a caption, and says where it comes from."""

    entry: Entry
    colors_here: bool  # whether it can take any caption

    def has(self, photo: str) -> bool: ...

    def picture(self, photo: str, caption: str) -> tuple[Image.Image, str, str]: ...


@dataclass
class FolderSource:
    """Finished pictures in a folder: ``a/b.png``, ``a/b.bmp.png`` or these with MARK for the photo ``a/b.bmp``."""

    entry: Entry
    folder: Path
    colors_here: bool = False

    def __post_init__(self) -> None:
        self.files: dict[str, Path] = {}
        for path in sorted(self.folder.rglob("*")):
            if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
                name = path.relative_to(self.folder).with_suffix("").as_posix()
                if name in self.files:
                    raise ValueError(f"{path} and {self.files[name]} are pictures of one name; remove one of them")
                self.files[name] = path
        if not self.files:
            raise ValueError(
                f"{self.folder} holds no picture, and is no package or run; give a folder of pictures, a package of "
                f"`lcoins export`, a finished run, a best.ckpt, or builtin"
            )

    def _found(self, photo: str) -> Path | None:
        path = PurePosixPath(photo)
        names = [name + mark for name in (path.as_posix(), path.with_suffix("").as_posix()) for mark in ("", MARK)]
        return next((self.files[name] for name in names if name in self.files), None)

    def has(self, photo: str) -> bool:
        return self._found(photo) is not None

    def path(self, photo: str) -> Path:
        """The picture's file; raises FileNotFoundError where there is none."""
        path = self._found(photo)
        if path is None:
            raise FileNotFoundError(f"{self.folder} has no picture of {photo}; add it, or take the photo off the list")
        return path

    def picture(self, photo: str, caption: str) -> tuple[Image.Image, str, str]:
        path = self.path(photo)
        return load_photo(path), str(path), sha256_of(path)


@dataclass
class TrainedSource:
    """Colors the photos here, with a package, a checkpoint or the best checkpoint of a run.

    As `lcoins colorize` does, with focused color words: people judge what a person would get of the system.
    """

    entry: Entry
    photos: FolderSource
    colorizer: PhotoColorizer
    colors_here: bool = True

    def has(self, photo: str) -> bool:
        return self.photos.has(photo)

    def picture(self, photo: str, caption: str) -> tuple[Image.Image, str, str]:
        path = self.photos.path(photo)
        return self.colorizer(path, caption), str(path), sha256_of(path)


def open_source(name: str, source: str, photos: FolderSource | None) -> Source:
    """The source named on the command line: a folder of pictures, a package, also on the hub, a run, or a checkpoint.

    "builtin" is the package in lcoins.
    """
    path = weights_here(None if source == "builtin" else source)
    best = path / "checkpoints" / "best.ckpt"
    if not path.exists():
        raise FileNotFoundError(
            f"{name}={source}: no such folder or file; give a folder of pictures, a package, a run, or builtin"
        )
    weights = best if best.is_file() else path if path.is_file() or (path / INDEX).is_file() else None
    if weights is None:
        if held := sorted(path.rglob("*.ckpt")):
            raise ValueError(
                f"{name}={source} is no finished run, but holds {held[0]}; name that file, or the folder of one "
                f"finished run, which has checkpoints/best.ckpt"
            )
        return FolderSource(Entry(name, "folder", str(path)), path)
    if photos is None:
        raise ValueError(f"{name}={source} colors photos, but there are none; give their folder with --photos")
    kind = "run" if weights is best else "package" if weights.is_dir() else "checkpoint"
    return TrainedSource(
        Entry(name, kind, source, weights_digest(weights)), photos, PhotoColorizer(load_system(weights))
    )


def photo_source(folder: Path) -> FolderSource:
    """The real photos."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder of photos; check --photos")
    return FolderSource(Entry(TRUTH, "photos", str(folder)), folder)


def store_image_set(
    image: str, drawn: Mapping[str, tuple[Image.Image, str, str]], folder: Path, size: int
) -> list[Picture]:
    """Writes the pictures of one image alike, and tells of them in the order given.

    All get the size of the smallest, so that none is enlarged, and at most ``size`` pixels on the longer side. Raises
    ValueError if their shapes differ by more than MAX_STRETCH.
    """
    sizes = {name: picture.size for name, (picture, _, _) in drawn.items()}
    width, height = min(sizes.values(), key=lambda shape: shape[0] * shape[1])
    for name, (own_width, own_height) in sizes.items():
        if abs(own_width / own_height / (width / height) - 1) > MAX_STRETCH:
            raise ValueError(
                f"{image}: the picture of {name} has {own_width}x{own_height} pixels, another one {width}x{height}, "
                f"so its shape betrays it; give pictures in the shape of the photo"
            )
    shape = fitted((width, height), size)
    return [
        store_picture(
            picture.resize(shape, Image.Resampling.LANCZOS) if picture.size != shape else picture,
            folder,
            image=image,
            entry=name,
            source=source,
            source_sha256=digest,
        )
        for name, (picture, source, digest) in drawn.items()
    ]


def store_picture(picture: Image.Image, folder: Path, **told: str) -> Picture:
    """Writes a JPEG of quality 95 with full color resolution and without metadata, named by its content."""
    digest, file = store_bytes(_jpeg(picture), folder, ".jpg")
    return Picture(file=file, sha256=digest, **told)


def store_bytes(content: bytes, folder: Path, suffix: str) -> tuple[str, str]:
    """Writes a file whole under the first 24 digits of its SHA-256; gives the SHA-256 and the name."""
    digest = hashlib.sha256(content).hexdigest()
    name = f"{digest[:24]}{suffix}"
    with open_whole(folder / name) as file:
        file.write(content)
    return digest, name


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def mean_chroma(picture: Image.Image) -> float:
    """The mean chroma of a picture in CIELAB units, from a small copy."""
    small = picture.copy()
    small.thumbnail((96, 96))
    return float(split_lab(to_tensor(small)[None])[1].norm(dim=1).mean())


def spoiled(picture: Image.Image, count: int) -> list[Image.Image]:
    """``count`` pictures that nobody should take for the real one: color-swapped ones, and from the second on gray."""
    turns: Sequence[float | None] = (SWAPS[0], None, *SWAPS[1:])
    if not 0 <= count <= len(turns):
        raise ValueError(f"expected at most {len(turns)} spoiled pictures, got {count}; compare fewer systems")
    return [grayed(picture) if turn is None else hue_turned(picture, turn) for turn in turns[:count]]


def grayed(picture: Image.Image) -> Image.Image:
    """The picture without its colors, at its own lightness."""
    return _recolored(picture, torch.zeros_like)


def hue_turned(picture: Image.Image, angle: float) -> Image.Image:
    """The picture with all hues turned by ``angle`` radians, at its own lightness, and not too pale."""

    def turned(ab: torch.Tensor) -> torch.Tensor:
        gain = max(1.0, MIN_SWAPPED_CHROMA / max(1.0, float(ab.norm(dim=1).mean())))
        a, b = ab[:, :1] * gain, ab[:, 1:] * gain
        cosine, sine = math.cos(angle), math.sin(angle)
        return torch.cat([cosine * a - sine * b, sine * a + cosine * b], dim=1)

    return _recolored(picture, turned)


def _recolored(picture: Image.Image, change: Callable[[torch.Tensor], torch.Tensor]) -> Image.Image:
    lightness, ab = split_lab(to_tensor(picture)[None])
    return recompose(lightness, change(ab))


def available(photos: Iterable[str], sources: Sequence[Source]) -> tuple[list[str], dict[str, int]]:
    """The photos of which every source has a picture, and how many each source lacks."""
    named = list(photos)
    lacking = {source.entry.name: sum(not source.has(photo) for photo in named) for source in sources}
    return [photo for photo in named if all(source.has(photo) for source in sources)], lacking
