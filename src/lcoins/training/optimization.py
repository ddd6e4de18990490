"""How weights are optimized: which parameters decay, how the learning rate runs, and the average of the weights."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

# Parts of the names of tables and tokens, which are learned vectors and not maps: weight decay leaves them alone.
NOT_DECAYED = ("pos_embed", "position", "group_tokens", "type_embedding", "embeddings")


@dataclass(frozen=True)
class OptimizationRecipe:
    """The part of a recipe that makes an optimizer and its learning rate.

    Attributes:
        optimizer: Makes an optimizer from parameter groups; its first group has the highest learning rate.
        weight_decay: Weight decay of matrices.
        warmup_epochs: Epochs in which the learning rate rises linearly from 0.
        min_lr: Learning rate at the end of the cosine.
        lr_milestones: Epochs after each of which the learning rate falls to a tenth, instead of along a cosine.
        lr_factors: Beginning of parameter names -> factor on their learning rate.
    """

    optimizer: Callable[[Iterable[dict[str, Any]]], Optimizer]
    weight_decay: float
    warmup_epochs: float
    min_lr: float
    lr_milestones: Sequence[float] | None = None
    lr_factors: Mapping[str, float] = field(default_factory=dict)

    def optimizer_and_schedule(
        self, part: nn.Module, total_steps: int, steps_per_epoch: float, offset: int = 0
    ) -> dict[str, Any]:
        """An optimizer of the trainable parameters of ``part``, and its learning rate per step, as Lightning takes it.

        Args:
            part: Colorizer or discriminator.
            total_steps: Optimizer steps of the whole training.
            steps_per_epoch: Optimizer steps of an epoch; a training that a number of steps ends may be shorter.
            offset: Steps by which the schedule is ahead of the steps done: an epoch that was trained with smaller
                batches had more steps.
        """
        optimizer = self.optimizer(parameter_groups(part, self.weight_decay, self.lr_factors))
        epochs = total_steps / steps_per_epoch
        warmup_steps = int(total_steps * min(1.0, self.warmup_epochs / epochs))
        floor = self.min_lr / optimizer.param_groups[0]["lr"]

        def factor(steps_done: int, group_factor: float) -> float:
            step = steps_done + offset
            if self.lr_milestones is not None:
                return group_factor * warmup_milestones(step, warmup_steps, steps_per_epoch, self.lr_milestones)
            return group_factor * warmup_cosine(step, warmup_steps, total_steps, floor)

        group_factors = [group.get("lr_factor", 1.0) for group in optimizer.param_groups]
        factors: list[Callable[[int], float]] = [partial(factor, group_factor=value) for value in group_factors]
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, factors), "interval": "step"}}


def parameter_groups(
    model: nn.Module, weight_decay: float, lr_factors: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: matrices with weight decay; vectors, tables and tokens without.

    ``lr_factors`` maps the beginnings of names to factors on the learning rate; each adds groups with its "lr_factor".
    """
    groups: list[dict[str, Any]] = []
    grouped: set[int] = set()
    for prefix, factor in [*(lr_factors or {}).items(), ("", 1.0)]:
        named = [
            (name, p)
            for name, p in model.named_parameters()
            if p.requires_grad and name.startswith(prefix) and id(p) not in grouped
        ]
        grouped |= {id(p) for _, p in named}
        not_decayed = {id(p) for name, p in named if p.ndim < 2 or any(part in name for part in NOT_DECAYED)}
        rate = {"lr_factor": factor} if prefix else {}
        for parameters, decay in (
            ([p for _, p in named if id(p) not in not_decayed], weight_decay),
            ([p for _, p in named if id(p) in not_decayed], 0.0),
        ):
            if parameters or prefix == "":
                groups.append({"params": parameters, "weight_decay": decay, **rate})
    return groups


def warmup_cosine(step: int, warmup_steps: int, total_steps: int, floor: float) -> float:
    """The factor on the learning rate: linear from 0 over ``warmup_steps``, then a cosine down to ``floor``.

    >>> [warmup_cosine(s, 2, 6, 0.0) for s in (0, 1, 2, 4, 6)]
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """
    if step < warmup_steps:
        return step / warmup_steps
    progress = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps))
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def warmup_milestones(step: int, warmup_steps: int, steps_per_epoch: float, lr_milestones: Sequence[float]) -> float:
    """The factor on the learning rate: linear from 0 over ``warmup_steps``, a tenth after each of ``lr_milestones``.

    >>> [round(warmup_milestones(step, 0, 2, [1, 3]), 3) for step in (0, 1, 2, 5, 6)]
    [1.0, 1.0, 0.1, 0.1, 0.01]
    """
    if step < warmup_steps:
        return step / warmup_steps
    return 0.1 ** sum(step >= epoch * steps_per_epoch for epoch in lr_milestones)


def moving_average(decay: float, average: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
    """The exponential moving average after ``count`` steps, its decay growing up to ``decay``.

    With a constant decay of 0.998 the random start would make up more than half of the average even after 300 steps.

    >>> old, new = torch.tensor(0.0), torch.tensor(1.0)
    >>> [round(float(moving_average(0.998, old, new, count)), 3) for count in (0, 90, 9000)]
    [0.9, 0.09, 0.002]
    """
    weight = 1 - min(decay, (1 + float(count)) / (10 + float(count)))
    return torch.lerp(average, current, weight)
