"""Multi-instance: the published test list as it is, and a training set rebuilt from public captions by a stated rule.

The authors' training list is not public. What is built here is called "Multi-instance (rebuilt)" everywhere: figures
of models trained on it are not those of the paper's data set.
"""

import heapq
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lcoins.data.build.filter import fault_of, sift
from lcoins.data.build.manifest import Build, Captions, expect_place, source_of, write_build
from lcoins.data.build.raw_sources import PLACES, known_prefix, locate
from lcoins.data.build.selection import LEAST_COLORS, Part, make_part
from lcoins.data.caption_lists import Problem, captions_by_photo, read_pairs
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
) -> dict[str, Any]:
    """Writes test.json and, from the ``raw`` sources (kind, path), train.json; returns the manifest.

    ``photos`` maps a prefix to the folder of its photos; what is found there is linked (or copied) to
    photos/{train,val}/<key>, as the paper's loader wants it, and what is not found is named and left out. Without any,
    lists alone are written. ``coco_list`` is Extended COCO-Stuff's training list or obj2col.json; test photos that are
    in it are left out of test_without_overlap.json.
    """
    if unknown := sorted(set(photos) - PLACES.keys()):
        raise ValueError(f"no photos are called {unknown[0]}; use {', '.join(PLACES)}")
    expect_place(output, NAME)
    build = Build()
    test = _read_test(test_list, build)
    parts = [make_part(kind, path, output / ".parts") for kind, path in raw]
    records = Counter[str]()
    if parts:
        build.splits["train"] = _choose(parts, set(test), limit, seed)
    for part in parts:
        problems, counts = part.summary()
        build.problems += problems
        build.sources += [part.source] if part.source is not None else []
        records += counts
    build.splits["test"] = test
    if photos:
        _place_photos(build, dict(photos), output, copy)
    overlap = _overlap(coco_list, build) if coco_list is not None else None
    more = {
        "test_photos_by_source": _by_prefix(test, photos_only=True),
        "test_captions_by_source": _by_prefix(test, photos_only=False),
        "train_records": {name: records[name] for name in ("seen", "selected") if parts},
        "overlap": overlap or {},
    }
    return write_build(output, NAME, f"{RULE} limit={limit}, seed={seed}.", build, **more)


def _read_test(path: Path, build: Build) -> Captions:
    pairs, problems = read_pairs(path)
    build.problems += problems
    build.sources.append(source_of(path, TEST_ORIGIN, "captions by their sources' terms"))
    advice = f"expected <prefix>_<id>.jpg with one of {', '.join(PLACES)}"
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


def _choose(parts: list[Part], test: set[str], limit: int, seed: int) -> Captions:
    """At most ``limit`` photos by the hash of their key, in constant memory: first the keys, then their captions."""
    best: list[tuple[int, str]] = []  # a heap whose first is the worst kept
    kept: set[str] = set()
    for part in parts:
        for photo, _ in part:
            if photo in kept or photo in test:
                continue
            rank = (-key(seed, "multi_instance", photo), photo)
            if len(best) < limit:
                heapq.heappush(best, rank)
                kept.add(photo)
            elif rank > best[0]:
                kept.remove(heapq.heappushpop(best, rank)[1])
                kept.add(photo)
    chosen: Captions = {photo: [] for photo in sorted(kept)}
    for part in parts:
        for photo, caption in part:
            if photo in chosen and caption not in chosen[photo]:
                chosen[photo].append(caption)
    return chosen


def _overlap(coco_list: Path, build: Build) -> dict[str, int]:
    """Test photos that Extended COCO-Stuff trains on; without them the test set is written once more."""
    try:
        names = set(json.loads(coco_list.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{coco_list}: expected a JSON object by photo, as obj2col.json is ({error})") from error
    test = build.splits["test"]
    shared = {photo for photo in test if photo.removeprefix("coco_") in names and photo.startswith("coco_")}
    build.splits["test_without_overlap"] = {photo: texts for photo, texts in test.items() if photo not in shared}
    return {"test_photos_in_extended_coco_stuff_training": len(shared)}


def _place_photos(build: Build, roots: dict[str, Path], output: Path, copy: bool) -> None:
    for split, captions in build.splits.items():
        folder = output / "photos" / ("train" if split == "train" else "val")
        folder.mkdir(parents=True, exist_ok=True)

        def place(photo: str, training: bool = split == "train", folder: Path = folder) -> Problem | None:
            return _place(photo, roots, folder, copy, training)

        sift(captions, place, build.problems, f"placing {split} photos")


def _place(photo: str, roots: dict[str, Path], folder: Path, copy: bool, training: bool) -> Problem | None:
    """Links one photo under its key; says what is wrong with it otherwise."""
    found = locate(photo, roots)
    prefix = known_prefix(photo)
    if_missing = "download it again" if prefix in roots else f"name its folder with --photos {prefix}=DIR"
    if found is None:
        return Problem(folder.name, photo, MISSING, if_missing)
    if_gray = "it has no color to learn from"
    if training and (
        fault := fault_of(found, photo, folder.name, keep_gray=False, if_missing=if_missing, if_gray=if_gray)
    ):
        return fault
    link = folder / photo
    if link.is_symlink() or link.exists():
        link.unlink()
    if copy:
        shutil.copyfile(found, link)
    else:
        link.symlink_to(os.path.relpath(found.resolve(), folder.resolve()))
    return None
