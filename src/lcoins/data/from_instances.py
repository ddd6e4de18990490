"""A data module of photos with instances, as `data=instances` has it: repainted photos beside photos as they are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lcoins.data.augment import Augmentation
from lcoins.data.coco_instances import CocoInstances
from lcoins.data.datamodule import ColorizationData
from lcoins.data.from_lists import (
    ListOptions,
    PhotoSource,
    read_usable_pairs,
    say_where_a_test_is_the_validation,
)
from lcoins.data.grounded_photos import GroundedPhotos
from lcoins.data.pairs import captions_by_photo
from lcoins.data.photo_store import open_photos
from lcoins.data.photos import Photos
from lcoins.data.recolored_photos import RecoloredPhotos, RepaintingOptions, Source
from lcoins.data.types import HELD_OUT_SEED, key
from lcoins.progress import say_line
from lcoins.wording import counted


@dataclass(frozen=True)
class InstanceSource:
    """One training set: the folder or pack ``root``, a list ``captions`` and a COCO-format file ``instances``, or None.

    ``repainted`` and ``plain`` say how often one of its photos is drawn in either role, compared with the other sets'.
    One in ``held_out`` of its photos, chosen by file name, is never trained on; None trains on all.
    """

    root: str
    captions: str | None
    instances: str | None
    repainted: float
    plain: float
    held_out: int | None = None

    def __post_init__(self) -> None:
        if self.captions is None and self.instances is None:
            raise ValueError(f"data.train: {self.root} has neither captions nor instances; give one of them, or both")
        if min(self.repainted, self.plain) < 0:
            raise ValueError(
                f"data.train: {self.root}: expected repainted and plain of at least 0, got {self.repainted} and "
                f"{self.plain}"
            )
        if self.held_out is not None and self.held_out < 2:
            raise ValueError(f"data.train: {self.root}: held_out: expected null or at least 2, got {self.held_out}")


@dataclass(frozen=True, kw_only=True)
class InstanceOptions(ListOptions):
    """The options of `data=instances` beside its sources; ``samples`` is the number of training samples of an epoch."""

    samples: int


def instance_data(
    train: Sequence[Mapping[str, Any]] | None,
    val: Mapping[str, Any] | None,
    tests: Mapping[str, Mapping[str, Any]],
    *,
    augmentation: Augmentation,
    seed: int,
    repainting: Mapping[str, Any],
    **options: Any,
) -> ColorizationData:
    """Training on photos with instances; validation and tests are ordinary caption lists. Not in the paper.

    Args:
        train: the training sets, each by the fields of an :class:`InstanceSource`; None where only tests are wanted.
        val: the validation set, by the fields of a :class:`~lcoins.data.from_lists.PhotoSource`; or None.
        tests: the test sets by name, as ``val``.
        augmentation: what training does to lightness.
        seed: decides all that training draws.
        repainting: the fields of :class:`~lcoins.data.recolored_photos.RepaintingOptions`.
        options: the fields of :class:`InstanceOptions`.
    """
    chosen = InstanceOptions(**options)
    given = {"val": val} | {f"tests.{name}": source for name, source in tests.items()}
    lists = {name: PhotoSource(**source) for name, source in given.items() if source is not None}
    read, pairs = _read_sets(train, lists, chosen)
    if train is not None:
        say_where_a_test_is_the_validation(lists)
    sources = [part_of(source, one, held_out=False) for one, source in read]

    def photos(name: str, size: int) -> Photos:
        return Photos(lists[name].root, pairs[name], size, seed=seed)

    drawn = RepaintingOptions(**repainting)
    return ColorizationData(
        train=RecoloredPhotos(sources, chosen.image_size, chosen.samples, drawn, seed) if sources else None,
        val=photos("val", chosen.image_size) if "val" in lists else None,
        tests={name: photos(f"tests.{name}", chosen.eval_size) for name in tests},
        loader=chosen,
        augmentation=augmentation,
        seed=seed,
    )


def grounding_data(
    train: Sequence[Mapping[str, Any]] | None,
    val: None,
    *,
    val_samples: int,
    sentences: int,
    by_captions: float,
    crop_scale: Sequence[float],
    augmentation: Augmentation,
    seed: int,
    **options: Any,
) -> ColorizationData:
    """Training of grounding on photos with instances, and validation on those that are held out. Not in the paper.

    Args:
        train: as for :func:`instance_data`; None where there is nothing to train.
        val: None; the held-out photos of the training sets are the validation set.
        val_samples: how many crops of them are drawn.
        sentences: about each crop.
        by_captions: the share of training crops that their photos' own captions speak of alone.
        crop_scale: the least and the largest share of a photo that a crop takes.
        augmentation: what training does to lightness.
        seed: decides all that training draws.
        options: the fields of :class:`InstanceOptions`.
    """
    chosen = InstanceOptions(**options)
    read, _ = _read_sets(train, {}, chosen)
    if read and all(one.held_out is None for one, _ in read):
        raise ValueError("data.train: expected held_out in one set or more, for grounding is validated on these photos")

    def photos(held_out: bool, samples: int) -> GroundedPhotos | None:
        found = [part_of(source, one, held_out) for one, source in read if one.held_out is not None or not held_out]
        drawn = (chosen.image_size, samples, sentences, crop_scale)
        if not found:
            return None
        if held_out:
            return GroundedPhotos(found, *drawn, HELD_OUT_SEED, by_captions=0.0, fixed=True)
        return GroundedPhotos(found, *drawn, seed, by_captions)

    return ColorizationData(
        train=photos(False, chosen.samples),
        val=photos(True, val_samples),
        tests={},
        loader=chosen,
        augmentation=augmentation,
        seed=seed,
    )


def _read_sets(
    train: Sequence[Mapping[str, Any]] | None, lists: Mapping[str, PhotoSource], options: InstanceOptions
) -> tuple[list[tuple[InstanceSource, Source]], dict[str, Any]]:
    """The training sets, each with all that is read of it, and the usable pairs of theirs and of other ``lists``."""
    if train is not None and not train:
        raise ValueError(
            "data.train: expected at least one set, as data.train=[{root: DIR, captions: FILE, instances: "
            "FILE, repainted: 1, plain: 1, held_out: 26}], got none"
        )
    sets = {f"train[{index}]": InstanceSource(**source) for index, source in enumerate(train or ())}
    listed = {name: PhotoSource(one.root, one.captions) for name, one in sets.items() if one.captions is not None}
    report = Path(options.report) if options.report is not None else None
    pairs = read_usable_pairs({**lists, **listed}, options.on_problem, report)
    named = {name: captions_by_photo(pairs[name]) if name in pairs else {} for name in sets}
    return [(one, read_source(one, named[name])) for name, one in sets.items()], pairs


def read_source(one: InstanceSource, captions: Mapping[str, Sequence[str]]) -> Source:
    """The photos of a training set, those with captions or instances, the held-out ones among them.

    Photos that only the file of instances names need not be there; how many are missing is printed in one line.
    """
    instances = CocoInstances(one.instances) if one.instances is not None else None
    photos = list(captions)
    if instances is not None:
        store = open_photos(one.root)
        others = [photo for photo in instances.photos if photo not in captions]
        present = [photo for photo in others if photo in store]
        photos += present
        if missing := len(others) - len(present):
            say_line(
                f"{one.instances} names {counted(missing, 'photo')} that {one.root} lacks, of {len(instances.photos):,}"
            )
    return Source(Path(one.root), tuple(photos), captions, instances, one.repainted, one.plain)


def part_of(source: Source, one: InstanceSource, held_out: bool) -> Source:
    """A set's source with its held-out photos alone, or with all others."""
    return replace(source, photos=tuple(name for name in source.photos if is_held_out(name, one.held_out) == held_out))


def is_held_out(photo: str, one_in: int | None) -> bool:
    """Whether a photo is kept from training, to choose by: one in so many, by its file name alone; None keeps none."""
    return one_in is not None and key("held out", Path(photo).name) % one_in == 0
