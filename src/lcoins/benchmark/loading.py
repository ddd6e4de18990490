"""Measures how many samples a second the data loader delivers from a photo set, and its peak memory."""

import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch.utils.data import DataLoader

from lcoins.data.datamodule import KeyedSampler
from lcoins.data.indexed_pairs import IndexedPairs
from lcoins.data.pairs import Pair
from lcoins.data.photos import Photos, RandomView
from lcoins.data.types import collate


@dataclass(frozen=True)
class LoadingSpeed:
    """Samples per second over ``seconds``, and the peak memory in MiB of this process and of its largest worker."""

    samples_per_second: float
    samples: int
    seconds: float
    own_mib: float
    worker_mib: float


def measure_loading(
    root: Path | str,
    pairs: Sequence[Pair] | IndexedPairs,
    image_size: int,
    workers: int,
    seconds: float,
    *,
    batch_size: int = 32,
    crop_scale: tuple[float, float] = (0.2, 1.0),
) -> LoadingSpeed:
    """Loads shuffled training batches (random crop, flip, tensor) for ``seconds`` after two batches of warm-up.

    Args:
        root: The folder of photos, or a pack of them.
        pairs: Photos and captions.
        image_size: Height and width of the samples in pixels.
        workers: Worker processes of the loader, ``data.workers``.
        seconds: How long to measure.
        batch_size: Samples in a batch.
        crop_scale: The smallest and the largest share of a photo that a random crop may take.
    """
    photos = Photos(root, pairs, image_size, seed=0, view=RandomView(crop_scale, "swap_words"))
    sampler = KeyedSampler(photos, seed=0, shuffle=True)
    loader = DataLoader(
        photos,
        batch_size=batch_size,
        sampler=sampler,
        num_workers=workers,
        collate_fn=collate,
        drop_last=len(photos) >= batch_size,
        persistent_workers=workers > 0,
    )
    count, epoch, begin = -2, 0, 0.0
    samples = 0
    while True:
        sampler.set_epoch(epoch)
        for batch in loader:
            count += 1
            if count == 0:
                begin = time.perf_counter()
            elif count > 0:
                samples += len(batch)
            if count > 0 and time.perf_counter() - begin >= seconds:
                spent = time.perf_counter() - begin
                del loader  # ends the workers: their memory is only known afterwards
                worker = peak_mib(resource.RUSAGE_CHILDREN) if workers else 0.0
                return LoadingSpeed(samples / spent, samples, spent, peak_mib(), worker)
        epoch += 1


def peak_mib(who: int = resource.RUSAGE_SELF) -> float:
    """Peak resident memory in MiB."""
    # The system counts in kibibytes on Linux and in bytes on macOS.
    return resource.getrusage(who).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
