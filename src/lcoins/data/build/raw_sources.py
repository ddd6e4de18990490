"""Reads the raw formats that Multi-instance is made of, one record (photo key, caption) at a time.

A key is ``<prefix>_<id>.jpg`` as in the published test list, so that a photo has the same key in every source:
``coco_000000317935.jpg``, ``vg_2354786.jpg``, ``GQA_2394666.jpg``, ``openimages_7d810125c03ce7a2.jpg``,
``flickr30k_7421349720.jpg``, ``ADE_train_00015332.jpg``.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from lcoins.data.build.manifest import stream_json
from lcoins.data.pairs import Problem

Record = tuple[str, str] | Problem  # (key, caption), or what is wrong with the record
Reader = Callable[[Path], Iterator[Record]]

_NUMBER = re.compile(r"(\d+)\.jpg$")
_PHRASE = re.compile(r"\[/EN#\d+(?:/[\w/]*)? ([^\]]*)\]")


def one_name(key: str) -> str:
    """The key of a photo by which all sources know it: GQA's photos are Visual Genome's.

    >>> one_name("GQA_2354786.jpg")
    'vg_2354786.jpg'
    """
    return re.sub(r"^GQA_", "vg_", key)


def read_mdetr(path: Path) -> Iterator[Record]:
    """MDETR's annotations (final_mixed_train.json, final_flickr_*.json): each "image" entry is one caption of a photo.

    ``data_source`` (coco or vg) says where the photo comes from or, if it is absent, ``dataset_name`` (flickr); ``id``
    only counts. GQA and Visual Genome share their photos, and so the prefix vg.
    """
    for index, entry in enumerate(stream_json(path, "images.item")):
        where = f"{path.name} images[{index}]"
        if not isinstance(entry, dict) or not all(isinstance(entry.get(k), str) for k in ("file_name", "caption")):
            yield Problem(where, "", "no photo with a caption", "expected file_name and caption as text")
            continue
        number = _NUMBER.search(entry["file_name"])
        source = str(entry.get("data_source") or entry.get("dataset_name"))
        key = _mdetr_key(source, number[1]) if number else None
        if key is None:
            advice = "expected data_source coco or vg, or dataset_name flickr, and a file name that ends in a number"
            yield Problem(where, entry["file_name"], "photo of an unknown source", advice, source)
        else:
            yield key, entry["caption"]


def _mdetr_key(source: str, number: str) -> str | None:
    if source == "coco":
        return f"coco_{int(number):012d}.jpg"
    prefix = {"vg": "vg", "gqa": "vg", "flickr": "flickr30k"}.get(source)
    return f"{prefix}_{number}.jpg" if prefix else None


def read_narratives(path: Path) -> Iterator[Record]:
    """Localized Narratives, JSON Lines, with or without traces; COCO's ``image_id`` comes without leading zeros."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line, text in enumerate(file, start=1):
            if not text.strip():
                continue
            where = f"{path.name} line {line}"
            try:
                row = json.loads(text)
                key, caption = _narrative_key(row["dataset_id"], row["image_id"]), row["caption"]
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                yield Problem(where, "", "no narrative", "download the file again, or remove the line", str(error))
                continue
            if key is None or not isinstance(caption, str):
                advice = "expected COCO, Flickr30k, ADE20k or Open Images"
                yield Problem(where, str(row["image_id"]), "photo of an unknown source", advice, str(row["dataset_id"]))
            else:
                yield key, caption


def _narrative_key(data_set: str, image: str) -> str | None:
    """Files spell the names of data sets differently, so they are matched loosely, as in the authors' loader."""
    if not (isinstance(data_set, str) and isinstance(image, str)):
        raise TypeError("expected dataset_id and image_id as text")
    name = data_set.lower()
    if "coco" in name:
        return f"coco_{int(image):012d}.jpg"
    if "flic" in name:
        return f"flickr30k_{image}.jpg"
    if "ade" in name:
        return f"{image}.jpg" if image.startswith("ADE_") else f"ADE_{image}.jpg"
    return f"openimages_{image}.jpg" if "open" in name else None


