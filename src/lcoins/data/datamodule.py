"""The LightningDataModule: serves batches in a keyed order and turns them into network input on the device."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Sampler

from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.color.words import recolor
from lcoins.data.augment import Augmentation
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.types import Batch, Sample, collate, key


class SampleSet(Protocol):
    """A data set: samples by index, whose random parts are drawn anew in each epoch.

    ``palette`` maps color words to CIELAB where the samples have exact instances with named colors, else it is None.
    ``texts`` together contain every word that can occur in a caption of the set.
    """

    @property
    def palette(self) -> Mapping[str, tuple[float, float, float]] | None: ...
    @property
    def texts(self) -> Iterable[str]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
    def set_epoch(self, epoch: int) -> None: ...


class KeyedSampler(Sampler[int]):
    """The indices that this rank reads: shuffled by (seed, epoch) alone, or in order (``shuffle=False``).

    Shuffled, all ranks get equally many indices, and those left over are skipped for an epoch. In order, every index
    belongs to exactly one rank, so that a metric counts each pair once. Lightning calls ``set_epoch`` before the
    workers start; the data set receives the epoch, too.
    """

    def __init__(self, samples: SampleSet, seed: int, shuffle: bool, rank: int = 0, ranks: int = 1):
        self.samples, self.seed, self.shuffle, self.rank, self.ranks = samples, seed, shuffle, rank, ranks
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.samples.set_epoch(epoch)

    def __len__(self) -> int:
        count = len(self.samples)
        return count // self.ranks if self.shuffle else len(range(self.rank, count, self.ranks))

    def __iter__(self) -> Iterator[int]:
        count = len(self.samples)
        if not self.shuffle:
            return iter(range(self.rank, count, self.ranks))
        generator = torch.Generator().manual_seed(key(self.seed, "order", self.epoch))
        order = torch.randperm(count, generator=generator).tolist()
        return iter(order[self.rank : len(self) * self.ranks : self.ranks])


@dataclass(frozen=True)
class LoaderOptions:
    """Samples per batch in training and in evaluation, and the worker processes of each loader (0: none)."""

    batch_size: int
    eval_batch_size: int
    workers: int

    def __post_init__(self) -> None:
        for name, least in (("batch_size", 1), ("eval_batch_size", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"data.{name}: expected at least {least}, got {getattr(self, name)}")


class ColorizationData(LightningDataModule):
    """Serves training, validation and named test sets, and turns batches into network input on the device.

    The target ab always comes from the original photo; lightness comes from the same photo or, in training, from its
    luminance augmentation (paper, 3.2). Metrics never see augmented lightness. In training, ``word_recoloring`` may
    first exchange color words of captions together with the colors of what they name.
    """

    def __init__(
        self,
        train: SampleSet | None,
        val: SampleSet | None,
        tests: Mapping[str, SampleSet],
        loader: LoaderOptions,
        augmentation: Augmentation,
        seed: int,
        word_recoloring: WordRecoloring | None = None,
    ):
        super().__init__()
        if train is not None and len(train) < loader.batch_size:
            raise ValueError(
                f"the training set has {len(train)} photos, fewer than one batch of {loader.batch_size}; "
                f"set data.batch_size to {len(train)} or less, or add photos"
            )
        for name in tests:
            if Path(name).name != name or "\\" in name or name.startswith("."):
                raise ValueError(f"data.tests: expected names that can be those of files, got {name!r}")
        self.train_set, self.val_set, self.test_sets = train, val, dict(tests)
        self.loader, self.augmentation, self.seed = loader, augmentation, seed
        self.word_recoloring = word_recoloring
        palettes = [samples.palette for samples in (val, *tests.values()) if samples is not None]
        self.palette = next((palette for palette in palettes if palette is not None), None)

    def _loader(self, samples: SampleSet, train: bool) -> DataLoader[Sample]:
        rank, ranks, epoch = 0, 1, 0
        if self.trainer is not None:
            rank, ranks, epoch = self.trainer.global_rank, self.trainer.world_size, self.trainer.current_epoch
        sampler = KeyedSampler(samples, self.seed, shuffle=train, rank=rank, ranks=ranks)
        sampler.set_epoch(epoch)
        return DataLoader(
            samples,  # type: ignore[arg-type]
            batch_size=self.loader.batch_size if train else self.loader.eval_batch_size,
            sampler=sampler,
            num_workers=self.loader.workers,
            collate_fn=collate,
            drop_last=train,
            pin_memory=torch.cuda.is_available(),
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        if self.train_set is None:
            raise ValueError("there is no training set; this data module was made for evaluation")
        return self._loader(self.train_set, train=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        if self.val_set is None:
            raise ValueError("there is no validation set; this data module was made for evaluation")
        return self._loader(self.val_set, train=False)

    def test_loaders(self) -> dict[str, DataLoader[Sample]]:
        """One loader per named test set, every pair once and in order."""
        return {name: self._loader(samples, train=False) for name, samples in self.test_sets.items()}

    @torch.no_grad()
    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int = 0) -> Batch:
        """Converts the pixels of a batch on the device to float and adds network lightness and ab."""
        batch.rgb = batch.float_rgb()
        training = self.trainer is not None and self.trainer.training
        if training and self.word_recoloring is not None:
            self._recolor_words(batch, self.word_recoloring)
        lightness, ab = split_lab(batch.rgb)
        batch.ab = to_network_ab(ab)
        batch.original_lightness = to_network_lightness(lightness)
        batch.lightness = batch.original_lightness
        if training:
            generator = torch.Generator().manual_seed(self._batch_key("luminance", batch))
            batch.lightness = to_network_lightness(self.augmentation(batch.rgb, generator))
        return batch

    def _recolor_words(self, batch: Batch, word_recoloring: WordRecoloring) -> None:
        """Recolors words and what they name; where a caption changes, its recolored caption is drawn anew."""
        rng = random.Random(self._batch_key("words", batch))
        batch.rgb, captions = word_recoloring(batch.rgb, batch.captions, rng)
        changes = zip(batch.captions, captions, batch.recolored, strict=True)
        batch.recolored = [old if before == after else recolor(after, rng) for before, after, old in changes]
        batch.captions = captions

    def _batch_key(self, purpose: str, batch: Batch) -> int:
        """The seed of what is drawn at random for a training batch."""
        assert self.trainer is not None
        return key(self.seed, purpose, self.trainer.current_epoch, int(batch.index[0]))
