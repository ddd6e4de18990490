"""The data module: which rank sees which sample in which order, and what the network is shown of it."""

from dataclasses import replace
from itertools import chain
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lcoins.color.lab import split_lab, to_network_ab, to_network_lightness
from lcoins.data.augment import LuminanceAugmentation
from lcoins.data.datamodule import BatchesInTurn, ColorizationData, FirstSamples, KeyedSampler, LoaderOptions
from lcoins.data.recoloring import WordRecoloring
from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import Batch, Sample, collate

FOURS = LoaderOptions(batch_size=4, eval_batch_size=4, workers=0)
OFF, PAPER = LuminanceAugmentation(0.0, 1.0), LuminanceAugmentation(180.0, 5.0)


class Numbers:
    """A data set of a given length that remembers its epoch."""

    palette = None
    texts = ()

    def __init__(self, length: int) -> None:
        self.length, self.epoch = length, -1

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        raise AssertionError(f"the sampler must not read a sample, but asked for {index}")

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch


@given(length=st.integers(0, 60), ranks=st.integers(1, 7))
def test_in_order_the_ranks_share_out_every_index_once(length: int, ranks: int) -> None:
    """If there are fewer than ranks, each rank reads all."""
    if length < ranks:
        samplers = [KeyedSampler(Numbers(length), 0, shuffle=False, rank=rank, ranks=ranks) for rank in range(ranks)]
        assert [list(sampler) for sampler in samplers] == [list(range(length))] * ranks
        return
    samplers = [KeyedSampler(Numbers(length), 0, shuffle=False, rank=rank, ranks=ranks) for rank in range(ranks)]
    shares = [list(sampler) for sampler in samplers]
    assert sorted(chain(*shares)) == list(range(length))
    assert [len(share) for share in shares] == [len(sampler) for sampler in samplers]
    assert all(share == sorted(share) for share in shares)


@given(length=st.integers(0, 60), ranks=st.integers(1, 7), seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_shuffled_the_ranks_get_equally_many_and_none_twice(length: int, ranks: int, seed: int, epoch: int) -> None:
    shares = []
    for rank in range(ranks):
        sampler = KeyedSampler(Numbers(length), seed, shuffle=True, rank=rank, ranks=ranks)
        sampler.set_epoch(epoch)
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1]) == length // ranks
    together = list(chain(*shares))
    assert len(set(together)) == len(together)
    assert set(together) <= set(range(length))


@given(length=st.integers(0, 60), ranks=st.integers(1, 7), read=st.integers(0, 9))
def test_the_samples_to_be_learned_by_heart_are_alike_in_all_epochs(length: int, ranks: int, read: int) -> None:
    """The ranks take turns; an epoch that was begun before goes on where it was."""
    numbers = Numbers(length)
    samplers = [FirstSamples(numbers, rank, ranks) for rank in range(ranks)]
    whole, rest = [], []
    for sampler in samplers:
        sampler.read = (4, read)
        sampler.set_epoch(4)
        rest.append(list(sampler))
        sampler.set_epoch(5)
        whole.append(list(sampler))
        assert len(sampler) == len(whole[-1])
    assert sorted(chain(*whole)) == list(range(length // ranks * ranks))
    assert rest == [share[read:] for share in whole]
    assert numbers.epoch == 0


@pytest.mark.parametrize(("size", "ranks"), [(4, 1), (2, 2), (1, 4), (2, 1), (8, 1)])
def test_what_all_ranks_have_read_is_left_out_on_any_number_of_them(size: int, ranks: int) -> None:
    """A run that two ranks with batches of 4 have begun goes on after 8 of its 32 photos."""
    begun = ColorizationData(Scenes("train", 32, 32), None, {}, FOURS, OFF, seed=0)
    done = SimpleNamespace(is_last_batch=False, current=SimpleNamespace(ready=1))
    loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=done))
    begun.trainer = SimpleNamespace(fit_loop=loop, current_epoch=3, global_rank=0, world_size=2)  # type: ignore[assignment]
    state = begun.state_dict()
    read = []
    for rank in range(ranks):
        data = ColorizationData(Scenes("train", 32, 32), None, {}, replace(FOURS, batch_size=size), OFF, seed=0)
        data.trainer = SimpleNamespace(current_epoch=0, global_rank=rank, world_size=ranks, overfit_batches=0)  # type: ignore[assignment]
        data.load_state_dict(state)
        sampler: Any = data.train_dataloader().sampler
        assert len(sampler) == 32 // ranks
        read.append(list(sampler))
    alone = KeyedSampler(Numbers(32), 0, shuffle=True)
    alone.set_epoch(3)
    assert sorted(chain(*read)) == sorted(list(alone)[8:])


