"""What a picture keeps of its photo's file: resolution and EXIF data.

Pillow writes both into every format; pyvips loses date, camera and place in TIFFs (docs/results/pyvips.md).
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
    damaged: list[str] = []
    try:
        exif, dpi = opened.getexif(), opened.info.get("dpi", (0, 0))
        turned = exif.get(ExifTags.Base.Orientation, 1) >= 5
        # The size of a TIFF is already the upright one.
        size = opened.size[::-1] if turned and opened.format != "TIFF" else opened.size
        if len(dpi) == 2 and all(1 < float(density) <= 30_000 for density in dpi):
            options["dpi"] = tuple(float(density) for density in (reversed(dpi) if turned else dpi))
        kept = _kept_exif(exif, size, damaged).tobytes() if exif else b""
    except DAMAGED as error:
        return options, [f"{photo}: its metadata is damaged and was left out ({one_line(error)})"]
    remarks = [f"{photo}: damaged parts of its metadata were left out: {', '.join(damaged)}"] if damaged else []
    if len(kept) > _LONGEST_EXIF:
        return options, [*remarks, f"{photo}: its EXIF data is longer than a JPEG file can hold and was left out"]
    return options | ({"exif": kept} if kept else {}), remarks


def as_stored(value: Any) -> Any:
    """A value of a tag as it is written again with its own bytes, where Pillow puts "?" for all that is not ASCII."""
    return _StoredText(value) if isinstance(value, str) else value


class _StoredText(str):
    """A text that Pillow has read as Latin-1, whatever it is in (UTF-8, say), and that becomes the same bytes."""

    __slots__ = ()

    def encode(self, encoding: str = "latin-1", errors: str = "replace") -> bytes:
        """The bytes that were read, whatever encoding Pillow asks for."""
        return super().encode("latin-1", "replace")


def _kept_exif(exif: Image.Exif, size: tuple[int, int], damaged: list[str]) -> Image.Exif:
    """Description, camera settings and place, without what describes how the photo's own pixels are stored.

    The names of what cannot be read or written are added to ``damaged``.
    """
    kept = Image.Exif()
    kept.update(_writable({tag: exif[tag] for tag in _KEPT_TAGS if tag in exif}, None, damaged))
    kept[ExifTags.Base.Orientation] = 1
    for ifd in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        try:
            tags = dict(exif.get_ifd(ifd))
        except DAMAGED:
            damaged.append(ifd.name)
            continue
        if ifd is ExifTags.IFD.Exif:
            tags = {tag: value for tag, value in tags.items() if tag not in _DROPPED_CAMERA_TAGS}
            own_size = zip((ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight), size, strict=True)
            tags |= {tag: value for tag, value in own_size if tag in tags}
        if tags := _writable(tags, ifd, damaged):
            kept[ifd] = tags
    return kept


def _writable(tags: dict[int, Any], ifd: ExifTags.IFD | None, damaged: list[str]) -> dict[int, Any]:
    """The tags of a directory that can be written, each tried by itself; the names of the others go to ``damaged``."""
    names = ExifTags.GPSTAGS if ifd is ExifTags.IFD.GPSInfo else ExifTags.TAGS
    kept = {}
    for tag, value in tags.items():
        trial = Image.Exif()
        try:
            trial.update({tag: as_stored(value)} if ifd is None else {ifd: {tag: as_stored(value)}})
            trial.tobytes()
        except DAMAGED:
            damaged.append(names.get(tag, f"tag {tag}"))
        else:
            kept[tag] = as_stored(value)
    return kept
