"""Makes a captioned data set of any photos with masks, as the Multi-instance data set is one. Not part of the paper.

Every photo is described from its own pixels and outlines under seeds made of its name, so that neither the number of
processes nor an interruption changes a letter.
"""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import lcoins
from lcoins.color.lab import split_lab
from lcoins.data.ahead import done_ahead
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.described_files import DescribedFiles, DescribeProgress, Row, json_of, open_rows, write_described
from lcoins.data.descriptions import Description, describe_parts
from lcoins.data.pack import Pack
from lcoins.data.pairs import Problem
from lcoins.data.photo_store import PhotoFolder, open_photos
from lcoins.data.scene_parts import find_parts
from lcoins.data.types import keyed_random
from lcoins.data.validate import MISSING
from lcoins.files import sha256_of
from lcoins.imaging.decode import PhotoError
from lcoins.imaging.near_gray import is_near_gray
from lcoins.locks import locked

SIDE = 224  # pixels of a square that a photo is squashed to when it is looked at
PHOTOS_PER_TASK = 16
TASKS_AHEAD = 3  # per process: so many wait or are done at most, so that memory stays bounded


@dataclass(frozen=True)
class Describer:
    """Describes photos of one folder or pack, up to ``captions`` sentences each; may be sent to another process."""

    root: Path
    instances: str  # the file's name, for reports
    captions: int
    seed: int

    def rows(self, source: PhotoFolder | Pack, photos: Iterable[tuple[str, CocoInstances]]) -> list[Row]:
        """The rows of photos, each with its instances alone."""
        return [self._row(source, photo, instances) for photo, instances in photos]

    def _row(self, source: PhotoFolder | Pack, photo: str, instances: CocoInstances) -> Row:
        if photo not in source:
            return _problem(self.instances, photo, MISSING, f"put it into {self.root}, or leave it out")
        try:
            picture = Image.fromarray(source.load(photo, (SIDE, SIDE)))
        except FileNotFoundError:
            return _problem(self.instances, photo, MISSING, f"put it into {self.root}, or leave it out")
        except PhotoError as error:
            return _problem(self.instances, photo, error.kind, error.advice, error.detail)
        if is_near_gray(picture):
            return _problem(self.instances, photo, "near-gray photo", "it has no colors to name")
        said = self._describe(picture, photo, instances)
        if not said:
            return {"photo": photo}
        annotations = [
            annotation | {"described": meanings}
            for number, annotation in enumerate(instances.annotations(photo))
            if (meanings := _meanings(number, said))
        ]
        return {
            "photo": photo,
            "size": instances.size(photo),
            "captions": [one.caption for one in said],
            "pairs": [one.pairs for one in said],
            "annotations": annotations,
        }

    def _describe(self, picture: Image.Image, photo: str, instances: CocoInstances) -> list[Description]:
        small = np.array(picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR))
        lightness, ab = split_lab(torch.from_numpy(small).permute(2, 0, 1)[None].float() / 255)
        found = instances.crop(photo, SIDE)
        parts = find_parts(found, lightness[0, 0], ab[0], keyed_random(self.seed, "parts", photo))
        return describe_parts(parts, self.captions, lambda n: keyed_random(self.seed, "describe", photo, n))


def _problem(where: str, photo: str, what: str, advice: str, detail: str = "") -> Row:
    return {"photo": photo, "problem": asdict(Problem(where, photo, what, advice, detail))}


def _meanings(instance: int, said: list[Description]) -> list[list[Any]]:
    """[caption, word, color] of each name that means an instance, as :mod:`lcoins.data.coco_format` reads it."""
    return [
        [number, reference.word, reference.color]
        for number, one in enumerate(said)
        for reference in one.references
        if instance in reference.thing.ones
    ]


def describe_photos(
    root: Path | str,
    instances: Path | str,
    output: Path | str,
    *,
    captions: int = 1,
    seed: int = 0,
    processes: int | None = None,
) -> Iterator[DescribeProgress]:
    """Describes the photos that a file of instances names and yields the progress now and then.

    Writes the caption list ``output`` and, beside it, the files of :class:`DescribedFiles`. A run that was interrupted
    goes on when it is started again with the same options; a finished one is left as it is. Raises FileNotFoundError
    without photos or instances, FileExistsError for an ``output`` made otherwise, FolderInUse while another process
    describes there, ValueError where nothing can be said.

    Args:
        root: folder of photos, or a pack.
        instances: JSON in COCO's format.
        output: the caption list to write, *.json.
        captions: sentences of a photo, at most; they differ.
        seed: decides what is said and how.
        processes: photos described at once; None: one per core.
    """
    output, instances = Path(output), Path(instances)
    if output.suffix != ".json" or captions < 1 or (processes is not None and processes < 1):
        raise ValueError(
            f"expected a list *.json, at least 1 caption and 1 process, got {output.name}, {captions} and {processes}"
        )
    files = DescribedFiles(output)
    source = open_photos(root)
    known = CocoInstances(instances)
    made_with = {
        "photos": str(Path(root).resolve()),
        "instances": sha256_of(instances),
        "captions": captions,
        "seed": seed,
        "lcoins": lcoins.__version__,
    }
    progress = DescribeProgress(len(known.photos))
    if files.captions.exists():
        if files.made_with() != made_with:
            raise FileExistsError(
                f"{output} exists and was made otherwise, see {files.manifest.name}; choose another list, or remove it"
            )
        files.rows.unlink(missing_ok=True)
        return
    if not any(photo in source for photo in known.photos):
        raise FileNotFoundError(
            f"none of the {len(known.photos)} photos of {instances} lies in {root}; give its folder"
        )
    with locked(output.parent):
        files.expect_nothing_of_others(instances)
        open_rows(files, made_with, progress)
        yield progress
        describer = Describer(Path(root), instances.name, captions, seed)
        with files.rows.open("a", encoding="utf-8") as file:
            for rows in _all_rows(describer, known, progress.photos, processes or os.cpu_count() or 1):
                for row in rows:
                    file.write(json_of(row) + "\n")
                    progress.add(row)
                file.flush()
                yield progress
        if not progress.described:
            raise ValueError(f"nothing sure can be said of any of the {progress.total} photos; {files.rows} says why")
        write_described(files, known.categories, made_with, progress)
        yield progress


def _all_rows(describer: Describer, instances: CocoInstances, done: int, processes: int) -> Iterator[list[Row]]:
    """The rows of the photos after the first ``done``, some at a time and in order."""
    photos = islice(instances.photos, done, None)
    tasks = iter(lambda: [(photo, instances.only(photo)) for photo in islice(photos, PHOTOS_PER_TASK)], [])
    if processes == 1:
        source = open_photos(describer.root)
        yield from (describer.rows(source, task) for task in tasks)
        return
    # Started anew: a copy of this process would hold its locks, and all instances.
    with ProcessPoolExecutor(processes, get_context("spawn"), _start, (describer.root,)) as pool:
        try:
            yield from done_ahead(pool, partial(_rows, describer), tasks, TASKS_AHEAD * processes)
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a process that describes photos was ended from outside, perhaps for memory; run the same command "
                "again, with fewer --processes, to go on"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


_opened: list[PhotoFolder | Pack] = []  # in each process of the pool, once it has started


def _start(root: Path) -> None:
    torch.set_num_threads(1)
    _opened.append(open_photos(root))


def _rows(describer: Describer, photos: list[tuple[str, CocoInstances]]) -> list[Row]:
    return describer.rows(_opened[0], photos)
