"""Photos of drawn colored rectangles with their instances in COCO's format, background among them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
WIDTH, HEIGHT = 120, 80
RGB = {
    "red": (190, 25, 35),
    "blue": (35, 60, 190),
    "green": (40, 140, 40),
    "white": (240, 240, 240),
    "black": (15, 15, 15),
    "brown": (110, 75, 40),
}
SKY, GRASS = ("sky-other", "blue", (0, 0, WIDTH, 30)), ("grass", "green", (0, 30, WIDTH, HEIGHT))
# Each photo: kind, color and place of its things, those behind first.
SCENES: tuple[tuple[tuple[str, str, Box], ...], ...] = (
    (SKY, GRASS, ("bus", "red", (10, 20, 60, 60))),
    (("dog", "black", (5, 20, 45, 60)), ("dog", "white", (70, 20, 110, 60))),
    (GRASS, ("cup", "red", (5, 40, 25, 60)), ("cup", "red", (45, 40, 65, 60)), ("person", "blue", (80, 5, 110, 75))),
)


@dataclass(frozen=True)
class Described:
    """Where the photos and the file of instances are."""

    root: Path
    instances: Path


def ring(box: Box) -> list[int]:
    left, top, right, bottom = box
    return [left, top, right, top, right, bottom, left, bottom]


def runs(box: Box) -> dict[str, Any]:
    """The box as run lengths, column by column."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[box[1] : box[3], box[0] : box[2]] = True
    flat = mask.T.ravel()
    ends = [0, *(np.flatnonzero(flat[1:] != flat[:-1]) + 1).tolist(), flat.size]
    counts = [after - before for before, after in pairwise(ends)]
    return {"counts": [0, *counts] if flat[0] else counts, "size": [HEIGHT, WIDTH]}


def write_photos(
    folder: Path, scenes: Sequence[Sequence[tuple[str, str, Box]]] = SCENES, *, run_lengths: bool = False
) -> Described:
    """Photos 0.png, 1.png ... with the scenes on gray with one orange corner, so that none of them is near-gray."""
    files = Described(folder / "photos", folder / "instances.json")
    files.root.mkdir(parents=True)
    kinds = sorted({kind for scene in scenes for kind, _, _ in scene})
    content: Mapping[str, list[Any]] = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in range(len(scenes))],
        "categories": [{"id": number, "name": kind} for number, kind in enumerate(kinds, 1)],
        "annotations": [],
    }
    for number, scene in enumerate(scenes):
        pixels = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        pixels[:12, -12:] = (250, 140, 20)
        for kind, color, box in scene:
            left, top, right, bottom = box
            pixels[top:bottom, left:right] = RGB[color]
            outline = runs(box) if run_lengths else [ring(box)]
            one = {"image_id": number, "category_id": kinds.index(kind) + 1, "iscrowd": 0, "segmentation": outline}
            content["annotations"].append(one)
        Image.fromarray(pixels).save(files.root / f"{number}.png")
    files.instances.write_text(json.dumps(content), encoding="utf-8")
    return files
