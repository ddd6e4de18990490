"""A finished run, written without training."""

import csv
import json
from pathlib import Path

import numpy as np


def write_run(
    folder: Path,
    psnr: list[float],
    correct: list[int],
    title: str = "clear",
    groups: np.ndarray | None = None,
    pairs_per_photo: int = 1,
    exchanged: str = "blue",
) -> Path:
    """A finished run as `lcoins train` leaves it, with two instances a pair, asked for the color ``exchanged``."""
    test = folder / "test"
    test.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text("seed: 0\n")
    (folder / "metrics.json").write_text("{}")
    settings = {"size": [64, 64], "palette": {"red": [50, 60, 30], "blue": [40, 10, -50]}}
    (test / f"{title}.json").write_text(json.dumps({"settings": settings}))
    with (test / f"{title}_pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["name", "photo", "caption", "psnr", "instances", "instances_correct", "recolored", "recolor_hit"]
        )
        for i, (value, right) in enumerate(zip(psnr, correct, strict=True)):
            photo, asked = f"p{i // pairs_per_photo}", ("", "") if i else (f"a {exchanged} cup {i}", "True")
            writer.writerow([f"p{i}", photo, f"a red cup {i}", value, 2, right, *asked])
    if groups is not None:
        np.save(test / f"{title}_groups.npy", groups)
    return folder
