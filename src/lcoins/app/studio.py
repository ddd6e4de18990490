"""The work behind the page: opens photos, colors them by sentences and writes the pictures to one folder."""

import secrets
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from lcoins.app.regions import Region, group_regions, word_regions
from lcoins.app.sessions import SESSION_PREFIX, Session, Variant, second_name
from lcoins.color.lab import resize_ab
from lcoins.colorize.batch import write_picture
from lcoins.colorize.by_hand import placed
from lcoins.colorize.captioner import Captioner
from lcoins.colorize.photo import (
    NO_COLOR,
    checked_sentence,
    fitted,
    lightness_for_network,
    recompose,
    recompose_strips,
)
from lcoins.colorize.sentence_colors import sentence_colors, under_hints
from lcoins.files import open_whole
from lcoins.imaging.decode import FORMATS, PhotoError, opened_photo
from lcoins.imaging.read import GrayPhoto, read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS
from lcoins.models.colorizer import ColorizationSystem

SCREEN_SIDE = 1600  # pixels: the longer side of a picture on the page; downloads have the photo's own size
THUMBNAIL_SIDE = 480  # pixels: the longer side of a variant beside others
MAP_SIDE = 800  # pixels: the longer side of a map, one mask for each of its regions
KEPT = 64  # pictures of one photo on disk: those on the page, and some that a browser may still be loading
DOWNLOAD_PREFIX, KEPT_DOWNLOADS = "download-", 3  # folders of pictures in full size
NO_REGIONS = "No color word of this sentence changed the picture."
# MPO is a JPEG that holds several pictures.
KNOWN_FORMATS = ", ".join(name for name in FORMATS if name != "MPO")
DAMAGED = "This photo is damaged or incomplete. Copy or download it again."
MESSAGES = {  # by the kind of a PhotoError
    "empty file": "This file is empty. Copy or download it again.",
    "unreadable photo": f"This file is not a photo, or it is damaged. These formats can be read: {KNOWN_FORMATS}.",
    "photo too large": "This photo is too large: {detail}. Scale it down first.",
    "truncated photo": DAMAGED,
    "damaged photo": DAMAGED,
}
MAX_LETTERS = 500  # of a sentence
MAX_SENTENCES = 6  # at once
MAX_VARIANTS = 12  # of one photo; the first ones go
PREVIEW: dict[str, Any] = {"format": "JPEG", "quality": 92, "subsampling": 0}


class InputError(ValueError):
    """A photo or sentence cannot be used; the message is shown on the page."""


