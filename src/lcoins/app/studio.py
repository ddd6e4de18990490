"""What the page does, without the page: photos opened, sentences painted, pictures written to one folder."""

import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lcoins.app.regions import Region, group_regions, word_regions
from lcoins.color.lab import resize_ab
from lcoins.color.words import ColorWord
from lcoins.colorize.photo import (
    ColorizationSystem,
    checked_sentence,
    fitted,
    lightness_for_network,
    network_colors,
    recompose,
    recompose_strips,
)
from lcoins.colorize.word_effect import has_effect, word_effects
from lcoins.imaging.decode import FORMATS, PhotoError
from lcoins.imaging.read import GrayPhoto, read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS, write_picture

SCREEN = 1600  # pixels: the longer side of what the page shows; downloads have the photo's own size
THUMB = 480  # pixels: the longer side of a variant beside others
KEPT = 64  # pictures on disk of one photo: the page's present ones, and some that a browser may be loading still
MAP = 800  # pixels: the longer side of a map, one mask for each of its regions
NO_REGIONS = "No color word of this sentence changed the picture anywhere."
KNOWN = ", ".join(name for name in FORMATS if name != "MPO")  # which is a JPEG with more pictures in it
DAMAGED = "This photo is damaged or cut off. Copy or download it again."
SAID = {  # by the kind of a PhotoError
    "empty file": "This file is empty. Copy or download it again.",
    "unreadable photo": f"This is no photo, or it is damaged. Photos may be of one of these formats: {KNOWN}.",
    "photo too large": "This photo is too large: {detail}. Scale it down first.",
    "truncated photo": DAMAGED,
    "damaged photo": DAMAGED,
}
LONGEST = 500  # characters of a sentence
SENTENCES = 6  # at once
VARIANTS = 12  # of one photo that are kept
NO_COLOR = torch.zeros(1, 2, 1, 1)
PREVIEW: dict[str, Any] = {"format": "JPEG", "quality": 92, "subsampling": 0}


class Refused(ValueError):
    """What the person is told, in one or two sentences."""


@dataclass
class Variant:
    """One sentence and the colors that the network gave for it, as slope and offset (1, 2, S, S) over lightness."""

    sentence: str
    slope: Tensor
    offset: Tensor
    heard: list[tuple[ColorWord, Tensor]]  # of lcoins.colorize.word_effect.word_effects
    groups: tuple[list[Region], str] | None = None

    def unheard(self) -> list[ColorWord]:
        return [word for word, moved in self.heard if not has_effect(moved)]


