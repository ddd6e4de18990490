"""A training source for tests: gray photos that all have the same outlined things."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lcoins.data.coco_instances import CocoInstances
from lcoins.data.recolored_photos import Source

SIZE = (64, 48)


def box(left: int, upper: int, right: int, lower: int) -> list[int]:
    return [left, upper, right, upper, right, lower, left, lower]


ONE = {"bus": box(16, 12, 48, 36)}


def source(folder: Path, things: dict[str, list[int]] = ONE, captions: Sequence[str] = (), count: int = 6) -> Source:
    """A folder of gray photos, each with the same things."""
    folder.mkdir(exist_ok=True)
    names = [f"{number}.png" for number in range(count)]
    for number, name in enumerate(names):
        pixels = np.random.default_rng(number).integers(90, 140, (*SIZE[::-1], 1), dtype=np.uint8).repeat(3, axis=2)
        Image.fromarray(pixels).save(folder / name)
    kinds = sorted({kind.split()[0] for kind in things})
    content = {
        "images": [{"id": n, "file_name": name, "width": SIZE[0], "height": SIZE[1]} for n, name in enumerate(names)],
        "categories": [{"id": n, "name": kind} for n, kind in enumerate(kinds)],
        "annotations": [
            {"image_id": n, "category_id": kinds.index(kind.split()[0]), "iscrowd": 0, "segmentation": [outline]}
            for n in range(count)
            for kind, outline in things.items()
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    (folder / "captions.json").write_text(json.dumps({name: list(captions) or ["a street"] for name in names}))
    listed = {name: list(captions) for name in names} if captions else {}
    return Source(folder, tuple(names), listed, CocoInstances(folder / "instances.json"), 1, 1)
