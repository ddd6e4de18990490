"""Photos as files to pictures as files: one, many, or a list of them, each with one sentence or several.

A picture that exists is never replaced unless asked, a picture appears whole or not at all, and a run that was cut
short goes on where it ended.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from lcoins.color import lab
from lcoins.colorize.by_hand import HandHint, placed
from lcoins.colorize.jobs import Job, plan
from lcoins.colorize.photo import (
    checked_sentence,
    fitted,
    lightness_for_network,
    recompose,
    recompose_strips,
)
from lcoins.colorize.sentence_colors import sentence_colors
from lcoins.colorize.understood import remarks_on_all, without_colors
from lcoins.evaluation.contact_sheet import SheetRow, contact_sheet
from lcoins.files import expect_name, stops_all
from lcoins.imaging.decode import load_photo
from lcoins.imaging.quiet import MAX_PIXELS
from lcoins.imaging.read import GrayPhoto, read_gray_photo
from lcoins.imaging.write import OUTPUT_FORMATS, write_picture
from lcoins.models.colorizer import ColorizationSystem

PANEL = 448  # pixels of a picture's longer side on a sheet of variants


@dataclass(frozen=True)
class PhotoOptions:
    """How photos are colored and where the pictures go.

    Args:
        output: a file or folder; None puts pictures beside the photo, the folder or the list.
        force: replace pictures that exist.
        restore_tone: color old prints without their own tint and with faded contrast brought back
            (:mod:`lcoins.imaging.restore`).
        strength: factor of the colors: 0 gives the gray photo, 1 the network's own colors.
        device: where the network lies.
        hints: colors given by hand, which override the network's where they act; for a single photo.
        max_pixels: of a photo; larger ones are refused.
    """

    output: Path | None = None
    force: bool = False
    restore_tone: bool = False
    strength: float = 1.0
    device: torch.device | str = "cpu"
    hints: tuple[HandHint, ...] = ()
    max_pixels: int = MAX_PIXELS


@dataclass
class BatchResult:
    """What a run did: pictures written, pictures that existed, photos that failed and why, remarks for the user.

    ``effects`` says for each picture how much of it each color of its sentence changed.
    """

    written: list[Path] = field(default_factory=list)
    skipped: list[Path] = field(default_factory=list)
    failed: dict[Path, str] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)


Progress = Callable[[list[Job]], Iterable[Job]]
_DEFAULT = PhotoOptions()


def colorize_files(
    colorizer: ColorizationSystem,
    sources: Sequence[Path],
    sentences: Sequence[str],
    options: PhotoOptions = _DEFAULT,
    progress: Progress = iter,
) -> BatchResult:
    """Colors photos, folders of photos and caption lists, and writes the pictures.

    Photos and folders take every sentence of ``sentences``; a list (.csv, .json ...) brings its own, for photos beside
    it. Without an output the picture of ``photo.jpg`` is ``photo_colorized.jpg`` beside it, those of ``folder`` lie in
    ``folder_colorized`` and those of ``list.csv`` in ``list_colorized``. Several sentences give ``..._1``, ``..._2``
    and a sheet of all. A single picture that cannot be made, or that exists and may not be replaced, raises ValueError,
    FileNotFoundError or FileExistsError. With several pictures, the run goes on past photos that cannot be read and
    pictures that exist; the result lists both.

    Args:
        colorizer: the system, on the device of the options.
        sources: photos, folders and lists.
        sentences: none for lists.
        options: how photos are colored and where the pictures go.
        progress: wraps the list of jobs, as ``rich.progress.track`` does.
    """
    sentences = [checked_sentence(sentence) for sentence in sentences]
    jobs = plan(sources, sentences, options.output)
    if options.hints and len(jobs) != 1:
        raise ValueError(f"hints belong to one photo, but {len(jobs)} are to be colored; give one photo, or no hints")
    result = BatchResult()
    said = list(dict.fromkeys(sentence for job in jobs for sentence, _ in job.pictures))
    for some in [[one] for one in said] if sentences else [said]:  # a list may have thousands
        result.notices += [*without_colors(some), *remarks_on_all(some)]
    if len(jobs) == 1 and len(jobs[0].pictures) == 1 and sources[0].is_file() and sentences:
        ((_, target),) = jobs[0].pictures
        expect_name(target)
        if target.exists() and not options.force:
            raise FileExistsError(f"{target} exists; choose another name with -o, or replace it with --force")
        color_job(colorizer, jobs[0], options, result)
        return result
    for number, job in enumerate(progress(jobs), start=1):
        try:
            color_job(colorizer, job, options, result)
        except (ValueError, OSError) as error:
            result.failed[job.photo] = str(error)
            if stops_all(error):
                result.notices.append(f"stopped here; photos that were not tried: {len(jobs) - number}")
                break
    if len(result.skipped) == 1:
        result.notices.append(f"{result.skipped[0]} existed and was left as it is; --force replaces it")
    elif result.skipped:
        result.notices.append(
            f"{len(result.skipped):,} pictures existed and were left as they are, the first {result.skipped[0]}; "
            f"--force replaces them"
        )
    return result


def color_job(colorizer: ColorizationSystem, job: Job, options: PhotoOptions, result: BatchResult) -> None:
    """Makes the pictures and the sheet of a job that are missing, or all of them; the photo is read once.

    ``result`` takes what was done. ValueError and OSError say why a photo or picture fails.
    """
    for target in job.targets:
        expect_name(target)
    missing = {target for target in job.targets if options.force or not target.exists()}
    result.skipped += [target for target in job.targets if target not in missing]
    if not missing:
        return
    wanted = [(sentence, target) for sentence, target in job.pictures if target in missing]
    photo = read_gray_photo(job.photo, restore_tone=options.restore_tone, max_pixels=options.max_pixels)
    for _, target in wanted:
        _expect_fits(job.photo, photo, target)
    network_lightness = lightness_for_network(colorizer, photo.lightness, options.device)
    hints = placed(options.hints, photo.size, colorizer.image_size)
    result.notices += photo.notices
    if photo.tinted:
        tinted = "looks like a tinted print; --restore-tone takes the tint away before it is colored"
        result.notices.append(f"{job.photo}: {tinted}")
    for sentence, target in wanted:
        colors = sentence_colors(colorizer, network_lightness, sentence, hints)
        strips = recompose_strips(photo.lightness, colors.offset, colors.slope, strength=options.strength)
        write_picture(target, photo, strips)
        result.written.append(target)
        for word in colors.silent():
            result.notices.append(
                f"{job.photo}: {word!r} found no region: any other color would give nearly the same picture"
            )
        for thing in colors.not_found:
            result.notices.append(
                f"{job.photo}: {thing!r} was not found or is too small, so its color goes anywhere or nowhere; "
                "--hint or --mask gives it by hand"
            )
        if shares := [f"{word!r} {share:.0%}" for word, share in colors.shares()]:
            result.effects.append(f"{target}: of the picture, {', '.join(shares)}")
    if job.sheet is not None and job.sheet in missing:
        _write_sheet(job, job.sheet, photo.lightness, missing)
        result.written.append(job.sheet)


def _expect_fits(path: Path, photo: GrayPhoto, target: Path) -> None:
    """Refuses a picture with more pixels a side than its format holds."""
    output = OUTPUT_FORMATS[target.suffix.lower()]
    if max(photo.size) > output.longest_side:
        raise ValueError(
            f"{path}: {output.name} holds at most {output.longest_side} pixels a side, not "
            f"{photo.size[0]} x {photo.size[1]}; name a .png with -o"
        )


def _write_sheet(job: Job, sheet: Path, lightness: Tensor, made: Collection[Path]) -> None:
    """The gray photo and the picture of each sentence, side by side.

    A picture that is none of the ``made`` ones was there before, perhaps by another sentence.
    """

    def panel(image: Image.Image) -> np.ndarray:
        image.thumbnail((PANEL, PANEL))
        return np.asarray(image)

    height, width = lightness.shape[-2:]
    small = lab.resize_ab(lightness, fitted((height, width), PANEL))
    gray = np.asarray(recompose(small, torch.zeros(1, 2, 1, 1)))
    said = {
        target: sentence if target in made else f"{target.name}, as it was there" for sentence, target in job.pictures
    }
    rows = [
        SheetRow(text, {"photo": gray, "in color": panel(load_photo(target, (PANEL, PANEL)))})
        for target, text in said.items()
    ]
    contact_sheet(rows, sheet, panel_size=PANEL)
