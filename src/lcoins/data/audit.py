"""Audits captioned photos before they are trained on: what is wrong or doubtful becomes the findings of a report."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from rich.progress import track

from lcoins.color.words import find_colors
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pack import is_pack
from lcoins.data.pairs import Pair, Problem, by_photo
from lcoins.data.photo_store import PhotoFolder
from lcoins.data.validate import to_problem
from lcoins.imaging.decode import PHOTO_SUFFIXES, PhotoError, load_photo
from lcoins.imaging.duplicates import LOOK_ALIKE, close_pairs, perceptual_hash
from lcoins.imaging.near_gray import is_near_gray

_COCO_NUMBER = re.compile(r"^(?:coco_)?(?:COCO_(?:train|val|test)\d{4}_)?(\d{12})\.jpg$", re.IGNORECASE)


@dataclass(frozen=True)
class Finding:
    """One fault: an error stops or spoils training, a warning asks a person to judge."""

    level: Literal["error", "warning"]
    kind: str
    split: str
    photo: str
    detail: str
    advice: str


@dataclass(frozen=True)
class Split:
    """A set of photos by name: their folder and their caption list."""

    name: str
    root: Path
    captions: Path


@dataclass(frozen=True)
class Fingerprint:
    """What identifies a photo: the digest of its bytes and its perceptual hash; and whether it is near-gray."""

    digest: str
    perceptual_hash: int
    near_gray: bool


PhotoOfSplit = tuple[str, str]  # the names of the split and of the photo


def check_splits(
    splits: Sequence[Split], count_pieces: Callable[[str], int], longest: int
) -> tuple[list[Finding], dict[str, dict[str, int]]]:
    """All findings, and for each split the number of its photos, of its captions and of its usable photos.

    ``count_pieces`` counts the word pieces of a caption; a model reads the first ``longest`` of them. Raises
    FileNotFoundError for a folder or list that does not exist, ValueError for a file that is no caption list.
    """
    findings: list[Finding] = []
    counts: dict[str, dict[str, int]] = {}
    fingerprints: dict[PhotoOfSplit, Fingerprint] = {}
    folders: dict[Path, tuple[Split, set[Path]]] = {}  # each with its first split, and all photos that a list names
    for split in splits:
        pairs, problems = read_pairs(split.captions)
        listed = by_photo(pairs)
        usable = 0
        for photo, result in _read_photos(split, listed):
            if isinstance(result, Problem):
                problems.append(result)
            else:
                fingerprints[split.name, photo] = result
                usable += 1
        findings += [_error(split.name, problem) for problem in problems]
        findings += _about_captions(split.name, listed, count_pieces, longest)
        folders.setdefault(split.root.resolve(), (split, set()))[1].update(map(Path, listed))
        counts[split.name] = {"photos": len(listed), "captions": len(pairs), "usable photos": usable}
    for split, names in folders.values():
        findings += _unlisted(split, names)
    findings += _near_gray(fingerprints)
    findings += _shared_names(fingerprints)
    findings += _duplicates(fingerprints)
    return findings, counts


def _read_photos(split: Split, listed: Mapping[str, list[Pair]]) -> Iterator[tuple[str, Fingerprint | Problem]]:
    """Each photo with its fingerprint, or with its problem. Threads suffice: Pillow releases the lock to decode."""
    if is_pack(split.root):
        raise ValueError(f"{split.root} is a pack; check the folder of photos that it was made from")
    source = PhotoFolder(split.root)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        results = pool.map(lambda photo: _fingerprint(source, photo, listed[photo]), listed)
        photos = zip(listed, results, strict=True)
        yield from track(photos, f"reading {split.name}", len(listed))


def _error(split: str, problem: Problem) -> Finding:
    detail = f"{problem.where} {problem.detail}".strip()
    return Finding("error", problem.what, split, problem.photo, detail, problem.advice)


def _near_gray(fingerprints: Mapping[PhotoOfSplit, Fingerprint]) -> Iterator[Finding]:
    for (split, photo), fingerprint in fingerprints.items():
        if fingerprint.near_gray:
            yield Finding("warning", "near-gray photo", split, photo, "", "leave it out: it has no color to learn from")


def _fingerprint(source: PhotoFolder, photo: str, pairs: list[Pair]) -> Fingerprint | Problem:
    path = source.root / photo
    try:
        picture = load_photo(path, (128, 128), profile=False)
    except (PhotoError, FileNotFoundError) as error:
        return to_problem(source, photo, pairs, error)
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()
    return Fingerprint(digest, perceptual_hash(picture), is_near_gray(picture))


def _about_captions(
    split: str, listed: Mapping[str, list[Pair]], count_pieces: Callable[[str], int], longest: int
) -> Iterator[Finding]:
    for photo, pairs in listed.items():
        earlier: set[str] = set()
        for pair in pairs:
            caption = pair.caption
            line = f"line {pair.line}"
            quoted = f"{line}: {caption}"
            if not find_colors(caption):
                yield Finding("warning", "no color word", split, photo, quoted, "it teaches nothing about words")
            if (pieces := count_pieces(caption)) > longest:
                detail = f"{line}: {pieces} word pieces"
                yield Finding("warning", "caption too long", split, photo, detail, f"only the first {longest} are read")
            if strange := sorted({letter for letter in caption if ord(letter) > 127}):
                detail = f"{line}: {''.join(strange[:10])}"
                yield Finding(
                    "warning", "letters beyond ASCII", split, photo, detail, "the models learned English words"
                )
            if caption.casefold() in earlier:
                yield Finding("warning", "caption twice", split, photo, quoted, "remove one")
            earlier.add(caption.casefold())


def _unlisted(split: Split, names: Container[Path]) -> Iterator[Finding]:
    """The photos in a split's folder that are not among the names, which are those of all lists of this folder."""
    for path in sorted(split.root.rglob("*")):
        if path.suffix.lower() in PHOTO_SUFFIXES and path.relative_to(split.root) not in names:
            name = path.relative_to(split.root).as_posix()
            yield Finding(
                "warning", "photo without a caption", split.name, name, "", "no list names it; it is not used"
            )


