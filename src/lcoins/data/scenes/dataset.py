"""Drawn scenes with captions and exact masks: the data set that needs no file.

Two to four objects of different colors, in ``many`` up to six, lie on a textured background; the sentence tells them
apart by kind, place, size or pattern. Lightness follows color as in photographs (yellow bright, purple dark), except in
``counter``, where it contradicts the color, so that only the words tell it.
"""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from lcoins.color.words import recolor, recolor_one
from lcoins.data.scenes.drawing import draw_scene
from lcoins.data.scenes.layout import KINDS, SCENE_COLORS, DistinguishedBy, SceneObject, plan_scene
from lcoins.data.scenes.sentences import VOCABULARY, describe, exact_object_colors
from lcoins.data.scenes.views import repaint
from lcoins.data.types import RECOLOR_KEY, Instances, Sample, key, keyed_random

__all__ = ["SCENE_COLORS", "SPLITS", "VOCABULARY", "Scenes"]

SPLITS = ("train", "val", "clear", "instances", "unobserved", "counter", "recolor", "many")
SMALLEST_SIZE = 24


class Scenes(Dataset[Sample]):
    """``length`` scenes of one split, ``image_size`` pixels square; scene i of a split is the same everywhere.

    In ``clear`` no kind of object occurs twice, in ``instances`` one always does; ``train`` and ``val`` mix both. Each
    other split differs from ``clear`` in one thing: in ``counter`` lightness contradicts color; ``unobserved`` has
    pairs of color and kind that no other split draws; ``recolor`` exchanges one color word in the recolored sentence,
    not all of them. ``many`` mixes kinds as ``train`` does, but has four to six objects, where ``train`` has two to
    four; ``data=scenes`` leaves it out, see ``experiments/grouping.yaml``. ``train`` has new scenes in every epoch
    (see :meth:`set_epoch`); the other splits stay the same. With more than one of ``views``, which is not in the paper,
    each scene comes with further ones: the same picture with its objects repainted, and the same sentence with other
    color words.
    """

    palette = SCENE_COLORS
    texts = VOCABULARY

    def __init__(self, split: str, length: int, image_size: int = 64, seed: int = 0, views: int = 1) -> None:
        if split not in SPLITS:
            raise ValueError(f"scenes have no split {split!r}; choose one of {', '.join(SPLITS)}")
        if length < 1:
            raise ValueError(f"length must be at least 1, not {length}; it is the number of scenes of one epoch")
        if image_size < SMALLEST_SIZE:
            raise ValueError(
                f"image_size must be at least {SMALLEST_SIZE} pixels to show the objects, not {image_size}"
            )
        if views < 1:
            raise ValueError(f"views must be at least 1, not {views}; it is the number of paints of each scene")
        self.split = split
        self.length = length
        self.views = views
        self.image_size = image_size
        self.seed = seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """In training, epoch e serves the scenes e * length to (e + 1) * length - 1; other splits never change."""
        if self.split == "train":
            self.epoch = epoch

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self.length:
            raise IndexError(f"scene {index} of {self.length} in split {self.split!r}")
        number = self.epoch * self.length + index
        identity = key(self.seed, self.split, number)
        rng, noise = keyed_random(identity, "scene"), np.random.default_rng(identity)
        objects, distinguished_by = plan_scene(self.split, rng)
        said = rng.getstate()
        caption = describe(objects, distinguished_by, rng).sentence
        drawn, masks = draw_scene(objects, self.image_size, rng, noise)
        sample = Sample(
            rgb=torch.from_numpy(drawn),
            index=index,
            name=f"{self.split}/{number:05d}",
            labels=_pixel_labels(masks, [thing.kind for thing in objects]),
            **self._told(objects, distinguished_by, caption, masks, index),
        )
        return self._with_views(sample, objects, distinguished_by, said, masks) if self.views > 1 else sample

    def _told(
        self,
        objects: tuple[SceneObject, ...],
        distinguished_by: DistinguishedBy,
        caption: str,
        masks: NDArray[np.bool_],
        index: int,
    ) -> dict[str, Any]:
        """The fields of a sample that depend on the colors of its objects."""
        exchange = recolor_one if self.split == "recolor" else recolor
        chance = keyed_random(self.seed, self.split, self.epoch, index, RECOLOR_KEY)
        colors = tuple(thing.color for thing in objects)
        return {
            "caption": caption,
            "recolored": exchange(caption, chance, choices=SCENE_COLORS),
            "pairs": exact_object_colors(caption),
            "instances": Instances(torch.from_numpy(masks), colors, distinguished_by),
        }

    def _with_views(
        self,
        sample: Sample,
        objects: tuple[SceneObject, ...],
        distinguished_by: DistinguishedBy,
        said: tuple[Any, ...],
        masks: NDArray[np.bool_],
    ) -> Sample:
        """The sample with further views, whose sentences are drawn from the state ``said`` that its own was."""
        views = []
        rng, sentence = keyed_random(self.seed, sample.name, "views"), random.Random()
        for view in range(1, self.views):
            repainted = repaint(objects, sample.rgb, masks, rng)
            if repainted is None:
                continue
            others, rgb, emphasis = repainted
            sentence.setstate(said)
            caption = describe(others, distinguished_by, sentence).sentence
            told = self._told(others, distinguished_by, caption, masks, sample.index)
            views.append(replace(sample, rgb=rgb, emphasis=emphasis, name=f"{sample.name}_{view}", **told))
        return replace(sample, further_views=tuple(views))


def _pixel_labels(masks: NDArray[np.bool_], kinds: list[str]) -> Tensor:
    """The class of each pixel, (H, W) uint8: 0 is the background, 1 + i the kind ``KINDS[i]``."""
    labels = np.zeros(masks.shape[1:], dtype=np.uint8)
    for mask, kind in zip(masks, kinds, strict=True):
        labels[mask] = 1 + KINDS.index(kind)
    return torch.from_numpy(labels)
