"""Extended COCO-Stuff (L-CoDe, AAAI 2022): COCO 2017 photos whose captions name a colour, with object-colour pairs."""

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.progress import track

from lcoins.captions import find_colours
from lcoins.data.build.output import (
    Source,
    expect_place,
    source_of,
    stream_json,
    write_manifest,
    write_rows,
)
from lcoins.data.decode import PhotoError, load_photo
from lcoins.data.grey import is_near_grey
from lcoins.data.lists import Problem, read_pairs
from lcoins.models.pretrained import load_tokenizer

NAME = "extended_coco_stuff"
MOST_WORDS = 20
LISTS = {
    "train": ("selected_train.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/selected_train.json"),
    "val": ("selected_val.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/selected_val.json"),
    "test": ("Extended_COCO_Stuff.json", "COCO-LC, github.com/lyf1212/COCO-LC, Extended_COCO_Stuff.json"),
}
OBJECT_COLOURS = ("obj2col.json", "L-CoDe, github.com/changzheng123/L-CoDe, resources/obj2col.json")
OFFICIAL = ("captions_train2017.json", "COCO 2017, images.cocodataset.org/annotations/annotations_trainval2017.zip")
LICENCE = "captions CC BY 4.0 (COCO consortium); photos by their owners' terms; the selection by the named project"
# Words that say "in colour" without naming one; 5 % of the published captions have no other.
COLOUR_TALK = frozenset({"color", "colors", "colored", "colorful", "multicolored", "colour", "colours", "coloured"})
RULE = (
    f"Lower case, everything but a-z, 0-9 and blanks removed, the first {MOST_WORDS} words; kept if a word is a colour "
    f"of lcoins' vocabulary other than cream, or one of {', '.join(sorted(COLOUR_TALK))}."
)
_OTHER = re.compile(r"[^a-z0-9 ]")


