"""A data module from caption lists and folders of photos, as `data=photos` has it. All lists are checked at once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lcoins.color.object_pairs import read_object_colors
from lcoins.data.augment import Augmentation
from lcoins.data.caption_lists import read_pairs
from lcoins.data.captioned_instances import Polygons
from lcoins.data.datamodule import ColorizationData, LoaderOptions
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pairs import Pair, Problem, captions_by_photo
from lcoins.data.photo_store import indexed_pairs
from lcoins.data.photos import Annotations, MergedPhotos, Photos, RandomView, crop_bounds
from lcoins.data.pixel_labels import PixelLabels
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.validate import ProblemsFound, check_photos, describe, write_report
from lcoins.progress import say_line


@dataclass(frozen=True)
class PhotoSource:
    """The photos of one set: the folder or pack ``root``, the list ``captions``, and files of what else is known.

    ``object_colors`` is a file of object-color pairs (:mod:`lcoins.color.object_pairs`), ``labels`` says where the
    class of each pixel is (:mod:`lcoins.data.pixel_labels`), and ``instances`` is COCO's ``instances_*.json``, whose
    polygons then judge the color words of a test set.
    """

    root: str
    captions: str
    object_colors: str | None = None
    labels: str | None = None
    instances: str | None = None


@dataclass(frozen=True, kw_only=True)
class ListOptions(LoaderOptions):
    """The options of every data set that comes from caption lists, checked; those of the loaders are among them.

    Args:
        image_size: pixels of a side in training and validation.
        eval_size: pixels of a side in tests; the paper's protocol has 224.
        on_problem: "stop" at a bad photo or row, or "leave_out" what is bad.
        report: the file to write all problems into.
    """

    image_size: int
    eval_size: int
    on_problem: Literal["stop", "leave_out"]
    report: Path | str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.on_problem not in ("stop", "leave_out"):
            raise ValueError(f"data.on_problem: expected stop or leave_out, got {self.on_problem!r}")


@dataclass(frozen=True, kw_only=True)
class PhotoOptions(ListOptions):
    """The options of `data=photos` beside its sources; ``crop_scale`` and ``hflip`` are of :class:`RandomView`."""

    crop_scale: Sequence[float] | None
    hflip: Literal["none", "plain", "swap_words"]

    @property
    def view(self) -> RandomView:
        """What training draws of each photo."""
        scale = self.crop_scale
        return RandomView(None if scale is None else crop_bounds(scale, "data.crop_scale"), self.hflip)


def photo_data(
    train: Mapping[str, Any] | None,
    val: Mapping[str, Any] | None,
    tests: Mapping[str, Mapping[str, Any]],
    *,
    augmentation: Augmentation,
    seed: int,
    train_also: Sequence[Mapping[str, Any]] = (),
    word_recoloring: WordRecoloring | None = None,
    **options: Any,
) -> ColorizationData:
    """Photos to train, validate and test on; each set is given by the fields of a :class:`PhotoSource`.

    Photos that ``object_colors`` or ``labels`` say nothing about are counted in one printed line.

    Args:
        train: the training set; None, as for ``val``, where only the tests are wanted.
        val: the validation set.
        tests: the test sets by name.
        augmentation: what training does to lightness.
        seed: decides all that training draws.
        train_also: further training sets, merged with ``train``: each of their photos is seen once an epoch.
        word_recoloring: exchanges color words of training captions together with what they name.
        options: the fields of :class:`PhotoOptions`.
    """
    chosen = PhotoOptions(**options)
    merged = {f"train_also[{i}]": source for i, source in enumerate(train_also if train is not None else ())}
    given = {"train": train} | merged | {"val": val} | {f"tests.{name}": source for name, source in tests.items()}
    sources = {name: PhotoSource(**source) for name, source in given.items() if source is not None}
    pairs = read_usable_pairs(sources, chosen.on_problem, Path(chosen.report) if chosen.report is not None else None)
    if train is not None:
        say_where_a_test_is_the_validation(sources)

    def photos(name: str, size: int, view: RandomView | None = None) -> Photos:
        annotations = _annotations(name, sources[name], pairs[name])
        return Photos(sources[name].root, pairs[name], size, seed=seed, view=view, annotations=annotations)

    train_sets = [photos(name, chosen.image_size, chosen.view) for name in ("train", *merged) if name in sources]
    return ColorizationData(
        train=MergedPhotos(train_sets) if merged else next(iter(train_sets), None),
        val=photos("val", chosen.image_size) if "val" in sources else None,
        tests={name: photos(f"tests.{name}", chosen.eval_size) for name in tests},
        loader=chosen,
        augmentation=augmentation,
        seed=seed,
        word_recoloring=word_recoloring,
    )


def say_where_a_test_is_the_validation(sources: Mapping[str, PhotoSource]) -> None:
    """Prints a line for each test set with the photos and captions of validation, as it is where none is given."""
    for name, source in sources.items():
        val = sources.get("val")
        if name.startswith("tests.") and val and (source.root, source.captions) == (val.root, val.captions):
            say_line(
                f"{name}: the test set is the validation set, which also chose the checkpoint; for a test of its own "
                f"give data.{name}.root and data.{name}.captions"
            )


def read_usable_pairs(
    sources: Mapping[str, PhotoSource], on_problem: Literal["stop", "leave_out"], report: Path | None
) -> dict[str, Sequence[Pair] | IndexedPairs]:
    """The usable pairs of each source, after all photos of all lists have been checked.

    An indexed list of the very pack that is the source's root was checked when it was packed, and is only opened.
    Problems of all of them are described in one message and written in full to the file ``report`` (JSON, one problem
    a line). With "stop" the message is raised as ProblemsFound. With "leave_out" it is printed and the rest is
    returned, unless nothing is left of a list.
    """
    problems: list[Problem] = []
    usable: dict[str, Sequence[Pair] | IndexedPairs] = {}
    for name, source in sources.items():
        indexed = indexed_pairs(source.captions, source.root)
        if indexed is not None:
            usable[name] = indexed
            continue
        pairs, bad_rows = read_pairs(source.captions)
        usable[name], bad_photos = check_photos(source.root, pairs)
        problems += bad_rows + bad_photos
    empty = [name for name, pairs in usable.items() if not len(pairs)]
    if empty and not problems:
        raise ValueError(f"no captions in the list of {', '.join(empty)}; give a list that names photos")
    if not problems:
        return usable
    if report is not None:
        write_report(report, problems)
    text = describe(problems, sum(map(len, usable.values())), report)
    if empty:
        raise ProblemsFound(f"{text}\nNothing is left of: {', '.join(empty)}; is root the right folder?")
    if on_problem == "stop":
        raise ProblemsFound(f"{text}\nMend these, or leave them out with data.on_problem=leave_out.")
    say_line(f"left out: {text}")
    return usable


def _annotations(name: str, source: PhotoSource, pairs: Iterable[Pair]) -> Annotations:
    """Reads what a source says about its photos beside captions; prints how many photos it says nothing about."""
    object_colors, labels = None, None
    captions = captions_by_photo(pairs) if source.object_colors or source.labels else {}
    if source.object_colors:
        object_colors, dropped = read_object_colors(source.object_colors, captions)
        unknown = len(captions) - len(object_colors)
        if unknown or dropped:
            say_line(
                f"{name}: {source.object_colors} lacks the object-color pairs of {unknown} of {len(captions)} photos "
                f"(it has none, or those of another number of captions); {dropped} pairs name no two words of their "
                f"caption"
            )
    if source.labels:
        labels = PixelLabels(source.labels, captions.keys())
        if unknown := len(captions) - len(labels.known):
            say_line(f"{name}: {source.labels} lacks the labels of {unknown} of {len(captions)} photos")
    return Annotations(Polygons(source.instances) if source.instances else None, object_colors, labels)
