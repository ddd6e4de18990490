"""Photos as files to pictures as files: one, many, or a list of them, each with one sentence or several.

What is there is never replaced unless asked, a picture appears whole or not at all, and a run that was cut short is
taken up where it ended.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lcoins.color import lab
from lcoins.colorize.photo import (
    SupportsColorize,
    checked_sentence,
    fitted,
    joined,
    network_lightness,
    paint_strips,
    recompose,
    used_words,
)
from lcoins.colorize.word_effect import words_without_effect
from lcoins.data.caption_lists import captions_by_photo, read_pairs
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet
from lcoins.files import whole_file
from lcoins.imaging.decode import FORMATS, load_photo
from lcoins.imaging.metadata import WRITTEN
from lcoins.imaging.read import Scan, read_scan
from lcoins.imaging.sixteen_bit_files import DEEP_KINDS, write_deep

# Of photos from phones; named here too, for without their library Pillow does not know them, and one must be told.
_HEIF_SUFFIXES = (".heic", ".heics", ".heif", ".heifs", ".hif")
# Files of a folder that count as photos: every suffix of a format that load_photo reads.
PHOTO_SUFFIXES = frozenset(suffix for suffix, name in Image.registered_extensions().items() if name in FORMATS)
PHOTO_SUFFIXES |= frozenset(_HEIF_SUFFIXES)
LIST_SUFFIXES = (".csv", ".tsv", ".json", ".jsonl")
PANEL = 448  # pixels of a picture's longer side on a sheet of variants


@dataclass(frozen=True)
class Job:
    """One photo and its pictures: (sentence, file) pairs, and the sheet that shows them, where there are several."""

    photo: Path
    pictures: tuple[tuple[str, Path], ...]
    sheet: Path | None = None


@dataclass
class BatchResult:
    """What a run did: pictures written, outputs already there, photos that failed and why, remarks for the user."""

    written: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)


Progress = Callable[[list[Job]], Iterable[Job]]


def colorize_files(
    colorizer: SupportsColorize,
    sources: Sequence[Path],
    sentences: Sequence[str],
    *,
    output: Path | None = None,
    force: bool = False,
    restore_tone: bool = False,
    strength: float = 1.0,
    device: torch.device | str = "cpu",
    progress: Progress = iter,
) -> BatchResult:
    """Colors photos, folders of photos and caption lists, and writes the pictures.

    Photos and folders take every sentence of ``sentences``; a list (.csv, .json ...) brings its own, for photos beside
    it. Without ``output`` the picture of ``photo.jpg`` is ``photo_colorized.jpg`` beside it, those of ``folder`` lie in
    ``folder_colorized`` and those of ``list.csv`` in ``list_colorized``. Several sentences give ``..._1``, ``..._2``
    and a sheet of all. A single picture that cannot be made, or that exists while ``force`` is off, raises (ValueError,
    FileNotFoundError, FileExistsError). Of several, the run goes on past photos that cannot be read and pictures that
    exist; the result tells both. ``restore_tone`` colors old prints without their own tint and with the contrast that
    has faded (:mod:`lcoins.imaging.restore`). ``progress`` wraps the list of jobs, as ``rich.progress.track`` does.
    """
    sentences = [checked_sentence(sentence) for sentence in sentences]
    jobs = [job for source in sources for job in plan(source, sentences, output)]
    _expect_distinct(jobs)
    result = BatchResult()
    for sentence in dict.fromkeys(sentence for job in jobs for sentence, _ in job.pictures):
        if not used_words(sentence):
            result.notices.append(
                f"no color word known in {sentence!r} (such as red, blue, brown): the model has to guess"
            )
    if len(jobs) == 1 and len(jobs[0].pictures) == 1 and sources[0].is_file() and sentences:
        ((_, target),) = jobs[0].pictures
        if target.exists() and not force:
            raise FileExistsError(f"{target} exists; choose another name with -o, or replace it with --force")
        _do(colorizer, jobs[0], force, restore_tone, strength, device, result)
        return result
    for job in progress(jobs):
        try:
            _do(colorizer, job, force, restore_tone, strength, device, result)
        except (ValueError, FileNotFoundError) as error:
            result.failed[job.photo] = str(error)
    if result.skipped:
        result.notices.append(
            f"{len(result.skipped)} pictures existed and were left as they are; --force replaces them"
        )
    return result


def plan(source: Path, sentences: Sequence[str], output: Path | None) -> list[Job]:
    """The jobs of one photo, folder or caption list, in order; ValueError or FileNotFoundError for what is none."""
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
    names = [target.with_name(f"{target.stem}_{place}{target.suffix}") for place in range(1, len(sentences) + 1)]
    return Job(photo, tuple(zip(sentences, names, strict=True)), target.with_name(f"{target.stem}_sheet.png"))


def _do(
    colorizer: SupportsColorize,
    job: Job,
    force: bool,
    restore_tone: bool,
    strength: float,
    device: torch.device | str,
    result: BatchResult,
) -> None:
    """Makes the pictures of a job that are missing, or all of them; the photo is read once."""
    wanted = [(sentence, target) for sentence, target in job.pictures if force or not target.exists()]
    result.skipped += [picture[1] for picture in job.pictures if picture not in wanted]
    if not wanted:
        return
    scan = read_scan(job.photo, restore_tone=restore_tone)
    for _, target in wanted:
        kind, _, longest = WRITTEN[target.suffix.lower()]
        if max(scan.size) > longest:
            size = f"{scan.size[0]} x {scan.size[1]}"
            raise ValueError(
                f"{job.photo}: {kind} holds at most {longest} pixels a side, not {size}; name a .png with -o"
            )
    seen = network_lightness(colorizer, scan.lightness, device)
    result.notices += scan.notices
    for sentence, target in wanted:
        with whole_file(target) as partial:
            write_picture(
                partial, target.suffix, scan, paint_strips(colorizer, scan.lightness, seen, sentence, strength)
            )
        result.written.append(target)
        for word in dict.fromkeys(word.word for word in words_without_effect(colorizer, seen, sentence)):
            result.notices.append(
                f"{job.photo}: {word!r} found no region: any other color would give nearly the same picture"
            )
    if job.sheet is not None:
        _write_sheet(job, scan.lightness)
        result.written.append(job.sheet)


def write_picture(path: Path, suffix: str, scan: Scan, parts: Iterator[Tensor]) -> None:
    """Writes strips (R, W, 3) of sRGB in [0, 1] in the format that ``suffix`` names, with what is kept of the photo.

    Of a photo of 16 bits a PNG or TIFF has 16 bits too.
    """
    kind, options, _ = WRITTEN[suffix.lower()]
    if scan.bits == 16 and kind in DEEP_KINDS:
        levels = ((part * 65535).round().to(torch.int32).numpy().astype(np.uint16) for part in parts)
        write_deep(path, kind, scan.size, levels, scan.metadata)
    else:
        joined(scan.lightness, parts).save(path, format=kind, **options, **scan.metadata)


def _write_sheet(job: Job, lightness: Tensor) -> None:
    """Photo and picture of each sentence, side by side."""

    def panel(image: Image.Image) -> np.ndarray:
        image.thumbnail((PANEL, PANEL))
        return np.asarray(image)

    height, width = lightness.shape[-2:]
    small = lab.resize_ab(lightness, fitted((height, width), PANEL))
    gray = np.asarray(recompose(small, torch.zeros(1, 2, 1, 1)))
    assert job.sheet is not None
    rows = [
        SheetRow(sentence, {"photo": gray, "in color": panel(load_photo(target, (PANEL, PANEL)))})
        for sentence, target in job.pictures
    ]
    contact_sheet(rows, job.sheet, panel_size=PANEL)


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
        _numbered(path.parent / photo, folder / _picture_name(Path(photo)), list(map(checked_sentence, own)))
        for photo, own in captions_by_photo(pairs).items()
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
    if target.suffix.lower() not in WRITTEN:
        raise ValueError(f"{target}: expected a folder, or a name that ends in one of {', '.join(WRITTEN)}")
    if target.exists() and target.samefile(photo) and not several:
        raise ValueError(f"{target}: the picture would replace the photo itself; choose another name with -o")
    return target


def _expect_folder(target: Path, source: Path) -> None:
    if target.is_file():
        raise ValueError(f"{target}: expected a folder to write to, because {source} holds several; this is a file")


def _expect_distinct(jobs: Sequence[Job]) -> None:
    """Refuses two pictures of one name: the second would replace the first."""
    seen: dict[Path, Path] = {}
    for job in jobs:
        for _, target in job.pictures:
            if target in seen:
                raise ValueError(
                    f"{target} would be the picture of {seen[target]} and of {job.photo}; color them in "
                    f"two runs, or name a folder with -o"
                )
            seen[target] = job.photo


def _picture_name(photo: Path) -> Path:
    """The picture's name in a folder of its own: the photo's, with another ending where that is not written."""
    suffix = _picture_suffix(photo)
    return photo.with_name(f"{photo.name.removesuffix(suffix)}{suffix}")


def _picture_suffix(photo: Path) -> str:
    """The photo's own suffix where pictures are written in that format; of a phone's photo .jpg, else .png."""
    if photo.suffix.lower() in WRITTEN:
        return photo.suffix
    return ".jpg" if photo.suffix.lower() in (*_HEIF_SUFFIXES, ".avif", ".avifs") else ".png"
