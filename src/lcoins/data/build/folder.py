"""One's own photos as training, validation and test set, split by photo."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.progress import track

from lcoins.data.build.output import expect_place, source_of, write_manifest, write_rows
from lcoins.data.decode import load_photo
from lcoins.data.grey import is_near_grey
from lcoins.data.lists import Pair, Problem, read_pairs
from lcoins.data.photo_check import check_photos
from lcoins.data.types import key

NAME = "own photos"
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
RULE = (
    "Photos with at least one caption and, unless asked for, none that are near-grey, in the order of a hash "
    "of (seed, name): the first share is the test set, the "
    "next the validation set, the rest the training set; all captions of a photo go with it."
)


def build_folder(
    photos: Path, captions: Path | None, output: Path, val: float, test: float, seed: int, keep_grey: bool = False
) -> dict[str, Any]:
    """Writes train.json, val.json and test.json; ``val`` and ``test`` are shares of the photos. Returns the manifest.

    Captions come from a list, or (None) from a text file beside each photo: photo.txt, one caption a line. Photos that
    cannot be read or, without ``keep_grey``, are near-grey are left out and named. Raises ValueError when a split
    would be empty.
    """
    if not photos.is_dir():
        raise FileNotFoundError(f"{photos}: no such photo folder")
    if min(val, test) < 0 or val + test >= 1:
        raise ValueError(
            f"val and test are shares of the photos and must leave some for training, not {val} and {test}"
        )
    expect_place(output, NAME)
    pairs, problems = read_pairs(captions) if captions is not None else _beside(photos)
    good = check_photos(photos, pairs, problems, on_problem="leave_out", progress=True) if pairs else []
    by_photo: dict[str, list[str]] = {}
    for pair in good:
        by_photo.setdefault(pair.photo, []).append(pair.caption)
    if not keep_grey:
        for photo in _near_grey(photos, list(by_photo)):
            problems.append(Problem("photos", photo, "near-grey photo", "keep it with --keep-grey"))
            del by_photo[photo]
    splits = _split(by_photo, val, test, seed)
    for name, part in splits.items():
        if not part and not (name == "test" and test == 0):
            raise ValueError(f"{len(by_photo)} usable photos are too few for a {name} set with val={val}, test={test}")
        if part:
            write_rows(output / f"{name}.json", part)
    sources = [source_of(captions, "the user's own", "the user's own")] if captions is not None else []
    rule = f"{RULE} val={val:g}, test={test:g}, seed={seed}."
    return write_manifest(output, NAME, rule, {name: part for name, part in splits.items() if part}, sources, problems)


def _near_grey(root: Path, photos: list[str]) -> list[str]:
    def look(photo: str) -> bool:
        return is_near_grey(load_photo(root / photo, (64, 64), profile=False))

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = track(pool.map(look, photos), "looking for grey photos", len(photos))
        return [photo for photo, grey in zip(photos, found, strict=True) if grey]


def _split(by_photo: Mapping[str, list[str]], val: float, test: float, seed: int) -> dict[str, dict[str, list[str]]]:
    order = sorted(by_photo, key=lambda photo: key(seed, "split", photo))
    n_test, n_val = (round(share * len(order)) for share in (test, val))
    parts = {"train": order[n_test + n_val :], "val": order[n_test : n_test + n_val], "test": order[:n_test]}
    return {name: {photo: by_photo[photo] for photo in sorted(part)} for name, part in parts.items()}


def _beside(photos: Path) -> tuple[list[Pair], list[Problem]]:
    """The captions in the text files beside the photos."""
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for path in sorted(photos.rglob("*")):
        if path.suffix.lower() not in ENDINGS:
            continue
        name, text = path.relative_to(photos).as_posix(), path.with_suffix(".txt")
        try:
            lines = text.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            problems.append(Problem(text.name, name, "no caption", f"write {text.name} beside it, one caption a line"))
            continue
        except UnicodeDecodeError:
            problems.append(Problem(text.name, name, "broken text", "save it as UTF-8"))
            continue
        found = [
            Pair(name, " ".join(line.split()), number, text.name)
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        if not found:
            problems.append(Problem(text.name, name, "empty caption", "write a caption or remove the photo"))
        pairs += found
    return pairs, problems
