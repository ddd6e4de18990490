"""The LightningDataModule: serves batches in a keyed order and turns them into network input on the device."""

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from lightning import LightningDataModule
from torch.utils.data import DataLoader, Sampler, SequentialSampler

from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.color.words import recolor
from lcoins.data.augment import Augmentation, Draws
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.types import Batch, Sample, collate, key
from lcoins.data.workers import ignore_stop_signals

INDICES_AT_ONCE = 4096  # of an epoch's order, as Python's integers


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

    Shuffled, all ranks together read the same order as one rank would, in turns, so that a step of R ranks with B
    samples each sees the samples of a step of one rank with R * B. Their count is a multiple of ``multiple``; those
    left over are skipped for an epoch. In order, every index belongs to exactly one rank, so that a metric counts each
    pair once; if there are fewer indices than ranks, every rank reads all, for one without any would not take part.
    Lightning calls ``set_epoch`` before the workers start; the data set receives the epoch, too.
    """

    def __init__(
        self, samples: SampleSet, seed: int, shuffle: bool, rank: int = 0, ranks: int = 1, multiple: int = 1
    ) -> None:
        if not shuffle and len(samples) < ranks:
            rank, ranks = 0, 1
        self.samples, self.seed, self.shuffle, self.rank, self.ranks = samples, seed, shuffle, rank, ranks
        self.multiple, self.epoch = multiple, 0
        self.read = (0, 0)  # an epoch, and how many of its indices have been read before, in an interrupted run

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch
        self.samples.set_epoch(epoch)

    def __len__(self) -> int:
        count = len(self.samples)
        if self.shuffle:
            return count // self.multiple * self.multiple // self.ranks
        return len(range(self.rank, count, self.ranks))

    def __iter__(self) -> Iterator[int]:
        count = len(self.samples)
        if not self.shuffle:
            return iter(range(self.rank, count, self.ranks))
        generator = torch.Generator().manual_seed(key(self.seed, "order", self.epoch))
        order = torch.randperm(count, generator=generator)  # 8 bytes an index; as Python's integers they take 40
        first = self.read[1] if self.epoch == self.read[0] else 0
        own = order[self.rank + first * self.ranks : len(self) * self.ranks : self.ranks]
        return (index for part in own.split(INDICES_AT_ONCE) for index in part.tolist())


class FirstSamples(SequentialSampler):
    """The indices that this rank reads where few samples are to be learned by heart: in order, alike in all epochs.

    Lightning puts a sampler of its own in the place of any that is no SequentialSampler, and on every rank the same.
    The epoch is that of the run; the data set stays in its first.
    """

    def __init__(self, samples: SampleSet, rank: int = 0, ranks: int = 1) -> None:
        super().__init__(samples)
        samples.set_epoch(0)
        self.samples, self.rank, self.ranks, self.epoch = samples, rank, ranks, 0
        self.read = (0, 0)  # an epoch, and how many of its indices have been read before, in an interrupted run

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.samples) // self.ranks

    def __iter__(self) -> Iterator[int]:
        first = self.read[1] if self.epoch == self.read[0] else 0
        return iter(range(self.rank + first * self.ranks, len(self) * self.ranks, self.ranks))


class BatchesInTurn(Sampler[list[int]]):
    """The batches of ``count`` samples in order, of which this rank reads every ``ranks``-th.

    They are those of a single process, so that each sample is computed in the same company and gives the same bits.
    """

    def __init__(self, count: int, batch_size: int, rank: int, ranks: int) -> None:
        self.count, self.batch_size, self.rank, self.ranks = count, batch_size, rank, ranks

    def __len__(self) -> int:
        return len(self._starts())

    def __iter__(self) -> Iterator[list[int]]:
        return (list(range(start, min(start + self.batch_size, self.count))) for start in self._starts())

    def _starts(self) -> range:
        return range(self.rank * self.batch_size, self.count, self.ranks * self.batch_size)


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

    Everything that training draws for a sample is keyed by (seed, epoch, index of the sample): it depends neither on
    the batch that the sample is in nor on the number of processes. Noise inside the model is not keyed so.
    ``samples_per_step`` is what one step of the optimizer sees, over all processes; an epoch has whole steps.
    """

    samples_per_step = 1

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
        self._resumed = (0, 0)  # the epoch, and the samples of it that all processes of an interrupted run have read
        palettes = [samples.palette for samples in (val, *tests.values()) if samples is not None]
        self.palette = next((palette for palette in palettes if palette is not None), None)

    def _loader(self, samples: SampleSet, train: bool) -> DataLoader[Sample]:
        sampler = (
            self._train_sampler(samples) if train else KeyedSampler(samples, self.seed, False, *self._rank_of_ranks())
        )
        epoch = self.trainer.current_epoch if self.trainer is not None else 0
        # Loaders are made, and workers begin to read, before Lightning knows that it resumes.
        sampler.set_epoch(max(epoch, self._resumed[0]) if train else epoch)
        return self._batches(
            samples,
            batch_size=self.loader.batch_size if train else self.loader.eval_batch_size,
            sampler=sampler,
            drop_last=train,
        )

    def _train_sampler(self, samples: SampleSet) -> KeyedSampler | FirstSamples:
        rank, ranks = self._rank_of_ranks()
        sampler: KeyedSampler | FirstSamples
        if self.trainer is not None and self.trainer.overfit_batches:  # type: ignore[attr-defined]
            sampler = FirstSamples(samples, rank, ranks)
        else:
            sampler = KeyedSampler(samples, self.seed, True, rank, ranks, self.samples_per_step)
        sampler.read = (self._resumed[0], self._resumed[1] // ranks)
        return sampler

    def _rank_of_ranks(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer is not None else (0, 1)

    def _batches(self, samples: SampleSet, **options: Any) -> DataLoader[Sample]:
        return DataLoader(
            samples,  # type: ignore[arg-type]
            num_workers=self.loader.workers,
            collate_fn=collate,
            worker_init_fn=ignore_stop_signals,
            pin_memory=torch.cuda.is_available(),
            **options,
        )

    def train_dataloader(self) -> DataLoader[Sample]:
        if self.train_set is None:
            raise ValueError("there is no training set; this data module was made for evaluation")
        if len(self.train_set) < self.samples_per_step:
            raise ValueError(
                f"the training set has {len(self.train_set)} photos, fewer than one step of {self.samples_per_step} "
                "over all devices; lower recipe.global_batch or data.batch_size, or add photos"
            )
        return self._loader(self.train_set, train=True)

    def val_dataloader(self) -> DataLoader[Sample]:
        if self.val_set is None:
            raise ValueError("there is no validation set; this data module was made for evaluation")
        return self._loader(self.val_set, train=False)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds: the epoch to go on with, and how many samples of it all processes have trained on.

        Samples, because the run may go on with another number of processes, or in batches of another size.
        """
        assert self.trainer is not None
        progress, epoch = self.trainer.fit_loop.epoch_loop.batch_progress, self.trainer.current_epoch
        if progress.is_last_batch:
            return {"epoch": epoch + 1, "samples": 0}
        batch_of_all = self.loader.batch_size * self._rank_of_ranks()[1]
        return {"epoch": epoch, "samples": progress.current.ready * batch_of_all}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._resumed = (state_dict["epoch"], state_dict.get("samples", 0))  # lcoins 0.1 counted batches, here none

    def test_loaders(self) -> dict[str, DataLoader[Sample]]:
        """One loader per named test set, every pair once and in order; with several processes each has its batches.

        A trainer's ``limit_test_batches`` leaves the first of them, so many or such a part.
        """
        limit = self.trainer.limit_test_batches if self.trainer is not None else 1.0
        loaders = {}
        for name, samples in self.test_sets.items():
            few = limit * (len(samples) if isinstance(limit, float) else self.loader.eval_batch_size)
            count = min(len(samples), max(1, int(few)))
            batches = BatchesInTurn(count, self.loader.eval_batch_size, *self._rank_of_ranks())
            loaders[name] = self._batches(samples, batch_sampler=batches)
        return loaders

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
            batch.lightness = to_network_lightness(self.augmentation(batch.rgb, Draws(self._keys("luminance", batch))))
        return batch

    def _recolor_words(self, batch: Batch, word_recoloring: WordRecoloring) -> None:
        """Recolors words and what they name; where a caption changes, its recolored caption is drawn anew."""
        rngs = [random.Random(seed) for seed in self._keys("words", batch)]
        batch.rgb, captions = word_recoloring(batch.rgb, batch.captions, rngs)
        changes = zip(batch.captions, captions, batch.recolored, rngs, strict=True)
        batch.recolored = [old if before == after else recolor(after, rng) for before, after, old, rng in changes]
        batch.captions = captions

    def _keys(self, purpose: str, batch: Batch) -> list[int]:
        """The seeds of what is drawn at random for the samples of a training batch."""
        assert self.trainer is not None
        return [key(self.seed, purpose, self.trainer.current_epoch, index) for index in batch.index.tolist()]
