"""Extended COCO-Stuff (L-CoDe, AAAI 2022): COCO 2017 photos whose captions name a color, and object-color pairs."""

import re
from pathlib import Path
from typing import Any

from lcoins.color.object_pairs import Entries, load_entries
from lcoins.color.words import find_colors
from lcoins.data.build.filter import NEAR_GRAY, drop_photos, find_problem
from lcoins.data.build.manifest import (
    Build,
    expect_build_or_nothing,
    source_of,
    stream_json,
    write_build,
)
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import Problem, captions_by_photo

NAME = "extended_coco_stuff"
MOST_WORDS = 20
LISTS = {
    "train": ("selected_train.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/selected_train.json"),
    "val": ("selected_val.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/selected_val.json"),
    "test": ("Extended_COCO_Stuff.json", "COCO-LC, github.com/lyf1212/COCO-LC, Extended_COCO_Stuff.json"),
}
OBJECT_COLORS = ("obj2col.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/obj2col.json")
OFFICIAL = ("captions_train2017.json", "COCO 2017, images.cocodataset.org/annotations/annotations_trainval2017.zip")
LICENSE = "captions CC BY 4.0 (COCO consortium); photos by their owners' terms; the selection by the named project"
# Words about color that name none; 5 % of the published captions have no other color word.
COLOR_TALK = frozenset({"color", "colors", "colored", "colorful", "multicolored"})
RULE = (
    f"Lower case, everything but a-z, 0-9 and blanks removed, the first {MOST_WORDS} words; kept if a word is a color "
    f"of lcoins' vocabulary other than cream, or one of {', '.join(sorted(COLOR_TALK))}."
)
_OTHER = re.compile(r"[^a-z0-9 ]")


