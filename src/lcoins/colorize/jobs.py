"""Which photos are colored by which sentences, and where their pictures go: photos, folders and caption lists."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lcoins.colorize.photo import checked_sentence
from lcoins.data.caption_lists import LIST_SUFFIXES, read_pairs
from lcoins.data.pairs import captions_by_photo
from lcoins.imaging.decode import HEIF_SUFFIXES, PHOTO_SUFFIXES
from lcoins.imaging.write import OUTPUT_FORMATS


@dataclass(frozen=True)
class Job:
    """One photo and its pictures: (sentence, file) pairs, and the sheet that shows them, where there are several."""

    photo: Path
    pictures: tuple[tuple[str, Path], ...]
    sheet: Path | None = None

    @property
    def targets(self) -> tuple[Path, ...]:
        """All files that the job writes."""
        return (*(target for _, target in self.pictures), *([self.sheet] if self.sheet is not None else []))


@dataclass(frozen=True)
class _Wish:
    """A photo, its sentences, and the file of its picture: with several, that of which their names are made."""

    photo: Path
    target: Path
    sentences: Sequence[str]


def plan(sources: Sequence[Path], sentences: Sequence[str], output: Path | None) -> list[Job]:
    """The jobs of photos, folders and caption lists, in order, no file of which is another's, a photo or a list.

    ValueError or FileNotFoundError for anything else.
    """
    wishes = [wish for source in sources for wish in _wishes(source, sentences, output)]
    jobs = _named(wishes)
    _expect_safe(jobs, sources)
    return jobs


def _wishes(source: Path, sentences: Sequence[str], output: Path | None) -> list[_Wish]:
    """What is asked for of one photo, folder or list."""
    if source.suffix.lower() in LIST_SUFFIXES and not source.is_dir():
        return _of_list(source, sentences, output)
    if not sentences:
        raise ValueError(f'{source}: expected a sentence after it, such as "a red car"; only a list brings its own')
    if source.is_dir():
        return _of_folder(source, sentences, output)
    return [_Wish(source, _file_target(source, output), sentences)]


def _named(wishes: Sequence[_Wish]) -> list[Job]:
    """One picture at the target of each, or several beside it with numbers and a sheet.

    Photos whose names differ by a suffix that is not written, such as a.jpg and a.heic, would have the same picture,
    and a.jpg and a.png the same sheet: those keep the whole name.
    """
    same = Counter(wish.target for wish in wishes)
    targets = [_with_suffix(wish) if same[wish.target] > 1 else wish.target for wish in wishes]
    sheets = Counter(target.with_name(f"{target.stem}_sheet.png") for target in targets)
    jobs = []
    for wish, target in zip(wishes, targets, strict=True):
        if len(wish.sentences) == 1:
            jobs.append(Job(wish.photo, ((wish.sentences[0], target),)))
            continue
        sheet = target.with_name(f"{target.stem}_sheet.png")
        if sheets[sheet] > 1:
            sheet = target.with_name(f"{target.name}_sheet.png")
        numbers = range(1, len(wish.sentences) + 1)
        names = [target.with_name(f"{target.stem}_{number}{target.suffix}") for number in numbers]
        jobs.append(Job(wish.photo, tuple(zip(wish.sentences, names, strict=True)), sheet))
    return jobs


def _with_suffix(wish: _Wish) -> Path:
    """The target with the photo's own suffix in its name, where it has another one and is named after the photo."""
    photo, target = wish.photo, wish.target
    if target.suffix == photo.suffix or not target.name.startswith(f"{photo.stem}_colorized"):
        return target
    return target.with_name(f"{photo.name}_colorized{target.suffix}")


