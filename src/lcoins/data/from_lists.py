"""A data module from caption lists over folders of photos: all lists are checked first, in one report."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from rich.console import Console

from lcoins.color.object_pairs import read_object_colors
from lcoins.data.augment import Augmentation
from lcoins.data.caption_lists import Pair, Problem, captions_by_photo, read_pairs
from lcoins.data.coco_instances import Polygons
from lcoins.data.datamodule import ColorizationData
from lcoins.data.photos import MergedPhotos, Photos
from lcoins.data.pixel_labels import PixelLabels
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.validate import ProblemsFound, check_photos, describe, write_report


def read_checked(
    lists: Mapping[str, Mapping[str, Any]], on_problem: Literal["stop", "leave_out"], report: Path | None
) -> dict[str, list[Pair]]:
    """The good pairs of several lists, each given as ``root`` (folder) and ``captions`` (list file).

    Whatever is wrong in any of them is named in one report, in full in the file ``report`` (JSON, one problem a line).
    With "stop" it is raised as ProblemsFound; with "leave_out" it is printed and the rest goes on, unless a list has
    nothing left.
    """
    if on_problem not in ("stop", "leave_out"):
        raise ValueError(f"data.on_problem: expected stop or leave_out, got {on_problem!r}")
    problems: list[Problem] = []
    good: dict[str, list[Pair]] = {}
    for name, source in lists.items():
        pairs, bad_rows = read_pairs(source["captions"])
        try:
            good[name] = check_photos(source["root"], pairs, bad_rows, on_problem="leave_out", progress=True)
        except ProblemsFound:
            good[name] = []
        problems += bad_rows
    empty = [name for name, pairs in good.items() if not pairs]
    if empty and not problems:
        raise ValueError(f"no captions in the list of {', '.join(empty)}; give a list that names photos")
    if not problems:
        return good
    if report is not None:
        write_report(report, problems)
    text = describe(problems, sum(map(len, good.values())), report)
    if empty:
        raise ProblemsFound(f"{text}\nNothing is left of: {', '.join(empty)}; is root the right folder?")
    if on_problem == "stop":
        raise ProblemsFound(f"{text}\nMend these, or leave them out with data.on_problem=leave_out.")
    Console().print(f"left out: {text}", markup=False)
    return good


def photo_data(
    train: Mapping[str, Any] | None,
    val: Mapping[str, Any] | None,
    tests: Mapping[str, Mapping[str, Any]],
    image_size: int,
    eval_size: int,
    crop_scale: tuple[float, float] | None,
    hflip: Literal["none", "plain", "swap_words"],
    on_problem: Literal["stop", "leave_out"],
    batch_size: int,
    eval_batch_size: int,
    workers: int,
    augmentation: Augmentation,
    seed: int,
    report: Path | str | None = None,
    train_also: Sequence[Mapping[str, Any]] = (),
    word_recoloring: WordRecoloring | None = None,
) -> ColorizationData:
    """Photos for training and validation at the model's ``image_size`` and for tests at ``eval_size`` (paper: 224).

    ``train`` and ``val`` may be None where only the tests are wanted. ``train_also`` holds further training sets, which
    are merged with ``train``: each of their photos is seen once an epoch. ``report`` is a file for all that is wrong.
    A test set may name COCO's ``instances_*.json``, whose polygons then judge the color words. Any set may name
    ``object_colors``, a file of object-color pairs, and ``labels``, where the classes of its pixels are
    (:mod:`lcoins.color.object_pairs`, :mod:`lcoins.data.pixel_labels`); which photos lack them is told in one line.
    ``word_recoloring`` exchanges color words of training captions together with what they name.
    """
    merged = {f"train_also[{place}]": source for place, source in enumerate(train_also if train is not None else ())}
    lists = {"train": train} | merged | {"val": val} | {f"tests.{name}": source for name, source in tests.items()}
    given = {name: source for name, source in lists.items() if source is not None}
    pairs = read_checked(given, on_problem, Path(report) if report is not None else None)

    crop: Any = tuple(crop_scale) if crop_scale else None

    def photos(name: str, size: int, training: bool) -> Photos | None:
        if name not in given:
            return None
        root, instances = given[name]["root"], given[name].get("instances")
        polygons = Polygons(instances) if instances else None
        options: dict[str, Any] = {"seed": seed, "crop_scale": crop, "hflip": hflip, "polygons": polygons}
        known = _known(name, given[name], captions_by_photo(pairs[name]))
        return Photos(root, pairs[name], size, training=training, **options, **known)

    parts = [part for name in ("train", *merged) if (part := photos(name, image_size, training=True)) is not None]
    return ColorizationData(
        train=MergedPhotos(parts) if merged else parts[0] if parts else None,
        val=photos("val", image_size, training=False),
        tests={name: photos(f"tests.{name}", eval_size, training=False) for name in tests},  # type: ignore[misc]
        batch_size=batch_size,
        eval_batch_size=eval_batch_size,
        workers=workers,
        augmentation=augmentation,
        seed=seed,
        word_recoloring=word_recoloring,
    )


def _known(name: str, source: Mapping[str, Any], captions: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """What a list's source says about its photos beside their captions; prints how many it says nothing about."""
    known: dict[str, Any] = {}
    if path := source.get("object_colors"):
        known["object_colors"], dropped = read_object_colors(path, captions)
        unknown = len(captions) - len(known["object_colors"])
        if unknown or dropped:
            _tell(
                f"{name}: {path} lacks the object-color pairs of {unknown} of {len(captions)} photos (it has none, or "
                f"those of another number of captions); {dropped} pairs name no two words of their caption"
            )
    if path := source.get("labels"):
        known["labels"] = PixelLabels(path, captions.keys())
        if unknown := len(captions) - len(known["labels"].known):
            _tell(f"{name}: {path} lacks the labels of {unknown} of {len(captions)} photos")
    return known


def _tell(line: str) -> None:
    Console().print(line, markup=False, highlight=False, soft_wrap=True)
