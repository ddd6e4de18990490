"""The LightningModule: it wires colorizer, objective, optimizer and log together and holds no mathematics."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR
from torchmetrics import MeanMetric

from lcoins.color.lab import from_network_ab, from_network_lightness, join_lab
from lcoins.data.types import Batch, key
from lcoins.evaluation import quality as metrics
from lcoins.models.build import CONFIG_FORMAT
from lcoins.models.colorizer import Colorization
from lcoins.training.compared_losses import AdversarialObjective
from lcoins.training.losses import Losses, chromatic_loss


class Objective(Protocol):
    """Weighs what a colorizer returned against a batch; ``needs_recolored`` asks for a second pass."""

    @property
    def needs_recolored(self) -> bool: ...
    def __call__(self, output: Any, batch: Batch) -> Losses: ...


NOT_DECAYED = ("pos_embed", "position", "group_tokens", "type_embedding", "embeddings")


class NonFiniteLoss(RuntimeError):
    """A loss term is no longer a number; training stops before it can spoil the weights."""


def parameter_groups(
    model: nn.Module, weight_decay: float, lr_factors: Mapping[str, float] | None = None
) -> list[dict[str, Any]]:
    """Trainable parameters in two groups: matrices with weight decay; vectors, tables and tokens without.

    ``lr_factors`` maps the beginnings of names to factors on the learning rate; each adds groups with its "lr_factor".
    """
    groups: list[dict[str, Any]] = []
    taken: set[int] = set()
    for prefix, factor in [*(lr_factors or {}).items(), ("", 1.0)]:
        named = [
            (name, p)
            for name, p in model.named_parameters()
            if p.requires_grad and name.startswith(prefix) and id(p) not in taken
        ]
        taken |= {id(p) for _, p in named}
        still = {id(p) for name, p in named if p.ndim < 2 or any(part in name for part in NOT_DECAYED)}
        rate = {"lr_factor": factor} if prefix else {}
        for parameters, decay in (
            ([p for _, p in named if id(p) not in still], weight_decay),
            ([p for _, p in named if id(p) in still], 0.0),
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

    With a constant decay of 0.998 more than half of the average would be the random start even after 300 steps.

    >>> old, new = torch.tensor(0.0), torch.tensor(1.0)
    >>> [round(float(moving_average(0.998, old, new, count)), 3) for count in (0, 90, 9000)]
    [0.9, 0.09, 0.002]
    """
    weight = 1 - min(decay, (1 + float(count)) / (10 + float(count)))
    return torch.lerp(average, current, weight)


