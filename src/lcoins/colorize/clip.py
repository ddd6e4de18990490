"""Colors a numbered folder of frames by one sentence and smooths colors over time (:mod:`lcoins.colorize.temporal`).

A clip has one margin, or none (:meth:`lcoins.color.margins.Margins.common`), which gets no color, as that of a print.
A clip is as good as its frames would be as photos, and flickers less; more is not promised. ``lcoins_frames.json``
beside the pictures says how they were made, so that a run cut short goes on in the same way. Smoothing needs the colors
of the frames that are done, so these go through the network again, but their pictures are not made again: the result is
to the bit that of a run without the break.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from lcoins.color import lab
from lcoins.color.margins import Margins, find_margins
from lcoins.colorize.batch import BatchResult, Progress
from lcoins.colorize.jobs import Job, plan
from lcoins.colorize.photo import (
    along_edges,
    checked_sentence,
    lightness_for_network,
    network_ab,
    recompose_strips,
)
from lcoins.colorize.temporal import STILL, ClipSmoother
from lcoins.colorize.understood import remarks
from lcoins.files import stops_all, write_whole
from lcoins.imaging.decode import load_photo, to_tensor
from lcoins.imaging.near_gray import is_near_gray
from lcoins.imaging.read import GrayPhoto, read_gray_photo
from lcoins.imaging.write import write_picture
from lcoins.locks import locked
from lcoins.models.colorizer import ColorizationSystem
from lcoins.models.grounded import GroundedColorizer
from lcoins.wording import counted

RECORD = "lcoins_frames.json"
SMOOTHING = 0.8  # chosen on one panned clip with film grain, where flicker fell from 1.3 to 0.4 and PSNR stayed
SAMPLED = 9  # frames by which a clip's margin is found
NAMED = 5  # names in one remark, before "and ... more"


@dataclass(frozen=True)
class ClipOptions:
    """How frames are colored and where the pictures go.

    Args:
        output: a folder; None takes ``folder_colorized``.
        smoothing: how much the colors of the past count, 0 (off) to below 1.
        force: remove the pictures that exist and make them again.
        device: where the network lies.
    """

    output: Path | None = None
    smoothing: float = SMOOTHING
    force: bool = False
    device: torch.device | str = "cpu"


@dataclass
class ClipResult(BatchResult):
    """What a run did, and the mean flicker of the colors "before" and "after" smoothing and of the frames' "own"."""

    flicker: dict[str, float] = field(default_factory=dict)


_DEFAULT = ClipOptions()


def colorize_frames(
    colorizer: ColorizationSystem,
    folder: Path,
    sentence: str,
    options: ClipOptions = _DEFAULT,
    weights: str = "",
    progress: Progress = iter,
) -> ClipResult:
    """Colors the frames of a folder in the order of their numbers.

    The last number in a name counts; gaps are allowed and remarked. Frames whose pictures exist are left as they are;
    ValueError where these were made with another sentence, smoothing or system. A frame that cannot be read, or is not
    of the first one's size, is named in the result and the run goes on as if the frame were not there. Flicker is
    measured over all frames, those done before included. ValueError and FileNotFoundError for a folder that is no clip,
    FolderInUse where another process is making these pictures.

    Args:
        colorizer: the system, on the device of the options.
        folder: the frames.
        sentence: one for all frames.
        options: how frames are colored and where the pictures go.
        weights: the checksum of the system's weights, by which another system is told apart.
        progress: wraps the list of frames, as ``rich.progress.track`` does.
    """
    sentence = checked_sentence(sentence)
    smoothing = ClipSmoother(options.smoothing)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of frames, such as frame_0001.png, frame_0002.png ...")
    jobs, notices = numbered_frames(plan([folder], [sentence], options.output))
    made_by = {"sentence": sentence, "smoothing": options.smoothing, "weights": weights}
    with locked(jobs[0].pictures[0][1].parent):
        result = _color_all(colorizer, jobs, smoothing, options, made_by, progress)
    result.notices = notices + result.notices
    return result


def _color_all(
    colorizer: ColorizationSystem,
    jobs: list[Job],
    smoother: ClipSmoother,
    options: ClipOptions,
    made_by: dict[str, object],
    progress: Progress,
) -> ClipResult:
    """Colors the frames whose pictures are missing; ``made_by`` says how, and must agree with those that exist."""
    result = ClipResult()
    targets = [job.pictures[0][1] for job in jobs]
    record = targets[0].parent / RECORD
    if options.force:
        for target in targets:
            target.unlink(missing_ok=True)
    result.skipped = [target for target in targets if target.exists()]
    finished = bool(result.skipped) and _is_finished(record, made_by)
    if finished and len(result.skipped) == len(targets):
        return result
    write_whole(record, _as_json(made_by))
    result.notices += remarks(str(made_by["sentence"]))
    colored, not_found = 0, Counter[str]()
    first: tuple[Path, tuple[int, int]] | None = None
    margins: Margins | None = None
    for job in progress(jobs):
        try:
            frame = read_gray_photo(job.photo)
            first = first or (job.photo, frame.size)
            _expect_size(job.photo, frame.size, *first)
            margins = margins or _margins(colorizer, jobs)
            not_found.update(_color_frame(colorizer, job, frame, margins, smoother, options.device, result))
            colored += 1
        except (ValueError, OSError) as error:
            result.failed[job.photo] = str(error)
            if stops_all(error):
                break
    result.notices += [
        f"{thing!r} was not found, or is too small, in {count:,} of {counted(colored, 'frame')}, so its color goes "
        "anywhere or nowhere there"
        for thing, count in not_found.items()
        if 2 * count > colored
    ]
    result.flicker = {name: flicker.mean for name, flicker in smoother.flickers.items() if flicker.mean is not None}
    write_whole(record, _as_json(made_by | {"flicker": result.flicker}))
    return result


