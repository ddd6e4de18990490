"""Counts the floating-point operations of a colorizer, on the meta device, so without memory and in little time.

This is the one place where they are counted: ``lcoins info``, ``lcoins bench`` and the log of a training take them from
here. One multiply-add is two operations. Matrix products, convolutions and attention are counted, as is usual; norms,
activations and resizing are not. The losses and LBIE's discriminator are not part of the colorizer.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from lcoins.models.build import build_colorizer
from lcoins.models.text_encoders import Words


def colorizer_without_memory(model: Mapping[str, Any]) -> Any:
    """The colorizer of a plain model config, on the meta device, in evaluation mode."""
    with torch.inference_mode(False), torch.device("meta"):
        colorizer: Any = build_colorizer(model, weights=False)
    return colorizer.eval()


def multiply_adds(colorizer: Any, words: int, recolored: bool) -> dict[str, int]:
    """Multiply-adds of a forward for one picture and one caption, by the names of the modules that do them.

    Args:
        colorizer: What :func:`colorizer_without_memory` gives.
        words: Word pieces of the caption.
        recolored: Whether there is a second pass with another caption.
    """
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        colorizer(*_inputs(colorizer, 1, words, recolored))
    return {name: sum(ops.values()) // 2 for name, ops in counter.get_flop_counts().items()}


class OperationCount:
    """The operations of a batch of any shape, for the system of a plain model config.

    They are proportional to the number of pictures and of captions, and a polynomial of second degree in the number of
    word pieces. So those of one caption, and of a second one for the same picture, at three lengths give them all.

    Args:
        model: The config.
        trained: Names of the parameters that are trained; None for all that the config does not freeze.
    """

    def __init__(self, model: Mapping[str, Any], trained: Collection[str] | None = None):
        self._colorizer = colorizer_without_memory(model)
        if trained is not None:
            for name, parameter in self._colorizer.named_parameters():
                parameter.requires_grad_(name in trained)
        self._counted = cache(self._count)

    def inference(self, captions: int, words: int) -> int:
        """Operations of coloring as many pictures as ``captions``, padded to ``words`` word pieces."""
        return captions * self._polynomial(words, 1, None, recolored=False, train=False)

    def training(self, captions: int, words: int, *, crops: int | None = None, recolored: bool = False) -> int:
        """Operations of a training batch, forward and backward; frozen parts have no backward.

        Args:
            captions: Captions in the batch.
            words: Word pieces that they are padded to.
            crops: Pictures, where several captions share one; None gives each caption its own.
            recolored: Whether each picture is colored a second time, by its recolored caption.
        """
        first = self._polynomial(words, 1, None, recolored=recolored, train=True)
        if crops is None or crops == captions:
            return captions * first
        second = self._polynomial(words, 2, 1, recolored=recolored, train=True) - first
        return crops * first + (captions - crops) * second

    def _polynomial(self, words: int, captions: int, crops: int | None, *, recolored: bool, train: bool) -> int:
        if self._colorizer.text_encoder.tokenize.fixed:  # the number of words is part of its shape
            return self._counted(captions, words, crops, recolored, train)
        one, two, three = (self._counted(captions, n, crops, recolored, train) for n in (1, 2, 3))
        return one + (words - 1) * (two - one) + (words - 1) * (words - 2) // 2 * (three - 2 * two + one)

    def _count(self, captions: int, words: int, crops: int | None, recolored: bool, train: bool) -> int:
        # Evaluation mode will do but for what the system itself adds in training: dropout and noise count nothing.
        # Lightning asks in inference mode.
        self._colorizer.training = train
        with torch.inference_mode(False), torch.set_grad_enabled(train), FlopCounterMode(display=False) as counter:
            inputs = _inputs(self._colorizer, captions, words, recolored)
            options = {}
            if crops is not None:
                inputs = (inputs[0][:crops], *inputs[1:])
                options["crop"] = torch.empty(captions, dtype=torch.long, device="meta")
            output = self._colorizer(*inputs, **options)
            if train:
                sums = [tensor.float().sum() for tensor in _tensors(output) if tensor.requires_grad]
                torch.stack(sums).sum().backward()
        self._colorizer.zero_grad(set_to_none=True)
        return counter.get_total_flops()


def _inputs(colorizer: Any, captions: int, words: int, recolored: bool) -> tuple[Any, ...]:
    """Lightness and captions without content, and the recolored captions."""
    with torch.device("meta"):
        lightness = torch.empty(captions, 1, colorizer.image_size, colorizer.image_size)
        said = Words(torch.zeros(captions, words, dtype=torch.long), torch.ones(captions, words, dtype=torch.bool))
    return (lightness, said, said) if recolored else (lightness, said)


def _tensors(output: Any) -> Iterator[Tensor]:
    """All tensors in what a colorizer returns."""
    if isinstance(output, Tensor):
        yield output
    elif is_dataclass(output):
        for field in fields(output):
            yield from _tensors(getattr(output, field.name))
