"""What is wrong or doubtful in captioned photos, before a training finds out: each fault is one row of a report."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from rich.progress import track

from lcoins.color.words import find_colors
from lcoins.data.caption_lists import Pair, Problem, by_photo, read_pairs
from lcoins.data.pack import is_pack
from lcoins.data.photo_store import PhotoFolder
from lcoins.data.validate import explain
from lcoins.imaging.decode import PhotoError, load_photo
from lcoins.imaging.duplicates import close_pairs, perceptual_hash
from lcoins.imaging.near_gray import is_near_gray

PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif")
_COCO_NUMBER = re.compile(r"^(?:coco_)?(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})\.jpg$", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One fault: an error stops or spoils a training, a warning is for a person to judge."""

    level: Literal["error", "warning"]
    kind: str
    split: str
    photo: str
    detail: str
    advice: str


@dataclass(frozen=True)
class Split:
    """A named set: the folder of its photos and its caption list."""

    name: str
    root: Path
    captions: Path


@dataclass(frozen=True)
class Look:
    """What one decoding of a photo tells: the digest of its bytes, its perceptual hash, and whether it is near-gray."""

    digest: str
    hash: int
    near_gray: bool


def check_splits(
    splits: Sequence[Split], count_pieces: Callable[[str], int], longest: int, progress: bool = False
) -> tuple[list[Finding], dict[str, dict[str, int]]]:
    """All findings, and per split how many photos and captions there are and how many photos can be used.

    ``count_pieces`` gives the word pieces of a caption, of which a model reads ``longest``. Raises FileNotFoundError
    or ValueError for a folder or list that is not there or no list.
    """
    findings: list[Finding] = []
    counts: dict[str, dict[str, int]] = {}
    looks: dict[tuple[str, str], Look] = {}
    for split in splits:
        pairs, problems = read_pairs(split.captions)
        listed = by_photo(pairs)
        usable = 0
        for photo, look in _looks(split, listed, progress):
            if isinstance(look, Problem):
                problems.append(look)
            else:
                looks[split.name, photo] = look
                usable += 1
        findings += [_broken(split.name, problem) for problem in problems]
        findings += _about_captions(split.name, listed, count_pieces, longest)
        findings += _unlisted(split, listed)
        counts[split.name] = {"photos": len(listed), "captions": len(pairs), "usable photos": usable}
    findings += _near_gray(looks)
    findings += _same_names(looks)
    findings += _same_looks(looks)
    return findings, counts


def _looks(split: Split, listed: Mapping[str, list[Pair]], progress: bool) -> Iterator[tuple[str, Look | Problem]]:
    """Each photo with what it shows or what is wrong with it. Threads suffice: Pillow decodes outside the lock."""
    if is_pack(split.root):
        raise ValueError(f"{split.root} is a pack; check the folder of photos that it was made from")
    source = PhotoFolder(split.root)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda photo: _look(source, photo, listed[photo]), listed)
        pairs = zip(listed, found, strict=True)
        yield from track(pairs, f"looking at {split.name}", len(listed), disable=not progress)


def _broken(split: str, problem: Problem) -> Finding:
    detail = f"{problem.where} {problem.detail}".strip()
    return Finding("error", problem.what, split, problem.photo, detail, problem.advice)


def _near_gray(looks: Mapping[tuple[str, str], Look]) -> Iterator[Finding]:
    for (split, photo), look in looks.items():
        if look.near_gray:
            yield Finding("warning", "near-gray photo", split, photo, "", "leave it out: it has no color to learn from")


def _look(source: PhotoFolder, photo: str, pairs: list[Pair]) -> Look | Problem:
    path = source.root / photo
    try:
        picture = load_photo(path, (128, 128), profile=False)
    except (PhotoError, FileNotFoundError) as error:
        return explain(source, photo, pairs, error)
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return Look(digest, perceptual_hash(picture), is_near_gray(picture))


def _about_captions(
    split: str, listed: Mapping[str, list[Pair]], count_pieces: Callable[[str], int], longest: int
) -> Iterator[Finding]:
    for photo, pairs in listed.items():
        seen: set[str] = set()
        for pair in pairs:
            caption = pair.caption
            line = f"line {pair.line}"
            shown = f"{line}: {caption}"
            if not find_colors(caption):
                yield Finding("warning", "no color word", split, photo, shown, "it teaches nothing about words")
            if (pieces := count_pieces(caption)) > longest:
                detail = f"{line}: {pieces} word pieces"
                yield Finding("warning", "caption too long", split, photo, detail, f"only the first {longest} are read")
            if strange := sorted({letter for letter in caption if ord(letter) > 127}):
                detail = f"{line}: {''.join(strange[:10])}"
                yield Finding(
                    "warning", "letters beyond ASCII", split, photo, detail, "the words were learned in English"
                )
            if caption.casefold() in seen:
                yield Finding("warning", "caption twice", split, photo, shown, "remove one")
            seen.add(caption.casefold())


def _unlisted(split: Split, listed: Mapping[str, list[Pair]]) -> Iterator[Finding]:
    names = {Path(photo) for photo in listed}
    for path in sorted(split.root.rglob("*")):
        if path.suffix.lower() in PHOTO_ENDINGS and path.relative_to(split.root) not in names:
            name = path.relative_to(split.root).as_posix()
            yield Finding(
                "warning", "photo without a caption", split.name, name, "", "no list names it; it is not used"
            )


def identity(photo: str) -> str:
    """What tells that two names mean one photo: the COCO number in any of its spellings, else the file's name.

    >>> {identity(name) for name in ("COCO_train2014_000000000034.jpg", "coco_000000000034.jpg", "a/000000000034.jpg")}
    {'coco 000000000034'}
    """
    name = Path(photo).name
    number = _COCO_NUMBER.match(name)
    return f"coco {number[1]}" if number else name


def _same_names(looks: Mapping[tuple[str, str], Look]) -> Iterator[Finding]:
    """Photos of one identity in two splits."""
    places: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for split, photo in looks:
        places[identity(photo)].append((split, photo))
    for found in places.values():
        (first, name), *others = found
        for split, photo in others:
            if split != first:
                yield _leak("error", "photo in two splits", (first, name), (split, photo), "by its name")


def _same_looks(looks: Mapping[tuple[str, str], Look]) -> Iterator[Finding]:
    """Photos of the same bytes or look, within a split and between two; each is named once with its first likeness."""
    places = list(looks)
    hashes = np.array([looks[place].hash for place in places], dtype=np.uint64)
    named: set[tuple[int, bool]] = set()
    for i, j in close_pairs(hashes):
        one, other = places[i], places[j]
        if (j, one[0] == other[0]) in named:
            continue
        named.add((j, one[0] == other[0]))
        same = looks[one].digest == looks[other].digest
        how = "by its bytes" if same else f"{(looks[one].hash ^ looks[other].hash).bit_count()} of 64 bits differ"
        if one[0] != other[0] and identity(one[1]) != identity(other[1]):
            yield _leak("error" if same else "warning", "photo in two splits", one, other, how)
        elif one[0] == other[0]:
            kind = "same photo twice" if same else "photos that look alike"
            yield _leak("warning", kind, one, other, how)


def _leak(
    level: Literal["error", "warning"], kind: str, one: tuple[str, str], other: tuple[str, str], how: str
) -> Finding:
    advice = "keep it in one of them" if one[0] != other[0] else "keep one, or both captions under one name"
    return Finding(level, kind, other[0], other[1], f"also {one[0]}: {one[1]} ({how})", advice)
