"""A data module from drawn scenes: one description of all splits, as `data=scenes` has it."""

from collections.abc import Mapping

from lcoins.data.augment import Augmentation
from lcoins.data.datamodule import ColorizationData, LoaderOptions
from lcoins.data.scenes.dataset import Scenes
from lcoins.data.types import HELD_OUT_SEED


def scene_data(
    train: Mapping[str, int] | None,
    val: Mapping[str, int] | None,
    tests: Mapping[str, Mapping[str, int]],
    *,
    image_size: int,
    eval_size: int,
    augmentation: Augmentation,
    seed: int,
    **loader: int,
) -> ColorizationData:
    """Scenes to train, validate and test on; those of validation and tests are the same for every ``seed``.

    Args:
        train: the ``length`` of an epoch, and the ``views`` of each scene; None, as for ``val``, where only the tests
            are wanted.
        val: the ``length`` of the validation set.
        tests: the ``length`` of each test set by its name, a split of :class:`Scenes`.
        image_size: pixels of a side in training and validation.
        eval_size: pixels of a side in tests.
        augmentation: what training does to lightness.
        seed: decides the training scenes, their order and all else that training draws.
        loader: ``batch_size``, ``eval_batch_size`` and ``workers``, as :class:`LoaderOptions` has them.
    """
    return ColorizationData(
        train=None if train is None else Scenes("train", image_size=image_size, seed=seed, **train),
        val=None if val is None else Scenes("val", val["length"], image_size, HELD_OUT_SEED),
        tests={name: Scenes(name, test["length"], eval_size, HELD_OUT_SEED) for name, test in tests.items()},
        loader=LoaderOptions(**loader),
        augmentation=augmentation,
        seed=seed,
    )
