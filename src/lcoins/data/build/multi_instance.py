"""Multi-instance: the published test list, and a training set rebuilt from public captions by a stated rule.

The authors' training list is not public. The data set built here is called "Multi-instance (rebuilt)" everywhere:
results of models trained on it are no results on the paper's data set.
"""

import heapq
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lcoins.data.build.filter import drop_photos, find_problem
from lcoins.data.build.manifest import SELECTED, Build, Captions, expect_build_or_nothing, source_of, write_build
from lcoins.data.build.raw_sources import LAYOUTS, known_prefix, locate, one_name
from lcoins.data.build.selection import LEAST_COLORS, Selection, select_records
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Problem, captions_by_photo
from lcoins.data.types import key
from lcoins.data.validate import MISSING

NAME = "Multi-instance (rebuilt)"
TEST_ORIGIN = "COCO-LC, github.com/lyf1212/COCO-LC, Multi-instances.json"
RULE = (
    "Test: the published list. Training: captions of the given sources in lower case that name at least "
    f"{LEAST_COLORS} different colors; no photo of the test list; photos in the order of a hash of (seed, key) up to "
    "the limit, all their captions once each; near-gray photos left out where the photos are given."
)


def build_multi_instance(
    test_list: Path,
    raw: Iterable[tuple[str, Path]],
    output: Path,
    *,
    photos: Mapping[str, Path],
    coco_list: Path | None = None,
    limit: int = 65_000,
    seed: int = 0,
    copy: bool = False,
    force: bool = False,
) -> dict[str, Any]:
    """Writes test.json and, if there are raw sources, train.json; returns the manifest.

    Args:
        test_list: the published test list.
        raw: the kind and path of each source of training captions.
        output: the folder to write to.
        photos: folders of photos by prefix; their photos are linked to photos/{train,val}/<key>, as the paper's loader
            expects, and those that are missing are left out and reported. Without any, only lists are written.
        coco_list: Extended COCO-Stuff's training list, or obj2col.json; test_without_overlap.json is then written, too,
            which lacks the test photos of that list.
        limit: the most photos of the training set.
        seed: decides which photos are chosen.
        copy: copies photos instead of linking them.
        force: whether other lists of an earlier build are replaced.
    """
    if unknown := sorted(set(photos) - LAYOUTS.keys()):
        raise ValueError(f"photos: expected sources out of {', '.join(LAYOUTS)}, got {unknown[0]}")
    expect_build_or_nothing(output, NAME)
    build = Build()
    test = _read_test(test_list, build)
    selections = [select_records(kind, path, output / SELECTED) for kind, path in raw]
    records = Counter[str]()
    if selections:
        build.splits["train"] = _choose(selections, set(test), limit, seed)
    for selection in selections:
        problems, counts = selection.summary()
        build.problems += problems
        build.sources += [selection.source] if selection.source is not None else []
        records += counts
    build.splits["test"] = test
    if photos:
        _link_all_photos(build, dict(photos), output, copy)
    overlap = _overlap(coco_list, build) if coco_list is not None else None
    more = {
        "test_photos_by_source": _by_prefix(test, photos_only=True),
        "test_captions_by_source": _by_prefix(test, photos_only=False),
        "train_records": {name: records[name] for name in ("read", "selected") if selections},
        "overlap": overlap or {},
    }
    return write_build(output, NAME, f"{RULE} limit={limit}, seed={seed}.", build, force=force, **more)


def _read_test(path: Path, build: Build) -> Captions:
    pairs, problems = read_pairs(path)
    build.problems += problems
    build.sources.append(source_of(path, TEST_ORIGIN, "captions by their sources' terms"))
    advice = f"expected <prefix>_<id>.jpg with one of {', '.join(LAYOUTS)}"
    build.problems += [
        Problem(pair.where, pair.photo, "photo of an unknown source", advice)
        for pair in pairs
        if known_prefix(pair.photo) is None
    ]
    return captions_by_photo(pair for pair in pairs if known_prefix(pair.photo) is not None)


def _by_prefix(captions: Captions, photos_only: bool) -> dict[str, int]:
    counts = Counter[str]()
    for photo, texts in captions.items():
        counts[known_prefix(photo) or ""] += 1 if photos_only else len(texts)
    return dict(counts.most_common())


def _choose(selections: list[Selection], test: set[str], limit: int, seed: int) -> Captions:
    """The ``limit`` photos with the smallest hashes of their keys: a first pass chooses keys, a second reads captions.

    Memory grows with ``limit``, not with the sources.
    """
    test = {one_name(photo) for photo in test}
    best: list[tuple[int, str]] = []  # a heap; its first entry is the one to drop next
    kept: set[str] = set()
    for selection in selections:
        for photo, _ in selection:
            if photo in kept or one_name(photo) in test:
                continue
            rank = (-key(seed, "multi_instance", photo), photo)
            if len(best) < limit:
                heapq.heappush(best, rank)
                kept.add(photo)
            elif rank > best[0]:
                kept.remove(heapq.heappushpop(best, rank)[1])
                kept.add(photo)
    chosen: Captions = {photo: [] for photo in sorted(kept)}
    for selection in selections:
        for photo, caption in selection:
            if photo in chosen and caption not in chosen[photo]:
                chosen[photo].append(caption)
    return chosen


def _overlap(coco_list: Path, build: Build) -> dict[str, int]:
    """Counts the test photos that Extended COCO-Stuff trains on, and adds a test split without them."""
    try:
        names = set(json.loads(coco_list.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{coco_list}: expected a JSON object by photo, as obj2col.json is ({error})") from error
    test = build.splits["test"]
    shared = {photo for photo in test if photo.removeprefix("coco_") in names and photo.startswith("coco_")}
    build.splits["test_without_overlap"] = {photo: texts for photo, texts in test.items() if photo not in shared}
    return {"test_photos_in_extended_coco_stuff_training": len(shared)}


def _link_all_photos(build: Build, roots: dict[str, Path], output: Path, copy: bool) -> None:
    for split, captions in build.splits.items():
        folder = output / "photos" / ("train" if split == "train" else "val")
        folder.mkdir(parents=True, exist_ok=True)

        def link(photo: str, training: bool = split == "train", folder: Path = folder) -> Problem | None:
            return _link(photo, roots, folder, copy, training)

        drop_photos(captions, link, build.problems, f"linking {split} photos")


def _link(photo: str, roots: dict[str, Path], folder: Path, copy: bool, training: bool) -> Problem | None:
    """Links one photo under its key, or returns its problem."""
    path = locate(photo, roots)
    prefix = known_prefix(photo)
    if_missing = "download it again" if prefix in roots else f"name its folder with --photos {prefix}=DIR"
    if path is None:
        return Problem(folder.name, photo, MISSING, if_missing)
    if_gray = "it has no color to learn from"
    if training and (
        problem := find_problem(path, photo, folder.name, keep_gray=False, if_missing=if_missing, if_gray=if_gray)
    ):
        return problem
    link = folder / photo
    if link.is_symlink() or link.exists():
        link.unlink()
    if copy:
        shutil.copyfile(path, link)
    else:
        link.symlink_to(os.path.relpath(path.resolve(), folder.resolve()))
    return None