@given(length=st.integers(0, 60), size=st.integers(1, 5), ranks=st.integers(1, 7))
def test_tests_are_shared_out_in_the_batches_of_one_process(length: int, size: int, ranks: int) -> None:
    shares = [list(BatchesInTurn(length, size, rank, ranks)) for rank in range(ranks)]
    assert [len(share) for share in shares] == [len(BatchesInTurn(length, size, rank, ranks)) for rank in range(ranks)]
    assert sorted(chain(*shares)) == list(BatchesInTurn(length, size, 0, 1))
    assert sorted(chain(*chain(*shares))) == list(range(length))


@given(per_device=st.integers(1, 4), ranks=st.integers(1, 4), parts=st.integers(1, 3))
def test_a_step_sees_the_same_photos_on_any_number_of_devices(per_device: int, ranks: int, parts: int) -> None:
    total = per_device * ranks * parts
    shares = []
    for rank in range(ranks):
        sampler = KeyedSampler(Numbers(50), 0, shuffle=True, rank=rank, ranks=ranks, multiple=total)
        shares.append(list(sampler))
        assert len(sampler) == len(shares[-1]) == 50 // total * total // ranks
    alone = list(KeyedSampler(Numbers(50), 0, shuffle=True, multiple=total))
    for step in range(50 // total):
        each = total // ranks
        seen = chain(*(share[step * each : (step + 1) * each] for share in shares))
        assert sorted(seen) == sorted(alone[step * total : (step + 1) * total])


@given(seed=st.integers(0, 9), epoch=st.integers(0, 9))
def test_the_order_depends_on_seed_and_epoch_alone(seed: int, epoch: int) -> None:
    def order(seed: int, epoch: int, before: int = 0) -> list[int]:
        sampler = KeyedSampler(Numbers(50), seed, shuffle=True)
        for earlier in range(before):
            sampler.set_epoch(earlier)
            list(sampler)
        sampler.set_epoch(epoch)
        return list(sampler)

    assert order(seed, epoch) == order(seed, epoch, before=3)
    assert order(seed, epoch) != order(seed, epoch + 1)
    assert order(seed, epoch) != order(seed + 1, epoch)


def test_the_sampler_passes_the_epoch_to_its_data_set() -> None:
    numbers = Numbers(3)
    KeyedSampler(numbers, 0, shuffle=True).set_epoch(7)
    assert numbers.epoch == 7


def data_module(augmentation: LuminanceAugmentation, seed: int = 0) -> ColorizationData:
    return ColorizationData(Scenes("train", 8, 32), Scenes("val", 8, 32), {}, FOURS, augmentation, seed)


def transferred(data: ColorizationData, training: bool | None, epoch: int = 0, start: int = 0) -> Batch:
    """A batch after its transfer; ``training`` None stands for a module that no trainer has taken up."""
    if training is not None:
        data.trainer = SimpleNamespace(training=training, current_epoch=epoch)  # type: ignore[assignment]
    scenes = Scenes("train", 8, 32)
    return data.on_after_batch_transfer(collate([scenes[i] for i in range(start, start + 4)]))


@pytest.mark.parametrize("training", [True, False, None])
@pytest.mark.parametrize("augmentation", [OFF, PAPER], ids=["off", "paper"])
def test_the_target_is_always_the_original_photo(augmentation: LuminanceAugmentation, training: bool | None) -> None:
    batch = transferred(data_module(augmentation), training)
    lightness, ab = split_lab(batch.rgb)
    assert torch.equal(batch.ab, to_network_ab(ab))
    assert torch.equal(batch.original_lightness, to_network_lightness(lightness))


@pytest.mark.parametrize("training", [False, None])
def test_evaluation_sees_natural_lightness(training: bool | None) -> None:
    batch = transferred(data_module(PAPER), training)
    assert torch.equal(batch.lightness, batch.original_lightness)


def test_without_augmentation_training_sees_natural_lightness() -> None:
    batch = transferred(data_module(OFF), training=True)
    torch.testing.assert_close(batch.lightness, batch.original_lightness, rtol=0, atol=1e-5)


def test_training_draws_another_lightness_for_each_photo_of_a_batch() -> None:
    """The same photo four times at four places of the set: hue and gamma are drawn per photo, not per batch."""
    data = data_module(PAPER)
    data.trainer = SimpleNamespace(training=True, current_epoch=0)  # type: ignore[assignment]
    batch = data.on_after_batch_transfer(collate([replace(Scenes("train", 8, 32)[0], index=i) for i in range(4)]))
    for i in range(4):
        for other in (*range(i), "original"):
            reference = batch.original_lightness[i] if other == "original" else batch.lightness[other]
            assert (batch.lightness[i] - reference).abs().max() > 0.01
    assert batch.lightness.abs().max() <= 1


def test_the_drawn_lightness_is_keyed_by_seed_epoch_and_sample() -> None:
    def drawn(seed: int = 0, epoch: int = 0, start: int = 0) -> torch.Tensor:
        torch.rand(3)  # the global generator plays no part
        return transferred(data_module(PAPER, seed), True, epoch, start).lightness

    assert torch.equal(drawn(), drawn())
    assert not torch.equal(drawn(), drawn(seed=1))
    assert not torch.equal(drawn(), drawn(epoch=1))
    assert not torch.equal(drawn(), drawn(start=4))
    torch.testing.assert_close(drawn()[2:], drawn(start=2)[:2])  # in another batch, as on another number of devices


def test_a_training_set_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match=r"8 photos, fewer than one batch of 9; set data\.batch_size to 8"):
        ColorizationData(Scenes("train", 8, 32), None, {}, LoaderOptions(9, 4, 0), OFF, 0)


