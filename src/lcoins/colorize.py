"""A sentence and a photo, or a folder of photos, to pictures in colour at the photo's own size.

The network sees a small square; only its colours are used. The picture keeps the full-size lightness of the photo and
takes ab from the network, enlarged, and shrunk in chroma where sRGB has no such colour.
"""

import math
import struct
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from lcoins import lab
from lcoins.captions import find_colours
from lcoins.data.decode import FORMATS, load_photo
from lcoins.files import whole_file
from lcoins.listening import unheard_words
from lcoins.models.colorization import Colorization

STRIP_PIXELS = 2**18  # of a full-size photo in work at once: the strip's tensors stay near the processor's cache

# Files of a folder that count as photos: every suffix of a format that load_photo reads.
PHOTO_SUFFIXES = frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS)

# Output suffix -> (format, how to save it, most pixels a side).
_WRITTEN: dict[str, tuple[str, dict[str, Any], float]] = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif"), ("JPEG", {"quality": 95, "subsampling": 0}, 65_500)),
    ".png": ("PNG", {}, math.inf),
    **dict.fromkeys((".tif", ".tiff"), ("TIFF", {}, math.inf)),  # compressed, Pillow could not write camera and place
    ".webp": ("WEBP", {"quality": 95}, 16_383),
}

_KEPT_TAGS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
_DROPPED_CAMERA_TAGS = (ExifTags.Base.MakerNote, ExifTags.IFD.Interop)
_DAMAGED = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, OSError, SyntaxError, struct.error)
_LONGEST_EXIF = 65_000  # bytes; a JPEG segment holds 65,533


class Colorizer(Protocol):
    """What any system offers to colour a photo: its input size, and network lightness with captions to colours."""

    image_size: int

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization: ...


@dataclass
class Colorized:
    """What a run did: pictures written, outputs already there, photos that failed and why, remarks for the user."""

    written: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


def used_words(caption: str) -> list[str]:
    """The words of a caption that were understood as colours, in order and as written.

    >>> used_words("A red car before a Grey wall")
    ['red', 'Grey']
    """
    return [colour.word for colour in find_colours(caption)]


