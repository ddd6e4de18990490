"""Makes packs whose index has many rows but few pixels, and measures what a process needs to train from them.

    python tests/large_pack.py FOLDER 10000 1000000 10000000

Rows of all sizes point to the same few photos, so that only the index and the captions grow. Each set is opened and
read in a process of its own; memory is what /proc says of that process (Linux).
"""

import json
import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lcoins.data.indexed_pairs import write_indexed_pairs
from lcoins.data.pack_index import PackedPhoto, PackIndexWriter
from lcoins.data.pairs import Pair
from lcoins.files import sha256_of, write_whole

SIDE, PHOTOS = 256, 64  # pixels of a side, and the photos that there really are
COLORS = ("red", "blue", "green", "yellow", "brown", "purple")
THINGS = ("bus", "umbrella", "kite", "sofa", "bird", "vase", "truck")


def make(folder: Path, rows: int) -> None:
    """Writes a pack of so many rows, at least PHOTOS, with one caption each.

    The order of the list takes 32 bytes a row and more.
    """
    folder.mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 256, (PHOTOS, SIDE, SIDE, 3), dtype=np.uint8)
    (folder / "00000.rgb").write_bytes(pixels.tobytes())
    os.truncate(folder / "00000.rgb", rows * pixels[0].size)  # a hole, which takes no space
    sums = [zlib.crc32(photo.tobytes()) for photo in pixels]
    with PackIndexWriter(folder / "photos.index") as index:
        for row in range(rows):
            which = row * 40503 % PHOTOS
            place = which * SIDE * SIDE * 3
            index.add(PackedPhoto(name(row), 0, place, SIDE, SIDE, sums[which], 123_456, 1_700_000_000, True))
        index.finish()
    path = folder / "photos.index"
    facts = {"sha256": sha256_of(path), "bytes": path.stat().st_size}
    write_indexed_pairs(folder / "train.pairs", captioned(rows), str(facts["sha256"]))
    head = {"format": "lcoins-pack", "version": 2, "source": "made", "size": SIDE, "shards": 1, "index": facts}
    write_whole(folder / "pack.json", json.dumps(head))


def name(row: int) -> str:
    return f"train/{row:012d}.jpg"


def captioned(rows: int) -> Iterator[tuple[str, list[tuple[int, Pair]]]]:
    for row in range(rows):
        yield name(row), [(row, Pair(name(row), caption(row), row + 1, "train.jsonl"))]


def caption(row: int) -> str:
    color, thing = COLORS[row % len(COLORS)], THINGS[row // 7 % len(THINGS)]
    return f"a {color} {thing} beside a wooden fence on a sunny day, number {row}"


def measure_index(folder: Path) -> dict[str, float]:
    """Of a process that opens index and list, and reads 20,000 rows of each by name and by number."""
    from lcoins.data.indexed_pairs import IndexedPairs
    from lcoins.data.pack_index import PackIndex

    before = memory()
    begin = time.perf_counter()
    index, pairs = PackIndex(folder / "photos.index"), IndexedPairs(folder / "train.pairs")
    opened = time.perf_counter() - begin
    after = memory()
    wanted = np.random.default_rng(1).integers(0, pairs.photos, 20_000).tolist()
    begin = time.process_time()
    for photo in wanted:
        assert index[pairs.name(photo)].width == SIDE
        assert pairs.captions(photo)[0].endswith(f" {photo}")
    spent = time.process_time() - begin
    return {"open_s": opened, "before": before, "opened": after, "peak": peak(), "cpu_us_a_photo": spent / 20_000 * 1e6}


def measure_training(folder: Path, seconds: float, workers: int) -> dict[str, float]:
    """Of a training's loader (batches of 32, 224 pixels), as ``lcoins data speed`` measures it, shuffling included."""
    from lcoins.benchmark.loading import measure_loading
    from lcoins.data.datamodule import KeyedSampler
    from lcoins.data.from_lists import PhotoSource, read_usable_pairs
    from lcoins.data.photos import Photos, RandomView

    before = memory()
    begin = time.perf_counter()
    pairs = read_usable_pairs({"train": PhotoSource(str(folder), str(folder / "train.pairs"))}, "stop", None)["train"]
    samples = Photos(folder, pairs, 224, seed=0, view=RandomView())
    opened = time.perf_counter() - begin
    after = memory()
    begin = time.perf_counter()
    next(iter(KeyedSampler(samples, 0, shuffle=True)))
    shuffled = time.perf_counter() - begin
    found = measure_loading(folder, pairs, 224, workers, seconds)
    facts = {"samples_per_s": found.samples_per_second, "worker_peak": found.worker_mib}
    return {"open_s": opened, "before": before, "opened": after, "shuffle_s": shuffled, "peak": peak()} | facts


def memory() -> float:
    """Resident MiB of this process, shared libraries and mapped files included."""
    return status("VmRSS")


def peak() -> float:
    return status("VmHWM")


def status(field: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(f"{field}:"))


def measured(kind: str, folder: Path, *arguments: float) -> dict[str, Any]:
    """What a fresh process measures."""
    command = [sys.executable, __file__, f"--{kind}", str(folder), *map(str, arguments)]
    found: dict[str, Any] = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return found


def main() -> None:
    if sys.argv[1] == "--index":
        print(json.dumps(measure_index(Path(sys.argv[2]))))
    elif sys.argv[1] == "--training":
        print(json.dumps(measure_training(Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))))
    else:
        for rows in map(int, sys.argv[2:]):
            folder = Path(sys.argv[1]) / f"rows{rows}"
            if not folder.exists():
                make(folder, rows)
            sizes = {path.name: path.stat().st_size for path in folder.iterdir()}
            parts = {"index": measured("index", folder), "training": measured("training", folder, 20, 0)}
            parts["workers"] = measured("training", folder, 20, 2)
            print(json.dumps({"rows": rows, "bytes": sizes} | parts), flush=True)


if __name__ == "__main__":
    main()
