"""One's own photos as training, validation and test set, split by photo."""

from pathlib import Path
from typing import Any

from lcoins.data.build.filter import fault_of, sift
from lcoins.data.build.manifest import Build, Captions, expect_place, source_of, write_build
from lcoins.data.caption_lists import Pair, Problem, captions_by_photo, read_pairs
from lcoins.data.types import key
from lcoins.data.validate import ProblemsFound, check_photos, describe

NAME = "own photos"
ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")
RULE = (
    "Photos with at least one caption and, unless asked for, none that are near-gray, in the order of a hash "
    "of (seed, name): the first share is the test set, the "
    "next the validation set, the rest the training set; all captions of a photo go with it."
)


def build_folder(
    photos: Path, captions: Path | None, output: Path, val: float, test: float, seed: int, keep_gray: bool = False
) -> dict[str, Any]:
    """Writes train.json, val.json and test.json; ``val`` and ``test`` are shares of the photos. Returns the manifest.

    Captions come from a list, or (None) from a text file beside each photo: photo.txt, one caption a line. Photos that
    cannot be read or, without ``keep_gray``, are near-gray are left out and named. Raises ValueError when a split
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
    readable, bad_photos = check_photos(photos, pairs, progress=True)
    problems += bad_photos
    if pairs and not readable:
        text = describe(problems, 0)
        raise ProblemsFound(f"{text}\nNot one photo of the list can be used; is {photos} the right folder?")
    usable = captions_by_photo(readable)
    advice = {"if_missing": f"put it into {photos}", "if_gray": "keep it with --keep-gray"}
    if not keep_gray:
        sift(
            usable,
            lambda photo: fault_of(photos / photo, photo, "photos", keep_gray=False, **advice),
            problems,
            "looking for gray photos",
        )
    build = Build(problems=problems)
    for name, part in _split(usable, val, test, seed).items():
        if part:
            build.splits[name] = part
        elif name != "test" or test > 0:
            raise ValueError(f"{len(usable)} usable photos are too few for a {name} set with val={val}, test={test}")
    if captions is not None:
        build.sources.append(source_of(captions, "the user's own", "the user's own"))
    return write_build(output, NAME, f"{RULE} val={val:g}, test={test:g}, seed={seed}.", build)


def _split(captions: Captions, val: float, test: float, seed: int) -> dict[str, Captions]:
    order = sorted(captions, key=lambda photo: key(seed, "split", photo))
    n_test, n_val = (round(share * len(order)) for share in (test, val))
    parts = {"train": order[n_test + n_val :], "val": order[n_test : n_test + n_val], "test": order[:n_test]}
    return {name: {photo: captions[photo] for photo in sorted(part)} for name, part in parts.items()}


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