def colorize_photo(
    colorizer: Colorizer, image: Image.Image, caption: str, *, device: torch.device | str = "cpu"
) -> Image.Image:
    """The RGB photo in the colours of the caption, at its own size and with its own lightness (to 8-bit rounding).

    ``colorizer`` already lies on ``device``. The full-size work is done in strips of rows, so that a photo of 100
    megapixels needs about 0.5 GB beside the photo and the picture.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB photo, got mode {image.mode!r}; load it with lcoins.data.decode.load_photo")
    lightness = _photo_lightness(image)
    return _paint(colorizer, lightness, _seen(colorizer, lightness, device), _checked_caption(caption))


def _seen(colorizer: Colorizer, lightness: Tensor, device: torch.device | str) -> Tensor:
    """Full-size lightness as the network sees it, on its device."""
    return lab.network_input(lightness, colorizer.image_size).to(device)


def _paint(colorizer: Colorizer, lightness: Tensor, seen: Tensor, caption: str) -> Image.Image:
    ab = lab.from_network_ab(colorizer.colorize(seen, [caption]).ab.float().cpu())
    if not torch.isfinite(ab).all():
        raise ValueError("the colorizer gave colours that are not finite; try another checkpoint, or --device cpu")
    return recompose(lightness, ab)


@dataclass(frozen=True)
class PhotoColorizer:
    """A loaded system, to be called with photos and sentences; see :func:`lcoins.package.load_photo_colorizer`."""

    colorizer: Colorizer
    device: torch.device | str = "cpu"

    def __call__(self, photo: Image.Image | Path | str, sentence: str) -> Image.Image:
        """The photo in colour, at its own size; a path is loaded upright, whatever its format and mode."""
        image = photo if isinstance(photo, Image.Image) else load_photo(Path(photo))
        return colorize_photo(self.colorizer, image, sentence, device=self.device)


def recompose(lightness: Tensor, ab: Tensor, strip_pixels: int = STRIP_PIXELS) -> Image.Image:
    """Full-size lightness (1, 1, H, W) and ab (1, 2, h, w) of any size to a picture of W x H, strip by strip.

    Resizing is separable, so rows are widened once and each strip takes its rows of the matrix that resizes columns:
    the same picture as resizing ab whole, without ever holding ab at full size.
    """
    height, width = lightness.shape[-2:]
    wide = lab.resize_ab(ab, (ab.shape[-2], width))
    columns = lab.resize_ab(torch.eye(ab.shape[-2])[None, None], (height, ab.shape[-2]))[0, 0]
    picture = Image.new("RGB", (width, height))
    for top, bottom in _strips(height, width, strip_pixels):
        strip = lightness[:, :, top:bottom]
        rgb = lab.join_lab(strip, lab.fit_gamut(strip, _mix_rows(wide, columns[top:bottom])))
        pixels = (rgb[0] * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
        picture.paste(Image.fromarray(pixels), (0, top))
    return picture


def _mix_rows(ab: Tensor, weights: Tensor) -> Tensor:
    """The (R, h) weights applied to the rows of ab (1, 2, h, W): (1, 2, R, W); touches only rows that count."""
    used = weights.any(dim=0).nonzero()
    first, last = int(used[0]), int(used[-1]) + 1
    return weights[:, first:last] @ ab[:, :, first:last]


def _checked_caption(caption: str) -> str:
    if not caption.strip():
        raise ValueError('expected a sentence that names colours, got an empty one; write for example "a red car"')
    return " ".join(caption.split())


def _strips(height: int, width: int, pixels: int) -> Iterator[tuple[int, int]]:
    rows = max(1, pixels // width)
    return ((top, min(top + rows, height)) for top in range(0, height, rows))


def _photo_lightness(image: Image.Image) -> Tensor:
    """L* of an RGB photo, (1, 1, H, W) in 0..100."""
    lightness = torch.empty(1, 1, image.height, image.width)
    for top, bottom in _strips(image.height, image.width, STRIP_PIXELS):
        pixels = np.array(image.crop((0, top, image.width, bottom)))
        rgb = torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255
        lightness[:, :, top:bottom] = lab.split_lab(rgb)[0]
    return lightness


def colorize_path(
    colorizer: Colorizer,
    source: Path,
    caption: str,
    *,
    output: Path | None = None,
    force: bool = False,
    device: torch.device | str = "cpu",
    progress: Callable[[list[tuple[Path, Path]]], Iterable[tuple[Path, Path]]] = iter,
) -> Colorized:
    """Colours one photo, or every photo of a folder with the same sentence, and writes the pictures.

    Without ``output`` the picture of ``photo.jpg`` is ``photo_colorized.jpg`` beside it, and those of ``folder`` lie
    in ``folder_colorized``. A single photo that cannot be read, or whose picture exists while ``force`` is off, raises
    (ValueError, FileNotFoundError, FileExistsError). A folder goes on past a photo that cannot be read, and past
    pictures that exist, so that a run cut short is taken up where it ended; the result tells both. ``progress`` wraps
    the list of (photo, picture) pairs, as ``rich.progress.track`` does.
    """
    caption = _checked_caption(caption)
    result = Colorized()
    if not used_words(caption):
        result.notices.append(f"no colour word known in {caption!r} (such as red, blue, brown): the model has to guess")
    if not source.is_dir():
        target = _file_target(source, output)
        if target.exists() and not force:
            raise FileExistsError(f"{target} exists; choose another name with -o, or replace it with --force")
        result.notices += _colorize_file(colorizer, source, target, caption, device)
        result.written.append(target)
        return result
    for photo, target in progress(_folder_targets(source, output)):
        if target.exists() and not force:
            result.skipped.append(target)
            continue
        try:
            result.notices += _colorize_file(colorizer, photo, target, caption, device)
            result.written.append(target)
        except (ValueError, FileNotFoundError) as error:
            result.failed[photo] = str(error)
    if result.skipped:
        result.notices.append(
            f"{len(result.skipped)} pictures existed and were left as they are; --force replaces them"
        )
    return result


def _file_target(photo: Path, output: Path | None) -> Path:
    """Where the picture of one photo goes; ``output`` may be a file, or a folder (existing, or without a suffix)."""
    if not photo.exists():
        raise FileNotFoundError(f"{photo}: no such photo or folder; check the name")
    name = f"{photo.stem}_colorized{_picture_suffix(photo)}"
    if output is None:
        return photo.with_name(name)
    target = output / name if output.is_dir() or not output.suffix else output
    if target.suffix.lower() not in _WRITTEN:
        raise ValueError(f"{target}: expected a folder, or a name that ends in one of {', '.join(_WRITTEN)}")
    if target.exists() and target.samefile(photo):
        raise ValueError(f"{target}: the picture would replace the photo itself; choose another name with -o")
    return target


def _folder_targets(folder: Path, output: Path | None) -> list[tuple[Path, Path]]:
    """(photo, picture) for every photo of a folder, sorted; hidden files are left out."""
    target = output or folder.resolve().with_name(f"{folder.resolve().name}_colorized")
    if target.is_file():
        raise ValueError(f"{target}: expected a folder to write to, because {folder} is a folder; this is a file")
    if target.resolve() == folder.resolve():
        raise ValueError(f"{target}: the pictures would lie among the photos; choose another folder with -o")
    visible = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    photos = [path for path in visible if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()]
    if not photos:
        raise ValueError(
            f"{folder}: no photo in it; expected files that end in one of {', '.join(sorted(PHOTO_SUFFIXES))}"
        )
    return [
        (photo, target / f"{photo.name.removesuffix(_picture_suffix(photo))}{_picture_suffix(photo)}")
        for photo in photos
    ]


def _picture_suffix(photo: Path) -> str:
    """The photo's own suffix where pictures are written in that format, else .png."""
    return photo.suffix if photo.suffix.lower() in _WRITTEN else ".png"