class ColorizationTraining(LightningModule):
    """Trains any colorizer with its objective.

    The rate falls along a cosine to ``min_lr``, or, where ``lr_milestones`` lists epochs, to a tenth after each of
    them; ``lr_factors`` gives parts of the colorizer, by the beginnings of their parameters' names, a rate of their
    own.

    Everything random inside the model (dropout, drop path, Gumbel noise) is keyed by (seed, step, rank), so that a
    resumed run continues bit for bit. ``config`` travels in the checkpoint as plain values, to rebuild the model from.
    """

    flops_per_batch = None  # for Lightning's ThroughputMonitor: it counts samples; `lcoins info` counts operations

    def __init__(
        self,
        colorizer: nn.Module,
        objective: Objective,
        optimizer: Callable[[Iterable[dict[str, Any]]], Optimizer],
        weight_decay: float,
        warmup_epochs: float,
        min_lr: float,
        lr_milestones: Sequence[float] | None,
        lr_factors: Mapping[str, float],
        palette: Mapping[str, tuple[float, float, float]] | None,
        seed: int,
        config: dict[str, Any],
    ):
        super().__init__()
        self.colorizer: Any = colorizer
        self.objective = objective
        self.make_optimizer, self.weight_decay = optimizer, weight_decay
        self.warmup_epochs, self.min_lr = warmup_epochs, min_lr
        self.lr_milestones, self.lr_factors = lr_milestones, lr_factors
        self.palette, self.seed, self.config = palette, seed, config
        names = ("chromatic", "psnr", "colorfulness") + (("color_word_accuracy",) if palette is not None else ())
        self.val_means: Any = nn.ModuleDict({name: MeanMetric() for name in names})
        self.train()  # Lightning keeps the modes that it finds, and a frozen part chooses its own

    def configure_optimizers(self) -> OptimizerLRScheduler:
        return self._optimizer_and_schedule(self.colorizer)  # type: ignore[return-value]

    def _optimizer_and_schedule(self, part: nn.Module) -> dict[str, Any]:
        """The recipe's optimizer over the trainable parameters of a part, and its learning rate step by step."""
        optimizer = self.make_optimizer(parameter_groups(part, self.weight_decay, self.lr_factors))
        total = int(self.trainer.estimated_stepping_batches)
        epochs = self.trainer.max_epochs or 1
        warmup = int(total * min(1.0, self.warmup_epochs / max(1, epochs)))
        lr_milestones, floor = self.lr_milestones, self.min_lr / optimizer.param_groups[0]["lr"]

        def factor(step: int, own: float) -> float:
            if lr_milestones is not None:
                return own * warmup_milestones(step, warmup, total / epochs, lr_milestones)
            return own * warmup_cosine(step, warmup, total, floor)

        shares = [group.get("lr_factor", 1.0) for group in optimizer.param_groups]
        factors: list[Callable[[int], float]] = [partial(factor, own=share) for share in shares]
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": LambdaLR(optimizer, factors), "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        checkpoint["format"] = CONFIG_FORMAT

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        torch.manual_seed(key(self.seed, "noise", self.global_step, self.global_rank))

    def run_batch(self, batch: Batch) -> tuple[Colorization, Losses]:
        """Colors a batch and weighs it, with a second pass for the recolored captions where the objective asks."""
        words = self.colorizer.tokenize(batch.captions).to(self.device)
        if self.objective.needs_recolored:
            recolored = self.colorizer.tokenize(batch.recolored).to(self.device)
            output = self.colorizer(batch.lightness, words, recolored)
        else:
            output = self.colorizer(batch.lightness, words)
        return output, self.objective(output, batch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        output, losses = self.run_batch(batch)
        self._log_losses(output, losses, batch)
        return losses.total

    def _log_losses(self, output: Colorization, losses: Losses, batch: Batch) -> None:
        self._stop_if_not_finite(losses, batch)
        size = len(batch)
        self.log("train/loss", losses.total.detach(), prog_bar=True, batch_size=size)
        self.log_dict({f"train/{name}": value for name, value in losses.terms.items()}, batch_size=size)
        if output.assignment is not None:
            used = (output.assignment.sum(-1) > 0).sum(-1).float().mean()
            self.log("train/groups_used", used, batch_size=size)

    def _stop_if_not_finite(self, losses: Losses, batch: Batch) -> None:
        if torch.isfinite(losses.total):
            return
        terms = {name: float(value) for name, value in losses.terms.items()}
        wrong = [name for name, value in terms.items() if not math.isfinite(value)] or ["total"]
        raise NonFiniteLoss(
            f"loss term {', '.join(wrong)} is not finite at step {self.global_step} ({terms}); samples: "
            f"{', '.join(batch.names)}. Lower recipe.optimizer.lr or use trainer.precision=32-true; the last "
            "checkpoint is untouched."
        )

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        assert batch.original_lightness is not None, "the data module fills it after the transfer"
        output = self.colorizer(batch.lightness, self.colorizer.tokenize(batch.captions).to(self.device))
        ab, size = from_network_ab(output.ab.float()), len(batch)
        lightness = from_network_lightness(batch.original_lightness)
        fake = metrics.to_uint8(join_lab(lightness, ab))
        real = metrics.to_uint8(join_lab(lightness, from_network_ab(batch.target_ab)))
        self.val_means["chromatic"].update(chromatic_loss(output.ab, batch.target_ab), size)
        self.val_means["psnr"].update(metrics.psnr(fake, real))
        self.val_means["colorfulness"].update(metrics.colorfulness(fake))
        if self.palette is not None:
            for one, instances in zip(ab, batch.instances, strict=True):
                if instances is not None:
                    means = metrics.mean_ab(one, instances.masks)
                    correct = metrics.name_colors(means, instances.colors, self.palette).correct
                    self.val_means["color_word_accuracy"].update(torch.tensor(correct, dtype=torch.float32))
        for name, mean in self.val_means.items():
            self.log(f"val/{name}", mean, prog_bar=name in ("psnr", "color_word_accuracy"), batch_size=size)


class AdversarialTraining(ColorizationTraining):
    """LBIE's training: the discriminator steps first, then the generator, each with its own optimizer and schedule."""

    objective: AdversarialObjective

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.automatic_optimization = False

    def configure_optimizers(self) -> OptimizerLRScheduler:
        parts = (self.objective.discriminator, self.colorizer)
        return [self._optimizer_and_schedule(part) for part in parts]  # type: ignore[return-value]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        judge, generator = self.optimizers()  # type: ignore[attr-defined]
        output = self.colorizer(batch.lightness, self.colorizer.tokenize(batch.captions).to(self.device))
        judged = self.objective.discriminate(output, batch)
        self._step(judge, judged.total)
        self.toggle_optimizer(generator)  # the discriminator is asked, not trained, by the generator's loss
        losses = self.objective(output, batch)
        losses.terms |= judged.terms
        self._log_losses(output, losses, batch)
        self._step(generator, losses.total)
        self.untoggle_optimizer(generator)
        for schedule in self.lr_schedulers():  # type: ignore[union-attr]
            schedule.step()

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        optimizer.step()
