"""Photos that tests draw, and a colorizer that paints them in one color."""

import struct
from dataclasses import dataclass, field

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor

from lcoins.color import lab
from lcoins.colorize.photo import recognized_color_words
from lcoins.models.colorizer import Colorization

NETWORK_AB = {"red": (0.7, 0.5), "green": (-0.7, 0.6), "blue": (0.3, -0.95), "gray": (0.0, 0.0)}


@dataclass
class FakeColorizer:
    """Paints the whole photo in the caption's first color; remembers what it was asked."""

    image_size: int = 8
    noise: float = 0.0
    asked: list[tuple[Tensor, str]] = field(default_factory=list)

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        self.asked.append((lightness, captions[0]))
        words = recognized_color_words(captions[0])
        flat = torch.tensor(NETWORK_AB.get(words[0] if words else "gray", (0.2, 0.8))).view(1, 2, 1, 1)
        flat = flat.expand(1, 2, *lightness.shape[-2:])
        random = torch.Generator().manual_seed(3)
        return Colorization(ab=flat + self.noise * (torch.rand(flat.shape, generator=random) * 2 - 1))


def drawn_photo(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def gray_ramp(width: int = 40, height: int = 30) -> Image.Image:
    return Image.fromarray(np.tile(np.linspace(30, 220, width).astype(np.uint8), (height, 1)))


def as_lab(image: Image.Image) -> tuple[Tensor, Tensor]:
    return lab.split_lab(torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255)


def some_exif() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Artist] = "Grandmother"
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: "1951:06:01 12:00:00", ExifTags.Base.FNumber: 5.6}
    exif[ExifTags.IFD.GPSInfo] = {ExifTags.GPS.GPSLatitude: (51.0, 30.0, 0.0)}
    return exif.tobytes()


def icc_profile(space: str, tags: dict[str, bytes]) -> bytes:
    """An ICC profile, version 2, of a display."""
    tags = {"wtpt": xyz(0.9642, 1.0, 0.8249), **tags}
    start, table, data = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name.encode(), start + len(data), len(body))
        data += body + bytes(-len(body) % 4)
    header = struct.pack(">I4xI4s4s4s", start + len(data), 0x02100000, b"mntr", space.encode(), b"XYZ ")
    return (header + bytes(12) + b"acsp").ljust(128, b"\0") + table + data


def gamma(exponent: float) -> bytes:
    return b"curv" + struct.pack(">IIH", 0, 1, round(exponent * 256))


def gray_profile(exponent: float) -> bytes:
    return icc_profile("GRAY", {"kTRC": gamma(exponent)})


def xyz(*values: float) -> bytes:
    return b"XYZ " + struct.pack(">I3i", 0, *(round(value * 65536) for value in values))
