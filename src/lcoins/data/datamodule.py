"""The LightningDataModule: batches in a keyed order, and the step from photos to network input on the device."""

import random
from collections.abc import Iterable, Iterator, Mapping
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
    """What a data set must offer: samples by index, and a new draw of everything random in each epoch.

    ``palette`` maps color words to CIELAB where the samples have exact instances with named colors, else it is None;
    ``texts`` hold every word that a caption of the set can hold.
    """

    @property
    def palette(self) -> Mapping[str, tuple[float, float, float]] | None: ...
    @property
    def texts(self) -> Iterable[str]: ...
    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
    def set_epoch(self, epoch: int) -> None: ...


class KeyedSampler(Sampler[int]):
    """Indices of this rank: in an order that (seed, epoch) alone decides, or in their own order (``shuffle=False``).

    Shuffled, the ranks get equally many and the remainder of the last round rests for an epoch; in order, every index
    belongs to exactly one rank, so that a metric counts each pair once. Lightning calls ``set_epoch``, which is passed
    on to the data set before the workers start.
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


class ColorizationData(LightningDataModule):
    """Serves training, validation and named test sets, and makes network input on the device.

    After a batch has reached the device, the target ab is taken from the original photo, and the lightness from it or,
    in training, from its luminance augmentation (paper, 3.2). Metrics never see augmented lightness. Before that, in
    training too, ``word_recoloring`` may exchange color words together with what they name.
    """

    def __init__(
        self,
        train: SampleSet | None,
        val: SampleSet | None,
        tests: Mapping[str, SampleSet],
        batch_size: int,
        eval_batch_size: int,
        workers: int,
        augmentation: Augmentation,
        seed: int,
        word_recoloring: WordRecoloring | None = None,
    ):
        super().__init__()
        if train is not None and len(train) < batch_size:
            raise ValueError(
                f"the training set has {len(train)} photos, fewer than one batch of {batch_size}; "
                f"set data.batch_size to {len(train)} or less, or add photos"
            )
        self.train_set, self.val_set, self.test_sets = train, val, dict(tests)
        self.batch_size, self.eval_batch_size, self.workers = batch_size, eval_batch_size, workers
        self.augmentation, self.seed = augmentation, seed
        self.word_recoloring = word_recoloring
        palettes = [samples.palette for samples in (val, *tests.values()) if samples is not None]
        self.palette = next((palette for palette in palettes if palette is not None), None)

    def _loader(self, samples: SampleSet, batch_size: int, train: bool) -> DataLoader[Sample]:
        rank, ranks, epoch = 0, 1, 0
        if self.trainer is not None:
            rank, ranks, epoch = self.trainer.global_rank, self.trainer.world_size, self.trainer.current_epoch
        sampler = KeyedSampler(samples, self.seed, shuffle=train, rank=rank, ranks=ranks)
        sampler.set_epoch(epoch)
        return DataLoader(
            samples,  # type: ignore[arg-type]
            batch_size=batch_size,
            sampler=sampler,
            num_workers=self.workers,
            collate_fn=collate,
            drop_last=train,
            pin_memory=torch.cuda.is_available(),
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        if self.train_set is None:
            raise ValueError("there is no training set; this data module was made for evaluation")
        return self._loader(self.train_set, self.batch_size, train=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        if self.val_set is None:
            raise ValueError("there is no validation set; this data module was made for evaluation")
        return self._loader(self.val_set, self.eval_batch_size, train=False)

    def test_loaders(self) -> dict[str, DataLoader[Sample]]:
        """One loader per named test set, every pair once and in order."""
        return {
            name: self._loader(samples, self.eval_batch_size, train=False) for name, samples in self.test_sets.items()
        }

    @torch.no_grad()
    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int = 0) -> Batch:
        """Makes the pixels of a batch float and adds network lightness and ab to one that has reached the device."""
        batch.rgb = batch.float_rgb()
        training = self.trainer is not None and self.trainer.training
        if training and self.word_recoloring is not None:
            self._exchange_words(batch, self.word_recoloring)
        lightness, ab = split_lab(batch.rgb)
        batch.ab = to_network_ab(ab)
        batch.original_lightness = to_network_lightness(lightness)
        batch.lightness = batch.original_lightness
        if training:
            generator = torch.Generator().manual_seed(self._place("luminance", batch))
            batch.lightness = to_network_lightness(self.augmentation(batch.rgb, generator))
        return batch

    def _exchange_words(self, batch: Batch, word_recoloring: WordRecoloring) -> None:
        """Recolors words and what they name; the second caption is drawn anew where the first has changed."""
        rng = random.Random(self._place("words", batch))
        batch.rgb, captions = word_recoloring(batch.rgb, batch.captions, rng)
        second = zip(batch.captions, captions, batch.recolored, strict=True)
        batch.recolored = [old if before == after else recolor(after, rng) for before, after, old in second]
        batch.captions = captions

    def _place(self, purpose: str, batch: Batch) -> int:
        """What everything random about a training batch is drawn from."""
        assert self.trainer is not None
        return key(self.seed, purpose, self.trainer.current_epoch, int(batch.index[0]))