def _expect_safe(jobs: Sequence[Job], sources: Sequence[Path]) -> None:
    """Refuses a picture or sheet that would replace a photo or list of the run, under any of its names, or another."""
    originals = {_identity(path): path for path in (*sources, *(job.photo for job in jobs))}
    taken: dict[object, Path] = {}
    for job in jobs:
        for target in job.targets:
            identity = _identity(target)
            if identity in originals:
                raise ValueError(
                    f"{target} would replace {originals[identity]}, which is an original of this run; choose another "
                    f"name or folder with -o, or leave the original out"
                )
            if os.path.isdir(target):  # unlike Path.is_dir, no error for a name that is too long
                raise ValueError(f"{target} is a folder; remove it, or choose another name with -o")
            if identity in taken:
                raise ValueError(
                    f"{target} would be the picture of {taken[identity]} and of {job.photo}; color them in two "
                    f"runs, each into a folder of its own with -o"
                )
            taken[identity] = job.photo


def _identity(path: Path) -> object:
    """What two paths of one file have in common: its number on its disk, or for a file to come its real path."""
    try:
        status = path.stat()
        return status.st_dev, status.st_ino
    except (OSError, ValueError):
        return os.path.join(os.path.realpath(path.parent), path.name)


def _of_list(path: Path, sentences: Sequence[str], output: Path | None) -> list[_Wish]:
    """Every photo of a caption list with its own sentences, in the order of the list."""
    if sentences:
        raise ValueError(f"{path} brings its own sentences; leave out {sentences[0]!r}")
    pairs, problems = read_pairs(path)
    if problems:
        raise ValueError(f"{path}: bad rows: {len(problems):,}, the first: {problems[0]}")
    folder = output or path.with_name(f"{path.stem}_colorized")
    _expect_folder(folder, path)
    return [
        _Wish(path.parent / photo, folder / _picture_name(Path(photo)), list(map(checked_sentence, captions)))
        for photo, captions in captions_by_photo(pairs).items()
    ]


def _of_folder(folder: Path, sentences: Sequence[str], output: Path | None) -> list[_Wish]:
    """Every photo of a folder, sorted; hidden files are left out."""
    target = output or folder.resolve().with_name(f"{folder.resolve().name}_colorized")
    _expect_folder(target, folder)
    if target.resolve() == folder.resolve():
        raise ValueError(f"{target}: the pictures would lie among the photos; choose another folder with -o")
    visible = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    photos = [path for path in visible if path.suffix.lower() in PHOTO_SUFFIXES and not path.is_dir()]
    if not photos:
        raise ValueError(
            f"{folder}: no photo in it; expected files that end in one of {', '.join(sorted(PHOTO_SUFFIXES))}"
        )
    return [_Wish(photo, target / _picture_name(Path(photo.name)), sentences) for photo in photos]


def _file_target(photo: Path, output: Path | None) -> Path:
    """Where the picture of one photo goes; ``output`` may be a file, or a folder (existing, or without a suffix)."""
    if not photo.exists():
        raise FileNotFoundError(f"{photo}: no such photo, folder or list; check the name")
    name = f"{photo.stem}_colorized{_picture_suffix(photo)}"
    if output is None:
        return photo.with_name(name)
    target = output / name if output.is_dir() or not output.suffix else output
    if target.suffix.lower() not in OUTPUT_FORMATS:
        raise ValueError(f"{target}: expected a folder, or a name that ends in one of {', '.join(OUTPUT_FORMATS)}")
    return target


def _expect_folder(target: Path, source: Path) -> None:
    if target.is_file():
        raise ValueError(f"{target}: expected a folder to write to, because {source} holds several; this is a file")


def _picture_name(photo: Path) -> Path:
    """The picture's name in another folder: the photo's, with a suffix appended where its format is not written."""
    suffix = _picture_suffix(photo)
    return photo.with_name(f"{photo.name.removesuffix(suffix)}{suffix}")


def _picture_suffix(photo: Path) -> str:
    """The photo's own suffix where that format is written, .jpg for formats of phones, else .png."""
    if photo.suffix.lower() in OUTPUT_FORMATS:
        return photo.suffix
    return ".jpg" if photo.suffix.lower() in (*HEIF_SUFFIXES, ".avif", ".avifs") else ".png"
