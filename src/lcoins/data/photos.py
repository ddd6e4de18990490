"""Captioned photos as a data set, and the check that names every bad photo before training starts."""

import json
import math
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Literal

import torch
from PIL import Image
from rich.progress import track
from torch.utils.data import Dataset

from lcoins.captions import recolour, swap_sides
from lcoins.data.decode import PhotoError, check_photo, load_photo, to_tensor
from lcoins.data.lists import Pair, Problem
from lcoins.data.types import Sample, keyed_random
from lcoins.files import write_whole

Box = tuple[float, float, float, float]  # left, upper, right, lower
RATIO = (3 / 4, 4 / 3)
MISSING = "missing photo"


class Photos(Dataset[Sample]):
    """Photos under ``root`` with their captions, squares of ``image_size`` pixels.

    In training one item per photo and epoch, with one of its captions drawn at random, a random crop of ``crop_scale``
    of its area (None: the whole photo, squashed) and, by ``hflip``, a flip of every second photo: "plain" flips the
    picture alone, "swap_words" exchanges "left" and "right" in the caption too. All draws depend on (seed, epoch,
    index) alone. In evaluation one item per pair, in the list's order, squashed bilinearly as in the paper's protocol.
    ``profiles`` honours embedded colour profiles; published figures, and so the default, take the stored numbers.
    """

    palette = None  # photos have no exact instances

    def __init__(
        self,
        root: Path | str,
        pairs: list[Pair],
        image_size: int,
        *,
        training: bool,
        seed: int,
        crop_scale: tuple[float, float] | None = (0.2, 1.0),
        hflip: Literal["none", "plain", "swap_words"] = "none",
        profiles: bool = False,
    ) -> None:
        if not pairs:
            raise ValueError("expected at least one photo with a caption, got an empty list")
        if crop_scale is not None and not 0 < crop_scale[0] <= crop_scale[1] <= 1:
            raise ValueError(f"crop_scale: expected two areas with 0 < least <= most <= 1, got {tuple(crop_scale)}")
        if hflip not in ("none", "plain", "swap_words"):
            raise ValueError(f"hflip: expected none, plain or swap_words, got {hflip!r}")
        self.root, self.image_size, self.profiles = Path(root), image_size, profiles
        self.training, self.seed, self.crop_scale, self.hflip = training, seed, crop_scale, hflip
        self.captions: dict[str, list[str]] = {}
        for pair in pairs:
            self.captions.setdefault(pair.photo, []).append(pair.caption)
        self.items = list(_places(pairs))
        self.photos = list(self.captions)
        # In shared memory, so that workers which outlive an epoch see the next one.
        self._epoch = torch.zeros((), dtype=torch.int64).share_memory_()

    def set_epoch(self, epoch: int) -> None:
        """Chooses the epoch that the draws depend on; call it before the epoch's first item."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.photos if self.training else self.items)

    def __getitem__(self, index: int) -> Sample:
        return self._training_item(index) if self.training else self._evaluation_item(index)

    def _evaluation_item(self, index: int) -> Sample:
        photo, place = self.items[index]
        side = (self.image_size, self.image_size)
        picture = self._load(photo, None).resize(side, Image.Resampling.BILINEAR)
        recoloured = recolour(self.captions[photo][place], keyed_random(self.seed, "recolour", 0, index))
        return self._sample(picture, index, photo, place, self.captions[photo][place], recoloured)

    def _training_item(self, index: int) -> Sample:
        epoch, photo = int(self._epoch), self.photos[index]
        rng = keyed_random(self.seed, "photo", epoch, index)
        place = rng.randrange(len(self.captions[photo]))
        caption = self.captions[photo][place]
        flipped = self.hflip != "none" and rng.random() < 0.5
        # Enough pixels that the smallest square crop need not be enlarged, and twice those of a squashed photo.
        reduction = self.crop_scale[0] ** 0.5 if self.crop_scale is not None else 0.5
        least = math.ceil(self.image_size / reduction)
        picture = self._load(photo, (least, least))
        box = draw_crop(picture.size, self.crop_scale, rng) if self.crop_scale is not None else None
        picture = picture.resize((self.image_size, self.image_size), Image.Resampling.BICUBIC, box=box)
        if flipped:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        if flipped and self.hflip == "swap_words":
            caption = swap_sides(caption)
        recoloured = recolour(caption, keyed_random(self.seed, "recolour", epoch, index))
        return self._sample(picture, index, photo, place, caption, recoloured)

    def _load(self, photo: str, size: tuple[int, int] | None) -> Image.Image:
        try:
            return load_photo(self.root / photo, size, profile=self.profiles)
        except (PhotoError, FileNotFoundError) as error:
            raise ValueError(f"photo {photo!r} can no longer be read, though training had started: {error}") from error

    def _sample(
        self, picture: Image.Image, index: int, photo: str, place: int, caption: str, recoloured: str
    ) -> Sample:
        name = photo if len(self.captions[photo]) == 1 else f"{photo}_{place}"
        return Sample(to_tensor(picture), caption, recoloured, index, name, photo=photo)


def _places(pairs: list[Pair]) -> Iterator[tuple[str, int]]:
    """Each pair as (photo, place of its caption among the photo's own)."""
    seen = Counter[str]()
    for pair in pairs:
        yield pair.photo, seen[pair.photo]
        seen[pair.photo] += 1


def draw_crop(size: tuple[int, int], scale: tuple[float, float], rng: Random) -> Box:
    """A box inside a picture of ``size`` (width, height): area uniform in ``scale``, log of the ratio uniform.

    The rule of torchvision's RandomResizedCrop: ten tries, then the largest central box of an allowed ratio.
    """
    width, height = size
    for _ in range(10):
        area = width * height * rng.uniform(*scale)
        ratio = math.exp(rng.uniform(math.log(RATIO[0]), math.log(RATIO[1])))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            left, upper = rng.randint(0, width - w), rng.randint(0, height - h)
            return left, upper, left + w, upper + h
    w = min(width, max(1, round(height * RATIO[1])))
    h = min(height, max(1, round(width / RATIO[0])))
    left, upper = (width - w) // 2, (height - h) // 2
    return left, upper, left + w, upper + h


class ProblemsFound(ValueError):
    """Raised before training when photos or captions are bad; the message is the report, cut to twenty rows."""


def check_photos(
    root: Path | str,
    pairs: list[Pair],
    problems: list[Problem],
    *,
    on_problem: Literal["stop", "leave_out"] = "stop",
    progress: bool = False,
    report: Path | None = None,
) -> list[Pair]:
    """Decodes every photo once and returns the pairs that can be trained on.

    ``problems`` holds what :func:`read_pairs` found; what the photos add is appended to it, so that the caller can log
    it all (:func:`describe`). With "stop", any problem raises :class:`ProblemsFound`; with "leave_out", only that
    nothing is left does. ``report`` names a file for the full report, one JSON object a line.
    """
    root = Path(root)
    if on_problem not in ("stop", "leave_out"):
        raise ValueError(f"on_problem: expected stop or leave_out, got {on_problem!r}")
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such photo folder; set data.root to the folder that holds the photos")
    by_photo: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_photo.setdefault(pair.photo, []).append(pair)
    bad: set[str] = set()
    for photo, problem in _photo_problems(root, by_photo, progress):
        if problem is not None:
            bad.add(photo)
            problems.append(problem)
    good = [pair for pair in pairs if pair.photo not in bad]
    if problems and report is not None:
        write_report(report, problems)
    if problems and (on_problem == "stop" or not good):
        text = describe(problems, len(good), report)
        absent = sum(problem.what == MISSING for problem in problems)
        if by_photo and absent == len(by_photo):
            text += f"\nNot one photo of the list is in {root}; is that the right folder?"
        elif good:
            text += "\nMend these, or leave them out (on_problem=leave_out)."
        raise ProblemsFound(text)
    return good


def describe(problems: list[Problem], good: int, report: Path | None = None, most: int = 20) -> str:
    """The report as text: how many of each kind beside ``good`` usable captions, then the first ``most`` of them."""
    kinds = ", ".join(f"{count} {kind}" for kind, count in Counter(problem.what for problem in problems).most_common())
    lines = [f"{len(problems)} problems ({kinds}) beside {good} usable captions:"]
    lines += [f"  {problem}" for problem in problems[:most]]
    if len(problems) > most:
        lines.append(f"  and {len(problems) - most} more")
    if report is not None:
        lines.append(f"The full report is {report}")
    return "\n".join(lines)


def _photo_problems(
    root: Path, by_photo: dict[str, list[Pair]], progress: bool
) -> Iterator[tuple[str, Problem | None]]:
    """Each photo with what is wrong with it. Threads suffice: Pillow decodes outside the interpreter's lock."""
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda photo: _photo_problem(root, photo, by_photo[photo]), by_photo)
        yield from zip(
            by_photo,
            track(found, "checking photos", total=len(by_photo), disable=not progress),
            strict=True,
        )