@dataclass
class Session:
    """One photo on the page and the variants made of it; its files lie in ``folder``."""

    photo: Path
    size: tuple[int, int]
    folder: Path
    lightness: Tensor  # of the preview, (1, 1, h, w) in 0..100
    seen: Tensor  # by the network, of the whole photo
    gray: Path
    variants: list[Variant] = field(default_factory=list)
    chosen: int = 0

    @property
    def variant(self) -> Variant | None:
        return self.variants[self.chosen] if self.variants else None

    def close(self) -> None:
        """Removes the files of this photo."""
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass(frozen=True)
class Studio:
    """A loaded colorizer on its device, and the folder that everything is written under."""

    colorizer: ColorizationSystem
    folder: Path
    max_pixels: int
    device: torch.device | str = "cpu"

    def open(self, photo: Path | None) -> Session:
        """Loads a photo and makes its gray preview; raises Refused, saying why, for what is no photo."""
        if photo is None:
            raise Refused("Choose a photo first.")
        lightness = self._scan(photo).lightness
        height, width = lightness.shape[-2:]
        seen = lightness_for_network(self.colorizer, lightness, self.device)
        small = resize_ab(lightness, fitted((height, width), SCREEN))
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        gray = folder / "gray.jpeg"  # another ending than those that preview() makes and removes
        recompose(small, NO_COLOR).save(gray, **PREVIEW)
        return Session(photo, (width, height), folder, small, seen, gray)

    def color(self, session: Session | None, text: str) -> None:
        """Adds a variant for each line of ``text``, or finds it again; the last of them is chosen."""
        if session is None:
            raise Refused("Choose a photo first.")
        for sentence in sentences(text):
            made = [variant.sentence for variant in session.variants]
            if sentence not in made:
                slope, offset = network_colors(self.colorizer, session.seen, sentence)
                heard = word_effects(self.colorizer, session.seen, sentence)
                session.variants = [*session.variants, Variant(sentence, slope, offset, heard)][-VARIANTS:]
                made = [variant.sentence for variant in session.variants]
            session.chosen = made.index(sentence)

    def preview(self, session: Session, variant: Variant, strength: float, longest: int = SCREEN) -> Path:
        """The picture at the size of a screen, or smaller, as a new file; those of long ago are removed."""
        height, width = session.lightness.shape[-2:]
        lightness = resize_ab(session.lightness, fitted((height, width), longest))
        picture = recompose(lightness, variant.offset, variant.slope, strength=strength)
        for old in sorted(session.folder.glob("*.jpg"), key=lambda path: path.stat().st_mtime_ns)[:-KEPT]:
            old.unlink()
        with tempfile.NamedTemporaryFile(dir=session.folder, suffix=".jpg", delete=False) as file:
            picture.save(file, **PREVIEW)
        return Path(file.name)

    def word_map(self, session: Session, variant: Variant) -> tuple[list[Region], str]:
        """Where each color word of a variant acts, and a remark."""
        regions = word_regions(variant.heard, _map_size(session))
        return regions, "" if regions else NO_REGIONS

    def group_map(self, session: Session, variant: Variant) -> tuple[list[Region], str]:
        """The groups of a variant, and a remark on them."""
        if variant.groups is None:
            variant.groups = group_regions(self.colorizer, session.seen, variant.sentence, _map_size(session))
        return variant.groups

    def map_ground(self, session: Session) -> Image.Image:
        """The gray photo at the size of a map."""
        return recompose(resize_ab(session.lightness, _map_size(session)), NO_COLOR)

    def finish(self, session: Session | None, strength: float) -> Path:
        """Writes the chosen variant at the photo's own size, with its metadata, in its format where we write it."""
        if session is None or session.variant is None:
            raise Refused("Color a photo first; then its picture can be downloaded.")
        if not session.photo.is_file():
            raise Refused("The photo has been removed from this machine in the meantime. Choose it again.")
        variant, photo = session.variant, session.photo
        suffix = photo.suffix if photo.suffix.lower() in OUTPUT_FORMATS else ".png"
        if max(session.size) > OUTPUT_FORMATS[suffix.lower()].longest_side:
            suffix = ".png"
        scan = self._scan(photo)
        target = Path(tempfile.mkdtemp(dir=session.folder), f"{photo.stem}_colorized{suffix}")
        strips = recompose_strips(scan.lightness, variant.offset, variant.slope, strength=strength)
        write_picture(target, suffix, scan, strips)
        return target

    def _scan(self, photo: Path) -> GrayPhoto:
        """A photo at its full size and depth; raises Refused, saying why, for what is none."""
        try:
            return read_gray_photo(photo, max_pixels=self.max_pixels)
        except PhotoError as error:
            said = SAID.get(error.kind, "This photo cannot be used: {detail}. What helps: {advice}.")
            raise Refused(said.format(detail=error.detail, advice=error.advice)) from error
        except FileNotFoundError as error:
            raise Refused("The photo is no longer there. Choose it again.") from error


def sentences(text: str) -> list[str]:
    """The lines of a text as sentences; raises Refused for none, too many, or one that is too long."""
    found = [checked_sentence(line) for line in text.splitlines() if line.strip()]
    if not found:
        raise Refused("Write a sentence that says what has which color, such as: a woman in a red coat.")
    if len(found) > SENTENCES:
        raise Refused(f"These are {len(found)} sentences; at most {SENTENCES} are colored at once.")
    if max(map(len, found)) > LONGEST:
        raise Refused(f"A sentence may have {LONGEST} letters at most.")
    return list(dict.fromkeys(found))


def _map_size(session: Session) -> tuple[int, int]:
    """(h, w) of a map of the photo."""
    return fitted((session.size[1], session.size[0]), MAP)
