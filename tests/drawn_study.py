"""A small study of drawn pictures, for tests of its parts."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lcoins.study.make import StudyOptions, make_study
from lcoins.study.protocol import Protocol

SYSTEMS = ("one", "two", "three")


def draw_pictures(folder: Path, count: int = 12) -> tuple[dict[str, str], Path, Path]:
    """Folders of pictures of three systems, a caption list, and the folder of the photos."""
    rng = np.random.default_rng(0)
    with_captions = [["photo", "caption"]]
    for index in range(count):
        for name in (*SYSTEMS, "photos"):
            shape = (60, 80, 3) if name != "two" else (30, 40, 3)
            pixels = np.full(shape, rng.integers(40, 216, 3), dtype=np.uint8)
            pixels[::3] = rng.integers(0, 256, 3, dtype=np.uint8)
            (folder / name).mkdir(parents=True, exist_ok=True)
            file = f"{index}.jpg" if name == "photos" else f"{index}_colorized.png" if name == "one" else f"{index}.png"
            Image.fromarray(pixels).save(folder / name / file)
        with_captions.append([f"{index}.jpg", f"a red thing, number {index}"])
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(with_captions)
    return {name: str(folder / name) for name in SYSTEMS}, folder / "captions.csv", folder / "photos"


def draw_study(folder: Path, **options: Any) -> Protocol:
    """A study in ``folder / "study"``: by default 8 images for 6 people."""
    systems, captions, photos = draw_pictures(folder)
    chosen = StudyOptions(**({"images": 8, "people": 6} | options))
    return make_study(folder / "study", systems, captions, photos, chosen)[0]