def flicker_report(result: ClipResult) -> list[str]:
    """What to tell the user: how many pictures, and the flicker before and after."""
    lines = [f"wrote {counted(len(result.written), 'picture')} to {result.written[0].parent}"] if result.written else []
    if result.skipped:
        lines.append(f"left as they are: {counted(len(result.skipped), 'picture')} that existed; --force replaces them")
    if "before" in result.flicker:
        own = f"; the frames' own colors: {result.flicker['own']:.2f}" if "own" in result.flicker else ""
        lines.append(
            f"flicker (mean change of ab from frame to frame where L* changes by less than {STILL:g}): "
            f"{result.flicker['before']:.2f} before smoothing, {result.flicker['after']:.2f} after; gray: 0{own}"
        )
    return lines


def numbered_frames(jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
    """The jobs whose photo's name has a number, in that order, and remarks on frames left out and on gaps.

    ValueError where no name has a number, or two names have the same.
    """
    numbers = {job.photo: int(found[-1]) for job in jobs if (found := re.findall(r"\d+", job.photo.stem))}
    folder = jobs[0].photo.parent
    if not numbers:
        raise ValueError(
            f"{folder}: expected frames with numbers in their names, such as frame_0001.png; found {jobs[0].photo.name}"
        )
    frames = sorted((job for job in jobs if job.photo in numbers), key=lambda job: numbers[job.photo])
    gaps = []
    for job, following in pairwise(frames):
        first, second = numbers[job.photo], numbers[following.photo]
        if first == second:
            raise ValueError(
                f"{job.photo} and {following.photo.name} both have the number {first}; expected one "
                f"clip in a folder, the last number in a name counting its frames"
            )
        if second > first + 1:
            gaps.append(str(first + 1) if second == first + 2 else f"{first + 1}-{second - 1}")
    left_out = [job.photo.name for job in jobs if job.photo not in numbers]
    notices = [f"{folder}: skipped, no number in the name: {_first_names(left_out)}"] if left_out else []
    if gaps:
        notices.append(f"{folder}: no frame {_first_names(gaps)}; the frames around a gap are treated as consecutive")
    return frames, notices


def _color_frame(
    colorizer: ColorizationSystem,
    job: Job,
    frame: GrayPhoto,
    margins: Margins,
    smoother: ClipSmoother,
    device: torch.device | str,
    result: ClipResult,
) -> list[str]:
    """Smooths the colors of one frame within its margins, and writes its picture where it is missing.

    Returns the things of the sentence that grounding has not found in the frame.
    """
    ((sentence, target),) = job.pictures
    network_lightness = margins.without(lightness_for_network(colorizer, frame.lightness, device))
    own = frame_ab(load_photo(job.photo), network_lightness.shape[-1])
    slope, offset = smoother.step(
        lab.from_network_lightness(network_lightness.float().cpu()),
        along_edges(network_lightness, network_ab(colorizer, network_lightness, sentence)),
        None if own is None else margins.without(own),
    )
    lost = colorizer.not_found(network_lightness, sentence) if isinstance(colorizer, GroundedColorizer) else []
    if target.exists():
        return lost
    result.notices += frame.notices
    write_picture(target, frame, recompose_strips(frame.lightness, margins.around(offset), margins.around(slope)))
    result.written.append(target)
    return lost


def _margins(colorizer: ColorizationSystem, jobs: Sequence[Job]) -> Margins:
    """The margin that all frames have, by some of them all over the clip; frames that cannot be read do not count."""
    seen = []
    for job in jobs[:: math.ceil(len(jobs) / SAMPLED)]:
        with suppress(ValueError, OSError):
            seen.append(lab.resize_ab(read_gray_photo(job.photo).lightness, (colorizer.image_size,) * 2))
    return find_margins(torch.cat(seen)).common() if seen else Margins([None])


def frame_ab(image: Image.Image, side: int) -> Tensor | None:
    """The ab of a frame's own colors (1, 2, side, side), whose flicker is compared; None where it is hardly tinted."""
    if is_near_gray(image):
        return None
    return lab.split_lab(to_tensor(image.resize((side, side), Image.Resampling.BILINEAR))[None])[1]


def _expect_size(photo: Path, size: tuple[int, int], first: Path, expected: tuple[int, int]) -> None:
    if size != expected:
        raise ValueError(
            f"{photo}: {size[0]} x {size[1]} pixels, but {first.name} has {expected[0]} x {expected[1]}; "
            f"expected frames of one size"
        )


def _is_finished(record: Path, made_by: dict[str, object]) -> bool:
    """Whether the record tells the flicker, the last that is written.

    Refuses pictures that were made in another way than is asked for now, or in an unknown one.
    """
    try:
        found = json.loads(record.read_text(encoding="utf-8"))
        others = [f"{key} {found[key]!r}" for key, value in made_by.items() if found[key] != value]
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ValueError(
            f"{record.parent} holds pictures of these names, and no readable {RECORD} that says how "
            f"they were made; choose another folder with -o, or replace them with --force"
        ) from error
    if others:
        raise ValueError(
            f"{record.parent} holds pictures made with other settings ({', '.join(others)}); choose "
            f"another folder with -o, or replace them with --force"
        )
    return "flicker" in found


def _as_json(record: dict[str, object]) -> str:
    return json.dumps(record, indent=1, ensure_ascii=False) + "\n"


def _first_names(names: Sequence[str]) -> str:
    rest = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {rest} more" if rest > 0 else "")