def build_extended_coco_stuff(
    lists: Path, coco: Path | None, output: Path, keep_gray: bool = False, force: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Writes train.json, val.json, test.json and object_colors_train.json.

    Returns the manifest, and a line for each file that is missing: where to get it. A split whose list is missing is
    not written.

    Args:
        lists: the folder of the published lists; COCO's captions can stand in for the training list, which is then
            rebuilt by RULE.
        coco: the folder of train2017/; missing, damaged and near-gray photos are dropped from the training list and
            reported. None skips this check.
        output: the folder to write to.
        keep_gray: whether near-gray photos stay in the training list.
        force: whether other lists of an earlier build are replaced.
    """
    if not lists.is_dir():
        raise FileNotFoundError(f"{lists}: no such folder of lists; give one that holds {LISTS['val'][0]} and the like")
    expect_build_or_nothing(output, NAME)
    build = Build()
    rebuilt, missing = _read_lists(lists, build)
    if not build.splits:
        raise FileNotFoundError("\n".join([f"{lists} holds none of the lists; put there", *missing]))
    gray = None
    if coco is not None and "train" in build.splits:
        gray = _drop_bad_photos(coco / "train2017", build, keep_gray)
    more: dict[str, Any] = {"train_list": "rebuilt" if rebuilt else "published", "near_gray_left_out": gray}
    aligned = None
    if (lists / OBJECT_COLORS[0]).is_file():
        aligned, more["object_colors"] = _read_object_colors(lists / OBJECT_COLORS[0], build, rebuilt)
    else:
        missing.append(f"  {OBJECT_COLORS[0]} from {OBJECT_COLORS[1]}")
    rule = RULE if rebuilt else "The published lists as they are."
    return write_build(output, NAME, rule, build, pairs=aligned, force=force, **more), missing


def normalize(caption: str) -> str:
    """A COCO caption in the form of the published lists, which also drop the words that their vocabulary lacks.

    >>> normalize("A zebra-print futon, with RED cushions.")
    'a zebraprint futon with red cushions'
    """
    words = " ".join(caption.lower().split())  # a line break separates words, too
    return " ".join(_OTHER.sub("", words).split()[:MOST_WORDS])


def names_color(caption: str) -> bool:
    """Whether RULE keeps a caption, which must be normalized.

    >>> names_color("a colorful kite"), names_color("ice cream on a plate"), names_color("a tan dog")
    (True, False, True)
    """
    named = any(found.word != "cream" for found in find_colors(caption))
    return named or not COLOR_TALK.isdisjoint(caption.split())


def read_official(path: Path, problems: list[Problem]) -> dict[str, list[str]]:
    """The captions of COCO's captions_*.json that RULE keeps, by photo; the file is read as a stream."""
    names: dict[int, str] = {}
    for index, image in enumerate(stream_json(path, "images.item")):
        if isinstance(image, dict) and isinstance(image.get("id"), int) and isinstance(image.get("file_name"), str):
            names[image["id"]] = image["file_name"]
        else:
            problems.append(Problem(f"{path.name} images[{index}]", "", "no image", "it should have id and file_name"))
    kept: dict[str, list[str]] = {}
    for index, row in enumerate(stream_json(path, "annotations.item")):
        caption = row.get("caption") if isinstance(row, dict) else None
        photo = names.get(row.get("image_id", -1)) if isinstance(row, dict) else None
        if not isinstance(caption, str) or photo is None:
            advice = "it should have caption and the image_id of a listed image"
            problems.append(Problem(f"{path.name} annotations[{index}]", photo or "", "no caption of an image", advice))
        elif names_color(text := normalize(caption)) and text not in kept.setdefault(photo, []):
            kept[photo].append(text)
    return {photo: kept[photo] for photo in sorted(kept) if kept[photo]}


def _read_lists(lists: Path, build: Build) -> tuple[bool, list[str]]:
    """Reads the existing lists; returns whether training is rebuilt from COCO's captions, and what is missing."""
    rebuilt, missing = False, []
    for split, (file, origin) in LISTS.items():
        path = lists / file
        if path.is_file():
            pairs, problems = read_pairs(path)
            build.problems += problems
            build.splits[split] = captions_by_photo(pairs)
            build.sources.append(source_of(path, origin, LICENSE))
        elif split == "train" and (official := lists / OFFICIAL[0]).is_file():
            build.splits[split] = read_official(official, build.problems)
            build.sources.append(source_of(official, OFFICIAL[1], LICENSE))
            rebuilt = True
        else:
            instead = f", or {OFFICIAL[0]} from {OFFICIAL[1]}" if split == "train" else ""
            missing.append(f"  {file} from {origin}{instead}")
    return rebuilt, missing


def _read_object_colors(path: Path, build: Build, rebuilt: bool) -> tuple[Entries, dict[str, int]]:
    """L-CoDe's pairs for the training captions, in the form of its file, and counts.

    Positions count the words of a caption from 1 (:mod:`lcoins.color.object_pairs`). A pair with a 0 names no word
    (there are three) and is dropped; a pair beyond its caption is dropped and reported. The pairs follow the order of
    the published training list; without it only the counts are returned.
    """
    build.sources.append(source_of(path, OBJECT_COLORS[1], LICENSE))
    content = load_entries(path)
    entries = [pairs for captions in content.values() for pairs in captions]
    counts = {
        "photos": len(content),
        "captions": len(entries),
        "pairs": sum(map(len, entries)),
        "captions_without_a_pair": sum(not pairs for pairs in entries),
        "pairs_with_position_0": sum(0 in pair for pairs in entries for pair in pairs),
    }
    aligned: Entries = {}
    if rebuilt or "train" not in build.splits:
        return aligned, counts
    for photo, captions in build.splits["train"].items():
        given = content.get(photo)
        if given is None or len(given) != len(captions):
            what = "no object-color pairs" if given is None else "object-color pairs of other captions"
            build.problems.append(Problem(path.name, photo, what, "only systems that need no such pairs can use it"))
            continue
        aligned[photo] = [
            [pair for pair in pairs if _is_pair(pair, photo, caption, build.problems)]
            for caption, pairs in zip(captions, given, strict=True)
        ]
    counts["photos_aligned"] = len(aligned)
    counts["pairs_aligned"] = sum(len(pairs) for captions in aligned.values() for pairs in captions)
    return aligned, counts


def _is_pair(pair: list[Any], photo: str, caption: str, problems: list[Problem]) -> bool:
    """Whether a pair names two words of its caption; adds a problem if not, except for a pair with a 0."""
    words = len(caption.split())
    if len(pair) != 2 or not all(type(position) is int and position >= 0 for position in pair):
        problems.append(Problem(OBJECT_COLORS[0], photo, "no object-color pair", "expected two positions", str(pair)))
        return False
    if max(pair) > words:
        detail = f"{pair} in a caption of {words} words"
        problems.append(Problem(OBJECT_COLORS[0], photo, "pair beyond its caption", "it is dropped", detail))
        return False
    return 0 not in pair


def _drop_bad_photos(folder: Path, build: Build, keep_gray: bool) -> int:
    """Drops missing, damaged and near-gray photos from the training list; returns how many were near-gray."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; unpack images.cocodataset.org/zips/train2017.zip there")
    advice = {"if_missing": "unpack train2017.zip again", "if_gray": "keep it with --keep-gray"}

    def find(photo: str) -> Problem | None:
        return find_problem(folder / photo, photo, "train2017", keep_gray=keep_gray, **advice)

    drop_photos(build.splits["train"], find, build.problems, "checking photos")
    return sum(problem.what == NEAR_GRAY for problem in build.problems)
