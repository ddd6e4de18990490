"""Which photos are colored by which sentences, and where their pictures go: photos, folders and caption lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from lcoins.colorize.photo import checked_sentence
from lcoins.data.caption_lists import captions_by_photo, read_pairs
from lcoins.imaging.decode import FORMATS
from lcoins.imaging.write import OUTPUT_FORMATS

# Suffixes of photos from phones, listed by hand: Pillow knows them only where pillow-heif is installed, and without it
# such photos must be met with an error that names it.
_HEIF_SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif")
# Files of a folder that count as photos: every suffix of a format that read_gray_photo reads.
PHOTO_SUFFIXES = frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS)
PHOTO_SUFFIXES |= frozenset(_HEIF_SUFFIXES)
LIST_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")


@dataclass(frozen=True)
class Job:
    """One photo and its pictures: (sentence, file) pairs, and the sheet that shows them, where there are several."""

    photo: Path
    pictures: tuple[tuple[str, Path], ...]
    sheet: Path | None = None


def plan(source: Path, sentences: Sequence[str], output: Path | None) -> list[Job]:
    """The jobs of one photo, folder or caption list, in order; ValueError or FileNotFoundError for anything else."""
    if source.suffix.lower() in LIST_SUFFIXES and not source.is_dir():
        return _list_jobs(source, sentences, output)
    if not sentences:
        raise ValueError(f'{source}: expected a sentence after it, such as "a red car"; only a list brings its own')
    if source.is_dir():
        return _folder_jobs(source, sentences, output)
    return [_numbered(source, _file_target(source, output, several=len(sentences) > 1), sentences)]


def _numbered(photo: Path, target: Path, sentences: Sequence[str]) -> Job:
    """One picture at ``target``, or several beside it with numbers and a sheet."""
    if len(sentences) == 1:
        return Job(photo, ((sentences[0], target),))
    names = [target.with_name(f"{target.stem}_{number}{target.suffix}") for number in range(1, len(sentences) + 1)]
    return Job(photo, tuple(zip(sentences, names, strict=True)), target.with_name(f"{target.stem}_sheet.png"))


def _list_jobs(path: Path, sentences: Sequence[str], output: Path | None) -> list[Job]:
    """Every photo of a caption list with its own sentences, in the order of the list."""
    if sentences:
        raise ValueError(f"{path} brings its own sentences; leave out {sentences[0]!r}")
    pairs, problems = read_pairs(path)
    if problems:
        raise ValueError(f"{len(problems)} bad rows in {path}, the first: {problems[0]}")
    folder = output or path.with_name(f"{path.stem}_colorized")
    _expect_folder(folder, path)
    return [
        _numbered(path.parent / photo, folder / _picture_name(Path(photo)), list(map(checked_sentence, captions)))
        for photo, captions in captions_by_photo(pairs).items()
    ]


def _folder_jobs(folder: Path, sentences: Sequence[str], output: Path | None) -> list[Job]:
    """Every photo of a folder, sorted; hidden files are left out."""
    target = output or folder.resolve().with_name(f"{folder.resolve().name}_colorized")
    _expect_folder(target, folder)
    if target.resolve() == folder.resolve():
        raise ValueError(f"{target}: the pictures would lie among the photos; choose another folder with -o")
    visible = (path for path in sorted(folder.iterdir()) if not path.name.startswith("."))
    photos = [path for path in visible if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file()]
    if not photos:
        raise ValueError(
            f"{folder}: no photo in it; expected files that end in one of {', '.join(sorted(PHOTO_SUFFIXES))}"
        )
    return [_numbered(photo, target / _picture_name(Path(photo.name)), sentences) for photo in photos]


def _file_target(photo: Path, output: Path | None, several: bool) -> Path:
    """Where the picture of one photo goes; ``output`` may be a file, or a folder (existing, or without a suffix)."""
    if not photo.exists():
        raise FileNotFoundError(f"{photo}: no such photo, folder or list; check the name")
    name = f"{photo.stem}_colorized{_picture_suffix(photo)}"
    if output is None:
        return photo.with_name(name)
    target = output / name if output.is_dir() or not output.suffix else output
    if target.suffix.lower() not in OUTPUT_FORMATS:
        raise ValueError(f"{target}: expected a folder, or a name that ends in one of {', '.join(OUTPUT_FORMATS)}")
    if target.exists() and target.samefile(photo) and not several:
        raise ValueError(f"{target}: the picture would replace the photo itself; choose another name with -o")
    return target


def _expect_folder(target: Path, source: Path) -> None:
    if target.is_file():
        raise ValueError(f"{target}: expected a folder to write to, because {source} holds several; this is a file")


def expect_distinct(jobs: Sequence[Job]) -> None:
    """Refuses two pictures with one name: the second would replace the first."""
    photos: dict[Path, Path] = {}
    for job in jobs:
        for _, target in job.pictures:
            if target in photos:
                raise ValueError(
                    f"{target} would be the picture of {photos[target]} and of {job.photo}; color them in "
                    f"two runs, or name a folder with -o"
                )
            photos[target] = job.photo


def _picture_name(photo: Path) -> Path:
    """The picture's name in another folder: the photo's, with a suffix appended where its format is not written."""
    suffix = _picture_suffix(photo)
    return photo.with_name(f"{photo.name.removesuffix(suffix)}{suffix}")


def _picture_suffix(photo: Path) -> str:
    """The photo's own suffix where that format is written, .jpg for formats of phones, else .png."""
    if photo.suffix.lower() in OUTPUT_FORMATS:
        return photo.suffix
    return ".jpg" if photo.suffix.lower() in (*_HEIF_SUFFIXES, ".avif", ".avifs") else ".png"
