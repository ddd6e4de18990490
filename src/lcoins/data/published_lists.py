"""Rows of caption lists as published data sets have them: COCO's annotations, Karpathy's splits, Flickr8k's tokens.

Values of a JSON file are decoded one at a time: of its 90 to 140 MB only the text is in memory.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RawRow = tuple[int, Any, Any]  # line, photo and caption as the file has them, of any type
# How the files begin whose photos and captions lie in arrays "images" and "annotations", or in "images" alone: with one
# of their keys and a value that is no caption.
_ANNOTATED = re.compile(r'\s*\{\s*"(?:info|images|annotations|licenses|type|dataset|categories)"\s*:')
_ARRAYS = re.compile(r'"(?:images|annotations)"\s*:\s*\[\s*\{')
_TOKEN = re.compile(r"^([^\t]+)#\d+\t(.*)$")


@dataclass(frozen=True)
class MalformedRow:
    """Stands in a :data:`RawRow` for the photo if the row has none; ``detail`` says what it has instead."""

    detail: str


def is_annotated(text: str) -> bool:
    """Whether the text of a JSON file has the form of COCO's captions or of Karpathy's splits."""
    return _ANNOTATED.match(text) is not None and _ARRAYS.search(text) is not None


def annotated_rows(text: str, split: str | None) -> Iterator[RawRow]:
    """The pairs of COCO's ``captions_*.json``, or of Karpathy's ``dataset.json``, in their order.

    ``split`` takes those photos of ``dataset.json`` whose split it names; several are joined by "+", such as
    "train+restval". Raises ValueError where the file has no such split, or has none at all.
    """
    names: dict[Any, Any] = {}
    annotations: list[tuple[int, int]] = []  # where the array is
    found, wanted = set[str](), set(split.split("+")) if split is not None else None
    for line, key, start, _ in _members(text):
        if key == "annotations":
            annotations.append((start, line))
        elif key == "images" and text[start] == "[":
            for image_line, _, _, image in entries(text, start, line):
                if not isinstance(image, dict):
                    yield image_line, MalformedRow(f"expected an image, got {abbreviated(image)}"), None
                elif "sentences" in image:
                    found.add(str(image.get("split")))
                    if wanted is None or image.get("split") in wanted:
                        yield from _sentences(image_line, image)
                else:
                    number = image.get("id")
                    names[number if isinstance(number, (int, str)) else None] = image.get("file_name")
    if wanted is not None and not wanted <= found:
        raise ValueError(
            f"has no split {'+'.join(sorted(wanted - found))!r}, but {', '.join(sorted(found)) or 'none at all'}"
        )
    for start, line in annotations:
        for row_line, _, _, annotation in entries(text, start, line):
            yield row_line, *_annotation(annotation, names)


def _annotation(annotation: Any, names: dict[Any, Any]) -> tuple[Any, Any]:
    """The photo and the caption of an entry of COCO's annotations."""
    if not isinstance(annotation, dict) or "caption" not in annotation:
        return MalformedRow(f"expected an annotation with a caption, got {abbreviated(annotation)}"), None
    number = annotation.get("image_id")
    if not isinstance(number, (int, str)) or number not in names:
        return MalformedRow(f"image_id is {abbreviated(number)}, which the file's images do not have"), None
    return names[number], annotation["caption"]


def _sentences(line: int, image: dict[str, Any]) -> Iterator[RawRow]:
    """The pairs of an entry of Karpathy's images; photos of COCO lie in the folder that ``filepath`` names."""
    photo = image.get("filename")
    if isinstance(photo, str) and isinstance(image.get("filepath"), str):
        photo = f"{image['filepath']}/{photo}"
    sentences = image["sentences"] if isinstance(image["sentences"], list) else []
    for sentence in sentences or [None]:
        yield line, photo, sentence.get("raw") if isinstance(sentence, dict) else sentence


def is_tokens(text: str) -> bool:
    """Whether a text has the form of Flickr8k's and Flickr30k's tokens: ``photo.jpg#0``, a tab, a caption."""
    return _TOKEN.match(text.lstrip().partition("\n")[0].rstrip("\r")) is not None


def token_rows(text: str) -> Iterator[RawRow]:
    """The pairs of a file of tokens."""
    for line, content in enumerate(text.splitlines(), start=1):
        if match := _TOKEN.match(content):
            yield line, match[1], match[2]
        elif content.strip():
            yield line, MalformedRow(f"expected photo.jpg#0, a tab and a caption, got {abbreviated(content)}"), None


def without_split(path: Path) -> tuple[Path, str | None]:
    """A list's path and the split that is named behind it, as in ``dataset.json@train``; None without one."""
    name, at, split = path.name.rpartition("@")
    return (path.with_name(name), split) if at and name and split and not path.exists() else (path, None)


def abbreviated(value: Any) -> str:
    """A value as JSON, cut to a length that fits into a message."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _members(text: str) -> Iterator[tuple[int, str, int, Any]]:
    """As :func:`entries` of the outermost object, but arrays, which may be large, are walked and not kept: None."""
    decode = json.JSONDecoder().raw_decode
    index, line, counted = text.index("{") + 1, 1, 0
    while True:
        index = _skip_gap(text, index)
        if text[index] == "}":
            return
        line, counted = line + text.count("\n", counted, index), index
        name, index = decode(text, index)
        start = index = _skip_gap(text, index)
        value = None
        if text[index] == "[":
            index = _skip_gap(text, index + 1)
            while text[index] != "]":
                index = _skip_gap(text, decode(text, index)[1])
            index += 1
        else:
            value, index = decode(text, index)
        yield line, name, start, value


def entries(text: str, start: int, line: int) -> Iterator[tuple[int, str, int, Any]]:
    """(line, key or "", start of the value, value) of each entry of the array or object that starts at ``start``.

    ``line`` is the line of ``start``. Walks one level of valid JSON, because reports name lines, which json.loads
    forgets; and because json.loads keeps only the last of two entries with the same key, where this yields both.
    """
    decode = json.JSONDecoder().raw_decode
    index = _skip_gap(text, start)
    is_object, counted, index = text[index] == "{", start, index + 1
    while True:
        index = _skip_gap(text, index)
        if text[index] in "]}":
            return
        line, counted = line + text.count("\n", counted, index), index
        name = ""
        if is_object:
            name, index = decode(text, index)
            index = _skip_gap(text, index)
        value, end = decode(text, index)
        yield line, name, index, value
        index = end


def _skip_gap(text: str, index: int) -> int:
    """The index of the next character that is no space, comma or colon, which separate values in valid JSON."""
    while text[index] in " \t\r\n,:":
        index += 1
    return index
