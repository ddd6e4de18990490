"""Photos of drawn rectangles with the file of their instances in COCO's format, and a caption list."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

KINDS = ("person", "bus", "cup")
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels
WIDTH, HEIGHT = 80, 40


@dataclass(frozen=True)
class DrawnFiles:
    """Where the photos and the two lists are."""

    root: Path
    instances: Path
    captions: Path


def outline(photo: int, kind: str, box: Box, crowd: bool = False) -> dict[str, Any]:
    left, top, right, bottom = box
    ring = [left, top, right, top, right, bottom, left, bottom]
    category = KINDS.index(kind)
    return {"image_id": photo, "category_id": category, "iscrowd": int(crowd), "segmentation": [ring]}


# One photo of a dark bus, one of two cups side by side.
TWO_PHOTOS = (
    outline(0, "bus", (10, 10, 50, 35)),
    outline(1, "cup", (5, 10, 30, 30)),
    outline(1, "cup", (50, 10, 75, 30)),
)


def write_things(folder: Path, *outlines: dict[str, Any], photos: int = 2) -> DrawnFiles:
    """Photos 0.png, 1.png ... of 80 by 40 pixels: dark gray things on light gray noise."""
    files = DrawnFiles(folder / "photos", folder / "instances.json", folder / "captions.json")
    files.root.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(photos):
        pixels = np.repeat(rng.integers(150, 170, (HEIGHT, WIDTH, 1), dtype=np.uint8), 3, axis=2)
        for one in (one for one in outlines if one["image_id"] == number):
            left, top, right, bottom = (one["segmentation"][0][place] for place in (0, 1, 2, 5))
            pixels[top:bottom, left:right] = 40
        Image.fromarray(pixels).save(files.root / f"{number}.png")
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": WIDTH, "height": HEIGHT} for n in range(photos)],
        "categories": [{"id": number, "name": name} for number, name in enumerate(KINDS)],
        "annotations": list(outlines),
    }
    files.instances.write_text(json.dumps(content), encoding="utf-8")
    files.captions.write_text(json.dumps({"0.png": ["a red bus in the street"]}), encoding="utf-8")
    return files
