"""What a picture keeps of its photo's file: resolution and EXIF data.

Pillow writes both into every format; pyvips loses date, camera and place in TIFFs (experiments/results/pyvips.md).
"""

from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from lcoins.imaging.decode import DAMAGED, one_line
from lcoins.imaging.icc import srgb_profile

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
_LONGEST_EXIF = 65_000  # bytes; a JPEG segment holds 65,533


def kept_metadata(opened: Image.Image, photo: Path) -> tuple[dict[str, Any], list[str]]:
    """The metadata of an opened photo that its picture keeps (EXIF, resolution), as options to save with, and remarks.

    The orientation (the picture is upright), the thumbnail (it has other colors) and the maker's notes (their addresses
    break when moved) are dropped. The ICC profile becomes that of sRGB, the color space of the picture. Damaged
    metadata is left out with a remark.
    """
    options: dict[str, Any] = {"icc_profile": srgb_profile()}
    try:
        exif, dpi = opened.getexif(), opened.info.get("dpi", (0, 0))
        turned = exif.get(ExifTags.Base.Orientation, 1) >= 5
        # The size of a TIFF is already the upright one.
        size = opened.size[::-1] if turned and opened.format != "TIFF" else opened.size
        if len(dpi) == 2 and all(1 < float(density) <= 30_000 for density in dpi):
            options["dpi"] = tuple(float(density) for density in (reversed(dpi) if turned else dpi))
        kept = _kept_exif(exif, size).tobytes() if exif else b""
    except DAMAGED as error:
        return options, [f"{photo}: its metadata is damaged and was left out ({one_line(error)})"]
    if len(kept) > _LONGEST_EXIF:
        return options, [f"{photo}: its EXIF data is longer than a JPEG file can hold and was left out"]
    return options | ({"exif": kept} if kept else {}), []


def _kept_exif(exif: Image.Exif, size: tuple[int, int]) -> Image.Exif:
    """Description, camera settings and place, without what describes how the photo's own pixels are stored."""
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