def identity(photo: str) -> str:
    """The same text for all names of one photo: the COCO number in any of its spellings, else the file's name.

    >>> {identity(name) for name in ("COCO_train2014_000000000034.jpg", "coco_000000000034.jpg", "a/000000000034.jpg")}
    {'coco 000000000034'}
    """
    name = Path(photo).name
    number = _COCO_NUMBER.match(name)
    return f"coco {number[1]}" if number else name


def _shared_names(fingerprints: Mapping[PhotoOfSplit, Fingerprint]) -> Iterator[Finding]:
    """Photos of one identity in two splits: of one COCO number, or of one name and alike, for "1.png" says little."""
    by_identity: dict[str, list[PhotoOfSplit]] = defaultdict(list)
    for split, photo in fingerprints:
        by_identity[identity(photo)].append((split, photo))
    for name, (first, *others) in by_identity.items():
        for other in others:
            differing = fingerprints[first].perceptual_hash ^ fingerprints[other].perceptual_hash
            alike = name.startswith("coco ") or differing.bit_count() <= LOOK_ALIKE
            if other[0] != first[0] and alike:
                yield _duplicate("error", "photo in two splits", first, other, "by its name")


def _duplicates(fingerprints: Mapping[PhotoOfSplit, Fingerprint]) -> Iterator[Finding]:
    """Photos with the same bytes or a similar picture, in one split or in two.

    A photo is reported once for its own split and once for another, with the first photo that it resembles.
    """
    photos = list(fingerprints)
    hashes = np.array([fingerprints[photo].perceptual_hash for photo in photos], dtype=np.uint64)
    reported: set[tuple[int, bool]] = set()
    for i, j in close_pairs(hashes):
        one, other = photos[i], photos[j]
        if (j, one[0] == other[0]) in reported:
            continue
        reported.add((j, one[0] == other[0]))
        same = fingerprints[one].digest == fingerprints[other].digest
        how = "by its bytes" if same else f"{int(hashes[i] ^ hashes[j]).bit_count()} of 64 bits differ"
        if one[0] != other[0] and identity(one[1]) != identity(other[1]):
            yield _duplicate("error" if same else "warning", "photo in two splits", one, other, how)
        elif one[0] == other[0]:
            kind = "same photo twice" if same else "photos that look alike"
            yield _duplicate("warning", kind, one, other, how)


def _duplicate(
    level: Literal["error", "warning"], kind: str, one: PhotoOfSplit, other: PhotoOfSplit, how: str
) -> Finding:
    advice = "keep it in one of them" if one[0] != other[0] else "keep one, or both captions under one name"
    return Finding(level, kind, other[0], other[1], f"also {one[0]}: {one[1]} ({how})", advice)