@dataclass(frozen=True)
class Studio:
    """A loaded colorizer on its device, and the folder that holds everything it writes."""

    colorizer: ColorizationSystem
    folder: Path
    max_pixels: int
    device: torch.device | str = "cpu"
    captioner: Captioner | None = None  # suggests sentences, where there is one

    def new_folder(self) -> Path:
        """A folder for the files of one photo."""
        return Path(tempfile.mkdtemp(prefix=SESSION_PREFIX, dir=self.folder))

    def receive(self, upload: Path, folder: Path) -> tuple[Path, float]:
        """Brings an upload into a photo's folder; returns its path there and, by its header, its megapixels.

        Raises InputError if it is no photo, or too large.
        """
        with in_words():
            photo = second_name(upload, folder / "original")
            with opened_photo(photo, self.max_pixels) as image:
                return photo, image.width * image.height / 1e6

    def open(self, photo: Path | None, folder: Path | None = None) -> Session:
        """Reads a photo and writes its gray preview, to a new folder where none is given.

        Raises InputError if it cannot be read.
        """
        if photo is None:
            raise InputError("Choose a photo first.")
        lightness = self._scan(photo).lightness
        height, width = lightness.shape[-2:]
        for_network = lightness_for_network(self.colorizer, lightness, self.device)
        small = resize_ab(lightness, fitted((height, width), SCREEN_SIDE))
        folder = folder or self.new_folder()
        gray = folder / "gray.jpeg"  # .jpeg, since preview() removes old files that end in .jpg
        with open_whole(gray) as file:
            recompose(small, NO_COLOR).save(file, **PREVIEW)
        return Session(photo, (width, height), folder, small, for_network, gray)

    def color(self, session: Session | None, text: str) -> list[str]:
        """Adds a variant for each line of ``text`` that has none yet, and chooses that of the last line.

        Returns the sentences of the variants that had to go.
        """
        if session is None:
            raise InputError("Choose a photo first.")
        gone = []
        for sentence in sentences(text):
            made = [variant.sentence for variant in session.variants]
            if sentence not in made:
                hints = placed(session.hints, session.size, self.colorizer.image_size)
                colors = sentence_colors(self.colorizer, session.network_lightness, sentence, hints)
                variants = [*session.variants, Variant(sentence, colors, session.hints)]
                gone += [variant.sentence for variant in variants[:-MAX_VARIANTS]]
                session.variants = variants[-MAX_VARIANTS:]
                made = [variant.sentence for variant in session.variants]
            session.chosen = made.index(sentence)
        return gone

    def suggested(self, session: Session, text: str) -> str:
        """``text`` with one more line, which the captioner suggests; raises InputError where it cannot."""
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) == MAX_SENTENCES:
            raise InputError(f"There are {MAX_SENTENCES} sentences already; remove one for a suggestion.")
        sentence = self.captioner(session.lightness)[:MAX_LETTERS] if self.captioner else ""
        if not sentence:
            raise InputError("The captioner says nothing about this photo. Write a sentence of your own.")
        return "\n".join([*lines, *([] if sentence in lines else [sentence])])

    def chosen(self, session: Session) -> Variant | None:
        """The chosen variant, under the hints that the photo has now; the others wait until they are chosen."""
        variant, hints = session.variant, session.hints  # read once: others may come while a large photo is written
        if variant is not None and variant.hints != hints:
            by_hand = placed(hints, session.size, self.colorizer.image_size)
            variant.colors = under_hints(variant.colors, session.network_lightness, by_hand)
            variant.hints = hints
        return variant

    def preview(self, session: Session, variant: Variant, strength: float, longest: int = SCREEN_SIDE) -> Path:
        """Writes the picture at most ``longest`` pixels wide and high to a new file, and removes the oldest files."""
        height, width = session.lightness.shape[-2:]
        lightness = resize_ab(session.lightness, fitted((height, width), longest))
        picture = recompose(lightness, variant.colors.offset, variant.colors.slope, strength=strength)
        for old in sorted(session.folder.glob("*.jpg"), key=_changed)[:-KEPT]:
            old.unlink()
        path = session.folder / f"{secrets.token_hex(8)}.jpg"
        with open_whole(path) as file:
            picture.save(file, **PREVIEW)
        return path

    def word_map(self, session: Session, variant: Variant) -> tuple[list[Region], str]:
        """The region of each color word of a variant, and a note or ""."""
        regions = word_regions(variant.colors.effects, _map_size(session))
        return regions, "" if regions else NO_REGIONS

    def group_map(self, session: Session, variant: Variant) -> tuple[list[Region], str]:
        """The regions of the groups of a variant, and a note on them or ""."""
        if variant.groups is None:
            lightness = session.network_lightness
            variant.groups = group_regions(self.colorizer, lightness, variant.sentence, _map_size(session))
        return variant.groups

    def map_background(self, session: Session) -> Image.Image:
        """The gray photo in the size of a map."""
        return recompose(resize_ab(session.lightness, _map_size(session)), NO_COLOR)

    def write_full_size(self, session: Session | None, strength: float) -> Path:
        """Writes the chosen variant in the photo's size with its metadata, in its format if lcoins writes it."""
        variant = self.chosen(session) if session is not None else None
        if session is None or variant is None:
            raise InputError("Color a photo first, then download the picture.")
        if not session.photo.is_file():
            raise InputError("The photo has been removed from the server in the meantime. Choose it again.")
        colors, photo = variant.colors, session.photo
        suffix = photo.suffix if photo.suffix.lower() in OUTPUT_FORMATS else ".png"
        if max(session.size) > OUTPUT_FORMATS[suffix.lower()].longest_side:
            suffix = ".png"
        scan = self._scan(photo)
        for old in sorted(session.folder.glob(f"{DOWNLOAD_PREFIX}*"), key=_changed)[: 1 - KEPT_DOWNLOADS]:
            shutil.rmtree(old)
        folder = Path(tempfile.mkdtemp(prefix=DOWNLOAD_PREFIX, dir=session.folder))
        target = folder / f"{photo.stem}_colorized{suffix}"
        strips = recompose_strips(scan.lightness, colors.offset, colors.slope, strength=strength)
        write_picture(target, scan, _while_open(session, strips))
        return target

    def _scan(self, photo: Path) -> GrayPhoto:
        """A photo in its full size and depth; raises InputError if it cannot be read."""
        with in_words():
            return read_gray_photo(photo, max_pixels=self.max_pixels)


@contextmanager
def in_words() -> Iterator[None]:
    """Turns the errors of a photo into an InputError for the page, which names no path of the server."""
    try:
        yield
    except PhotoError as error:
        message = MESSAGES.get(error.kind, "This photo cannot be used: {detail}. What helps: {advice}.")
        raise InputError(message.format(detail=error.detail, advice=error.advice)) from error
    except FileNotFoundError as error:
        raise InputError("The photo is no longer on the server. Choose it again.") from error


def _while_open(session: Session, strips: Iterator[Tensor]) -> Iterator[Tensor]:
    """The strips of a large picture, as long as its photo is wanted."""
    for strip in strips:
        if session.closed:
            raise InputError("The photo was removed while its picture was written.")
        yield strip


def sentences(text: str) -> list[str]:
    """The lines of a text as sentences; raises InputError if there is none, too many, or one is too long."""
    lines = [checked_sentence(line) for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError("Write a sentence that says what has which color, for example: a woman in a red coat.")
    if len(lines) > MAX_SENTENCES:
        raise InputError(f"These are {len(lines)} sentences; write at most {MAX_SENTENCES} at once.")
    expect_short(lines)
    return list(dict.fromkeys(lines))


def expect_short(lines: Iterable[str]) -> None:
    """Refuses sentences of which one is too long, since each of its color words takes a pass of the network."""
    if any(len(line) > MAX_LETTERS for line in lines):
        raise InputError(f"A sentence may have at most {MAX_LETTERS} letters.")


def _map_size(session: Session) -> tuple[int, int]:
    """The size (h, w) of a map of the photo."""
    return fitted((session.size[1], session.size[0]), MAP_SIDE)


def _changed(path: Path) -> int:
    return path.stat().st_mtime_ns
