"""Makes training, validation and test set of the user's own photos, split by photo."""

from pathlib import Path
from typing import Any

from lcoins.data.build.filter import drop_photos, find_problem
from lcoins.data.build.manifest import Build, Captions, expect_build_or_nothing, source_of, write_build
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Pair, Problem, captions_by_photo
from lcoins.data.published_lists import without_split
from lcoins.data.types import key
from lcoins.data.validate import ProblemsFound, check_photos, describe
from lcoins.imaging.decode import PHOTO_SUFFIXES

NAME = "own photos"
SILENT = "photo without a caption"
RULE = (
    "Photos with at least one caption, without near-gray ones unless they were asked for, in the order of a hash of "
    "(seed, name): the first share is the test set, the next the validation set, the rest the training set; all "
    "captions of a photo go with it."
)


def build_folder(
    photos: Path,
    captions: Path | None,
    output: Path,
    val: float,
    test: float,
    seed: int,
    keep_gray: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Writes train.json, val.json and test.json and returns the manifest, which counts the photos that are left out.

    Those are the unreadable ones, those without a caption and, without ``keep_gray``, the near-gray ones. Raises
    ValueError if a split would be empty.

    Args:
        photos: the folder of photos.
        captions: the caption list; None reads a text file beside each photo, photo.txt with one caption a line.
        output: the folder to write to.
        val: share of the photos for validation.
        test: share of the photos for the test.
        seed: decides which photo goes where.
        keep_gray: whether near-gray photos stay.
        force: whether other lists of an earlier build are replaced.
    """
    if not photos.is_dir():
        raise FileNotFoundError(f"{photos}: no such photo folder")
    if val <= 0 or test < 0 or val + test >= 1:
        raise ValueError(
            f"val and test are shares of the photos, val more than 0, and must leave some for training, not {val} and "
            f"{test}"
        )
    expect_build_or_nothing(output, NAME)
    pairs, problems = read_pairs(captions) if captions is not None else _read_text_files(photos)
    readable, bad_photos = check_photos(photos, pairs)
    problems += bad_photos
    if pairs and not readable:
        text = describe(problems, 0)
        raise ProblemsFound(f"{text}\nNot one photo of the list can be used; is {photos} the right folder?")
    usable = captions_by_photo(readable)
    advice = {"if_missing": f"put it into {photos}", "if_gray": "keep it with --keep-gray"}
    if not keep_gray:
        drop_photos(
            usable,
            lambda photo: find_problem(photos / photo, photo, "photos", keep_gray=False, **advice),
            problems,
            "looking for gray photos",
        )
    if captions is not None:
        rows = [*(pair.photo for pair in pairs), *(problem.photo for problem in problems)]
        named = {Path(row).as_posix() for row in rows}  # "./a.png" names a.png
        problems += _photos_without_a_row(photos, captions, named)
    build = Build(problems=problems)
    for name, split in _split(usable, val, test, seed).items():
        if split:
            build.splits[name] = split
        elif name != "test" or test > 0:
            few = f"{len(usable)} usable photos are too few for a {name} set with val={val}, test={test}"
            left = describe(problems, sum(map(len, usable.values())))
            raise ProblemsFound(f"{left}\n{few}" if problems else few)
    if captions is not None:
        build.sources.append(source_of(without_split(captions)[0], "the user's own", "the user's own"))
    return write_build(output, NAME, f"{RULE} val={val:g}, test={test:g}, seed={seed}.", build, force=force)


def _split(captions: Captions, val: float, test: float, seed: int) -> dict[str, Captions]:
    order = sorted(captions, key=lambda photo: key(seed, "split", photo))
    n_test, n_val = (round(share * len(order)) for share in (test, val))
    splits = {"train": order[n_test + n_val :], "val": order[n_test : n_test + n_val], "test": order[:n_test]}
    return {name: {photo: captions[photo] for photo in sorted(split)} for name, split in splits.items()}


def _photos_in(folder: Path) -> list[str]:
    """The photos in a folder, by their names relative to it."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    return sorted(path.relative_to(folder).as_posix() for path in found)


def _photos_without_a_row(photos: Path, captions: Path, named: set[str]) -> list[Problem]:
    """The photos of a folder that no row of a caption list names."""
    advice = f"write a row for it into {captions.name}, or remove the photo"
    return [Problem(captions.name, photo, SILENT, advice) for photo in _photos_in(photos) if photo not in named]


def _read_text_files(photos: Path) -> tuple[list[Pair], list[Problem]]:
    """The captions in the text files beside the photos."""
    pairs: list[Pair] = []
    problems: list[Problem] = []
    for name in _photos_in(photos):
        text = (photos / name).with_suffix(".txt")
        try:
            lines = text.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            problems.append(Problem(text.name, name, SILENT, f"write {text.name} beside it, one caption a line"))
            continue
        except UnicodeDecodeError:
            problems.append(Problem(text.name, name, "broken text", "save it as UTF-8"))
            continue
        own = [
            Pair(name, " ".join(line.split()), number, text.name)
            for number, line in enumerate(lines, 1)
            if line.strip()
        ]
        if not own:
            problems.append(Problem(text.name, name, "empty caption", "write a caption or remove the photo"))
        pairs += own
    return pairs, problems