@dataclass
class Built:
    """The captions of each split, what they came from, and what went wrong on the way."""

    splits: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def build_extended_coco_stuff(
    lists: Path, coco: Path | None, output: Path, keep_grey: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Writes train.json, val.json, test.json and object_colours_train.json; returns manifest and what must be fetched.

    ``lists`` holds the published lists or, for training, COCO's own captions, from which the list is rebuilt by RULE.
    ``coco`` holds train2017/: photos of the training list that are missing there, damaged or (without ``keep_grey``)
    near-grey are left out of it and named; None leaves the photos unseen. A split whose list is missing is left
    out, and the second value says which file to get from where.
    """
    if not lists.is_dir():
        raise FileNotFoundError(f"{lists}: no such folder of lists; it should hold {LISTS['val'][0]} and its like")
    expect_place(output, NAME)
    built = Built()
    rebuilt = _read_lists(lists, built)
    if not built.splits:
        raise FileNotFoundError("\n".join([f"{lists} holds none of the lists; put there", *built.missing]))
    grey = None
    if coco is not None and "train" in built.splits:
        grey = _drop_bad_photos(coco / "train2017", built, keep_grey)
    pairs = _read_object_colours(lists, built, rebuilt)
    for split, captions in built.splits.items():
        write_rows(output / f"{split}.json", captions)
    more: dict[str, Any] = {"train_list": "rebuilt" if rebuilt else "published", "near_grey_left_out": grey}
    if pairs is not None:
        if pairs.aligned:
            write_rows(output / "object_colours_train.json", pairs.aligned)
        more["object_colours"] = pairs.counts
    rule = RULE if rebuilt else "The published lists as they are."
    manifest = write_manifest(output, NAME, rule, built.splits, built.sources, built.problems, **more)
    return manifest, built.missing


def normalise(caption: str) -> str:
    """A COCO caption as the published lists have it; they also drop rare words, which needs their vocabulary.

    >>> normalise("A zebra-print futon, with RED cushions.")
    'a zebraprint futon with red cushions'
    """
    return " ".join(_OTHER.sub("", caption.lower().replace("\\n", " ")).split()[:MOST_WORDS])


def names_colour(caption: str) -> bool:
    """Whether RULE keeps a normalised caption.

    >>> names_colour("a colorful kite"), names_colour("ice cream on a plate"), names_colour("a tan dog")
    (True, False, True)
    """
    named = any(found.word != "cream" for found in find_colours(caption))
    return named or not COLOUR_TALK.isdisjoint(caption.split())


def read_official(path: Path, problems: list[Problem]) -> dict[str, list[str]]:
    """The captions that RULE keeps from COCO's captions_*.json, which is streamed; photos by name."""
    names: dict[int, str] = {}
    for place, image in enumerate(stream_json(path, "images.item")):
        if isinstance(image, dict) and isinstance(image.get("id"), int) and isinstance(image.get("file_name"), str):
            names[image["id"]] = image["file_name"]
        else:
            problems.append(Problem(f"{path.name} images[{place}]", "", "no image", "it should have id and file_name"))
    kept: dict[str, list[str]] = {}
    for place, row in enumerate(stream_json(path, "annotations.item")):
        caption = row.get("caption") if isinstance(row, dict) else None
        photo = names.get(row.get("image_id", -1)) if isinstance(row, dict) else None
        if not isinstance(caption, str) or photo is None:
            advice = "it should have caption and the image_id of a listed image"
            problems.append(Problem(f"{path.name} annotations[{place}]", photo or "", "no caption of an image", advice))
        elif names_colour(text := normalise(caption)) and text not in kept.setdefault(photo, []):
            kept[photo].append(text)
    return {photo: kept[photo] for photo in sorted(kept) if kept[photo]}


def _read_lists(lists: Path, built: Built) -> bool:
    """Reads the lists that are there; returns whether the training list was rebuilt from COCO's captions."""
    rebuilt = False
    for split, (file, origin) in LISTS.items():
        path = lists / file
        if path.is_file():
            pairs, problems = read_pairs(path)
            built.problems += problems
            captions: dict[str, list[str]] = {}
            for pair in pairs:
                captions.setdefault(pair.photo, []).append(pair.caption)
            built.splits[split] = captions
            built.sources.append(source_of(path, origin, LICENCE))
        elif split == "train" and (official := lists / OFFICIAL[0]).is_file():
            built.splits[split] = read_official(official, built.problems)
            built.sources.append(source_of(official, OFFICIAL[1], LICENCE))
            rebuilt = True
        else:
            instead = f", or {OFFICIAL[0]} from {OFFICIAL[1]}" if split == "train" else ""
            built.missing.append(f"  {file} from {origin}{instead}")
    return rebuilt


@dataclass
class ObjectColours:
    """Per photo and caption the (object, colour) pairs in word pieces, and how many there were of what."""

    aligned: dict[str, list[list[list[int]]]]
    counts: dict[str, int]


def _read_object_colours(lists: Path, built: Built, rebuilt: bool) -> ObjectColours | None:
    """L-CoDe's pairs of the training captions, from words to word pieces.

    Published: [object, colour] as positions of words, counted from 1. Written: positions of each word's first piece
    under BERT's uncased vocabulary, counted from 0, without special tokens. A pair with a 0 names no word (there are
    three) and is dropped; one beyond the caption is named. Without the published training list only the
    counts are given, since the pairs fit its order of captions.
    """
    path = lists / OBJECT_COLOURS[0]
    if not path.is_file():
        built.missing.append(f"  {path.name} from {OBJECT_COLOURS[1]}")
        return None
    built.sources.append(source_of(path, OBJECT_COLOURS[1], LICENCE))
    content = json.loads(path.read_text(encoding="utf-8"))
    entries = [pairs for captions in content.values() for pairs in captions]
    counts = {
        "photos": len(content),
        "captions": len(entries),
        "pairs": sum(map(len, entries)),
        "captions_without_a_pair": sum(not pairs for pairs in entries),
        "pairs_with_position_0": sum(0 in pair for pairs in entries for pair in pairs),
    }
    result = ObjectColours({}, counts)
    if rebuilt or "train" not in built.splits:
        return result
    tokenizer = load_tokenizer("minilm")
    for photo, captions in built.splits["train"].items():
        given = content.get(photo)
        if given is None or len(given) != len(captions):
            what = "no object-colour pairs" if given is None else "object-colour pairs of other captions"
            built.problems.append(Problem(path.name, photo, what, "it serves systems without such pairs only"))
            continue
        result.aligned[photo] = [
            _to_pieces(photo, caption, pairs, tokenizer, built.problems)
            for caption, pairs in zip(captions, given, strict=True)
        ]
    counts["photos_aligned"] = len(result.aligned)
    counts["pairs_aligned"] = sum(len(pairs) for captions in result.aligned.values() for pairs in captions)
    return result


def _to_pieces(
    photo: str, caption: str, pairs: list[list[int]], tokenizer: Any, problems: list[Problem]
) -> list[list[int]]:
    starts, place = [], 0
    for word in caption.split():
        starts.append(place)
        place += len(tokenizer.tokenize(word))
    found = []
    for pair in pairs:
        if len(pair) != 2 or not all(isinstance(position, int) and position >= 0 for position in pair):
            problems.append(
                Problem(OBJECT_COLOURS[0], photo, "no object-colour pair", "expected two positions", str(pair))
            )
        elif max(pair) > len(starts):
            detail = f"{pair} in a caption of {len(starts)} words"
            problems.append(Problem(OBJECT_COLOURS[0], photo, "pair beyond its caption", "it is dropped", detail))
        elif 0 not in pair:
            found.append([starts[position - 1] for position in pair])
    return found


def _drop_bad_photos(folder: Path, built: Built, keep_grey: bool) -> int:
    """Takes photos that are missing, damaged or near-grey out of the training list; returns how many were near-grey."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: no such folder; unpack images.cocodataset.org/zips/train2017.zip there")
    train = built.splits["train"]

    def look(photo: str) -> Problem | None:
        try:
            grey = is_near_grey(load_photo(folder / photo, (64, 64), profile=False))
        except FileNotFoundError:
            return Problem("train2017", photo, "missing photo", "unpack train2017.zip again")
        except PhotoError as error:
            return Problem("train2017", photo, error.kind, error.advice, error.detail)
        return (
            Problem("train2017", photo, "near-grey photo", "keep it with --keep-grey")
            if grey and not keep_grey
            else None
        )

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for photo, problem in track(
            zip(list(train), pool.map(look, list(train)), strict=True), "looking at photos", len(train)
        ):
            if problem is not None:
                built.problems.append(problem)
                del train[photo]
    return sum(problem.what == "near-grey photo" for problem in built.problems)