def _colorize_file(
    colorizer: Colorizer, photo: Path, target: Path, caption: str, device: torch.device | str
) -> list[str]:
    """Writes the picture of one photo, whole or not at all; returns remarks for the user."""
    image = load_photo(photo)
    kind, options, longest = _WRITTEN[target.suffix.lower()]
    if max(image.size) > longest:
        size = f"{image.width} x {image.height}"
        raise ValueError(f"{photo}: {kind} holds at most {longest} pixels a side, not {size}; name a .png with -o")
    lightness = _photo_lightness(image)
    seen = _seen(colorizer, lightness, device)
    picture = _paint(colorizer, lightness, seen, caption)
    metadata, notices = _kept_metadata(photo, picture.size)
    for word in unheard_words(colorizer, seen, caption):
        notices.append(f"{photo}: {word.word!r} found no region: any other colour would give nearly the same picture")
    with whole_file(target) as partial:
        picture.save(partial, format=kind, **options, **metadata)
    return notices


def _kept_metadata(photo: Path, size: tuple[int, int]) -> tuple[dict[str, Any], list[str]]:
    """What the picture keeps of the photo's metadata (EXIF, resolution), as options to save it with, and remarks.

    Dropped: the orientation (the picture is upright), the thumbnail (it has other colours), the ICC profile (the
    picture is sRGB), the maker's notes (their addresses break when moved). Damaged metadata is no reason to fail.
    """
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(photo) as opened:
            exif, dpi = opened.getexif(), opened.info.get("dpi", (0, 0))
            turned = exif.get(ExifTags.Base.Orientation, 1) >= 5
            options: dict[str, Any] = {}
            if all(1 <= float(density) <= 30_000 for density in dpi):
                options["dpi"] = tuple(float(density) for density in (reversed(dpi) if turned else dpi))
            kept = _kept_exif(exif, size).tobytes() if exif else b""
    except _DAMAGED as error:
        return {}, [f"{photo}: its metadata is damaged and was left out ({error})"]
    if len(kept) > _LONGEST_EXIF:
        return options, [f"{photo}: its EXIF data is longer than a JPEG file can hold and was left out"]
    return options | ({"exif": kept} if kept else {}), []


def _kept_exif(exif: Image.Exif, size: tuple[int, int]) -> Image.Exif:
    """Description, camera settings and place, without what tells how the photo's own pixels lie in its file."""
    kept = Image.Exif()
    kept.update({tag: exif[tag] for tag in _KEPT_TAGS if tag in exif})
    kept[ExifTags.Base.Orientation] = 1
    camera = {tag: value for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items() if tag not in _DROPPED_CAMERA_TAGS}
    own_size = zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True)
    camera |= {tag: value for tag, value in own_size if tag in camera}
    for ifd, tags in ((ExifTags.IFD.Exif, camera), (ExifTags.IFD.GPSInfo, exif.get_ifd(ExifTags.IFD.GPSInfo))):
        if tags:
            kept[ifd] = tags
    return kept