def read_entities(folder: Path) -> Iterator[Record]:
    """Flickr30k Entities: Sentences/<id>.txt, one sentence a line; the brackets around its phrases are removed."""
    sentences = folder / "Sentences"
    if not sentences.is_dir():
        raise FileNotFoundError(f"{sentences}: no such folder; unpack flickr30k_entities/annotations.zip")
    for path in sorted(sentences.glob("*.txt")):
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            yield Problem(path.name, path.stem, "broken text", "download it again")
            continue
        for line, text in enumerate(lines, start=1):
            plain = _PHRASE.sub(r"\1", text)
            if "[/EN" in plain or "]" in plain:
                yield Problem(f"{path.name} line {line}", path.stem, "broken brackets", "download it again", text[:60])
            elif plain.strip():
                yield f"flickr30k_{path.stem}.jpg", plain


def read_expressions(path: Path) -> Iterator[Record]:
    """Referring expressions in GQA photos (Cops-Ref's templates): JSON Lines with photo and caption."""
    with path.open(encoding="utf-8", errors="replace") as file:
        for line, text in enumerate(file, start=1):
            try:
                row = json.loads(text) if text.strip() else None
                photo, caption = (row["photo"], row["caption"]) if row is not None else (None, None)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                advice = "expected photo and caption as text"
                yield Problem(f"{path.name} line {line}", "", "no expression", advice, str(error))
                continue
            if isinstance(photo, str) and isinstance(caption, str):
                name = Path(photo).name
                yield name if name.startswith("GQA_") else f"GQA_{name}", caption


READERS: dict[str, Reader] = {
    "mdetr": read_mdetr,
    "narratives": read_narratives,
    "entities": read_entities,
    "expressions": read_expressions,
}
ORIGINS: dict[str, tuple[str, str]] = {
    "mdetr": ("zenodo.org/record/4729015, mdetr_annotations.tar.gz", "Apache-2.0; texts of Visual Genome CC BY 4.0"),
    "narratives": ("storage.googleapis.com/localized-narratives/annotations", "CC BY 4.0"),
    "entities": ("github.com/BryanPlummer/flickr30k_entities, annotations.zip", "non-commercial, photos by form"),
    "expressions": ("github.com/zfchenUnique/Cops-Ref", "texts of GQA, CC BY 4.0"),
}


# Where each archive unpacks its photos to, by the prefix of their keys; {} is the key without its prefix.
LAYOUTS: dict[str, tuple[str, ...]] = {
    "coco": ("train2017/{}", "val2017/{}", "train2014/COCO_train2014_{}", "val2014/COCO_val2014_{}", "{}"),
    "vg": ("VG_100K/{}", "VG_100K_2/{}", "images/{}", "{}"),
    "GQA": ("images/{}", "{}"),
    "openimages": ("train/{}", "validation/{}", "test/{}", "{}"),
    "flickr30k": ("flickr30k-images/{}", "flickr30k_images/{}", "images/{}", "{}"),
    "ADE": ("images/training/ADE_{}", "images/validation/ADE_{}", "ADE_{}"),
}


def known_prefix(key: str) -> str | None:
    """The prefix of a key if it is one of :data:`LAYOUTS`, else None."""
    prefix = key.partition("_")[0]
    return prefix if prefix in LAYOUTS else None


def locate(key: str, roots: dict[str, Path]) -> Path | None:
    """The photo of a key under the user's ``roots`` by prefix, in any layout that the archives unpack to."""
    prefix, _, rest = key.partition("_")
    if prefix not in roots:
        return None
    paths = (roots[prefix] / layout.format(rest) for layout in LAYOUTS[prefix])
    return next((path for path in paths if path.is_file()), None)