def _photo_problem(root: Path, photo: str, pairs: list[Pair]) -> Problem | None:
    first, *others = sorted({pair.line for pair in pairs})
    where = f"{pairs[0].source or 'caption list'} line {first}" + "".join(f", {line}" for line in others)
    try:
        check_photo(root / photo)
    except FileNotFoundError:
        found = _similar(root, photo)
        advice = (
            f"{found.relative_to(root)} is there; is it meant?" if found else f"put it into {root} or remove the line"
        )
        return Problem(where, photo, MISSING, advice)
    except PhotoError as error:
        return Problem(where, photo, error.kind, error.advice, error.detail)
    return None


def _similar(root: Path, photo: str) -> Path | None:
    """A file that may be meant by a missing name: another ending, or not in the sub-folder that the list names."""
    for path in (root / photo, root / Path(photo).name):
        for ending in (path.suffix, ".jpg", ".JPG", ".jpeg", ".png", ".PNG", ".webp"):
            candidate = path.with_suffix(ending)
            if os.path.isfile(candidate):  # never raises
                return candidate
    return None


def write_report(report: Path, problems: list[Problem]) -> None:
    """Writes all problems, one JSON object a line."""
    write_whole(report, "".join(json.dumps(asdict(problem), ensure_ascii=False) + "\n" for problem in problems))