@pytest.mark.parametrize("name", ["batch_size", "eval_batch_size", "workers"])
def test_impossible_loader_options_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"data\.{name}: expected at least \d, got -1"):
        replace(FOURS, **{name: -1})


def test_a_test_set_brings_its_palette_where_validation_has_none() -> None:
    data = ColorizationData(None, Numbers(4), {"plain": Numbers(4), "clear": Scenes("clear", 4, 32)}, FOURS, OFF, 0)
    assert data.palette == Scenes.palette


def test_a_module_for_evaluation_has_test_loaders_only() -> None:
    tests = {"clear": Scenes("clear", 5, 32), "counter": Scenes("counter", 3, 32)}
    data = ColorizationData(None, None, tests, FOURS, PAPER, 0)
    names = {title: [name for batch in loader for name in batch.names] for title, loader in data.test_loaders().items()}
    assert names == {title: [f"{title}/{i:05d}" for i in range(len(scenes))] for title, scenes in tests.items()}
    assert data.palette == Scenes.palette
    for loader in (data.train_dataloader, data.val_dataloader):
        with pytest.raises(ValueError, match="made for evaluation"):
            loader()


def test_a_worker_draws_the_epoch_at_which_the_loader_was_made() -> None:
    """Workers draw ahead as soon as they start, which is before Lightning has told the sampler of a resumed epoch."""
    data = ColorizationData(Scenes("train", 8, 32), None, {}, replace(FOURS, workers=1), PAPER, 0)
    data.trainer = SimpleNamespace(global_rank=0, world_size=1, current_epoch=3, overfit_batches=0)  # type: ignore[assignment]
    names = sorted(name for batch in data.train_dataloader() for name in batch.names)
    assert names == [f"train/{3 * 8 + i:05d}" for i in range(8)]


def test_words_are_exchanged_in_training_alone_and_keyed_like_lightness() -> None:
    samples = [replace(Scenes("clear", 8, 32)[i], caption="a red thing", recolored="a blue thing") for i in range(8)]
    for sample in samples:
        sample.rgb[:] = 0.5
        sample.rgb[:, :16, :16] = torch.tensor([0.8, 0.1, 0.1])[:, None, None]

    def shown(training: bool, epoch: int) -> Batch:
        data = ColorizationData(None, None, {}, FOURS, OFF, seed=1, word_recoloring=WordRecoloring(0.5))
        data.trainer = SimpleNamespace(training=training, current_epoch=epoch)  # type: ignore[assignment]
        return data.on_after_batch_transfer(collate([replace(s, rgb=s.rgb.clone()) for s in samples]))

    asked, again, later, judged = shown(True, 0), shown(True, 0), shown(True, 1), shown(False, 0)
    assert set(judged.captions) == {"a red thing"} and set(judged.recolored) == {"a blue thing"}
    assert asked.captions == again.captions and torch.equal(asked.target_ab, again.target_ab)
    assert asked.captions != later.captions
    assert 0 < sum(caption != "a red thing" for caption in asked.captions) < 8
    for i, caption in enumerate(asked.captions):
        moved = not torch.equal(asked.target_ab[i], judged.target_ab[i])
        assert moved == (caption != "a red thing")
        assert asked.recolored[i] != caption  # never the caption's own color
    assert asked.lightness is not None and judged.lightness is not None
    torch.testing.assert_close(asked.lightness, judged.lightness, atol=0.02, rtol=0)
