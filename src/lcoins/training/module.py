"""The LightningModules: they connect colorizer, objective, optimizer and log, and hold no mathematics."""

import math
from functools import cached_property
from typing import Any, Protocol

import torch
from lightning import LightningModule
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torchmetrics import MeanMetric

from lcoins.color.lab import from_network_ab, from_network_lightness, join_lab
from lcoins.data.types import Batch, key
from lcoins.evaluation.obedience import Palette, mean_ab, name_colors
from lcoins.evaluation.quality import MOST_DECIBELS, colorfulness, psnr, to_uint8
from lcoins.models.build import CONFIG_FORMAT
from lcoins.models.colorizer import Colorization
from lcoins.models.operations import OperationCount
from lcoins.training.batches import Batches
from lcoins.training.compared_losses import AdversarialObjective, CorrespondenceObjective
from lcoins.training.losses import Losses, chromatic_loss
from lcoins.training.optimization import OptimizationRecipe
from lcoins.training.within_epoch import batches_done, count_as_done


class Objective(Protocol):
    """The losses of what a colorizer returned for a batch; ``needs_recolored`` asks for a second pass.

    The second pass colors the same lightness by the captions with exchanged color words. ``varying_terms`` are those
    that some batches have and others lack.
    """

    varying_terms: tuple[str, ...]

    @property
    def needs_recolored(self) -> bool: ...
    def __call__(self, output: Any, batch: Batch) -> Losses: ...


class NonFiniteLoss(RuntimeError):
    """A loss term is infinite or undefined; training stops before it can spoil the weights."""


class ColorizationTraining(LightningModule):
    """Trains any colorizer with its objective.

    Everything random inside the model (dropout, drop path, Gumbel noise) is keyed by (seed, step, rank), so that a
    resumed run continues bit for bit.

    Args:
        colorizer: Any :class:`lcoins.models.colorizer.Colorizer`.
        objective: Weighs its output against a batch.
        recipe: Optimizer and learning rate.
        palette: Color word -> CIELAB; given, validation counts the instances that have the color of their word.
        seed: Keys everything random in the model.
        config: Plain values that the checkpoint carries, to rebuild the model from.

    ``batches`` says how a step is shared out; checkpoints carry it.
    """

    def __init__(
        self,
        colorizer: nn.Module,
        objective: Objective,
        recipe: OptimizationRecipe,
        palette: Palette | None,
        seed: int,
        config: dict[str, Any],
    ):
        super().__init__()
        self.colorizer: Any = colorizer
        self.objective = objective
        self.recipe, self.palette, self.seed, self.config = recipe, palette, seed, config
        self.batches = Batches(devices=1, per_device=1)
        self._done = (0, 0.0)  # steps and epochs of the learning rate's schedule before this start
        self._batches_done = 0  # of the epoch in which a resumed run goes on
        self._steps_per_epoch, self._offset = 1, 0
        self._shape: dict[str, Any] | None = None  # of the last training batch
        names = ("chromatic", "psnr", "colorfulness") + (("color_word_accuracy",) if palette is not None else ())
        self.val_means: Any = nn.ModuleDict({name: MeanMetric() for name in names})
        self.train()  # Lightning keeps the modes that it finds; frozen parts set their own

    @property
    def flops_per_batch(self) -> int | None:
        """Operations of the colorizer for the last training batch, for the log; None before it and in validation."""
        if self._shape is None or not self.trainer.training:
            return None
        return self._operations.training(**self._shape)

    @cached_property
    def _operations(self) -> OperationCount:
        trained = {name for name, parameter in self.colorizer.named_parameters() if parameter.requires_grad}
        return OperationCount(self.config["model"], trained)

    @property
    def uses_every_parameter(self) -> bool:
        """Whether each step surely gives every trainable parameter a gradient, as processes that share them must know.

        Without the counter-color loss nothing reaches the parts that exist for it; without labels of pixels nothing
        reaches what predicts them; and LBIE's two optimizers have a half each.
        """
        return self.objective.needs_recolored or isinstance(self.objective, CorrespondenceObjective)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        return self._optimizer_and_schedule(self.colorizer)  # type: ignore[return-value]

    def _optimizer_and_schedule(self, part: nn.Module) -> dict[str, Any]:
        steps = self._steps_of_schedule()
        steps_done, epochs_done = self._done
        self._offset = max(0, round(epochs_done * self._steps_per_epoch)) - steps_done
        return self.recipe.optimizer_and_schedule(part, steps, self._steps_per_epoch, self._offset)

    def _steps_of_schedule(self) -> int:
        """How many steps the schedule runs through; finds how many an epoch has, also where steps end the training."""
        trainer = self.trainer
        self._steps_per_epoch = math.ceil(self._batches_of_epoch() / trainer.accumulate_grad_batches)
        steps = int(trainer.estimated_stepping_batches)
        if not self.automatic_optimization and trainer.max_steps > 0:  # which counts the steps of both optimizers
            steps = min(steps, math.ceil(trainer.max_steps / 2))
        return steps

    def _batches_of_epoch(self) -> int:
        """How many batches each process has in an epoch; ValueError if they are no whole steps, or none is left."""
        trainer = self.trainer
        trainer.fit_loop.setup_data()  # Lightning does so only later where steps alone end the training
        batches, accumulated = int(trainer.num_training_batches), trainer.accumulate_grad_batches
        if batches % accumulated and not trainer.fast_dev_run:  # type: ignore[attr-defined]
            raise ValueError(
                f"an epoch of {batches} batches would end in the middle of a step, which takes {accumulated}; let "
                f"trainer.limit_train_batches or trainer.overfit_batches be a multiple of {accumulated}"
            )
        if self._batches_done >= batches:
            raise ValueError(
                f"the run was stopped in an epoch that has {batches} batches now ({self.batches}), and as many are "
                "done; let it end this epoch on as many devices as before: trainer.devices=..."
            )
        return batches

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["config"] = self.config
        checkpoint["format"] = CONFIG_FORMAT
        schedule = {"steps_per_epoch": self._steps_per_epoch, "offset": self._offset}
        checkpoint["batches"] = {"total": self.batches.total, "described": str(self.batches), **schedule}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Finds how far the schedule and the epoch are, for a run that goes on with other batches."""
        before, steps = checkpoint["batches"], checkpoint["lr_schedulers"][0]["last_epoch"]
        self._done = (steps, (steps + before["offset"]) / before["steps_per_epoch"])
        self._batches_done = batches_done(checkpoint, self.batches)
        if self._batches_done:
            count_as_done(checkpoint, self._batches_done)

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        parts = [batch_idx] if self.trainer.accumulate_grad_batches > 1 else []  # several batches share a step
        torch.manual_seed(key(self.seed, "noise", self.global_step, self.global_rank, *parts))

    def run_batch(self, batch: Batch) -> tuple[Colorization, Losses]:
        """Colors a batch and computes its losses, with a second pass if the objective needs the recolored captions."""
        words = self.colorizer.tokenize(batch.captions).to(self.device)
        self._shape = {"captions": len(batch), "words": words.ids.shape[1], "recolored": self.objective.needs_recolored}
        if batch.crop is not None and self.colorizer.shares_crops and not self.objective.needs_recolored:
            assert batch.lightness is not None, "ColorizationData fills it after the transfer"
            crops = batch.lightness[batch.first_views]
            self._shape["crops"] = len(crops)
            output = self.colorizer(crops, words, crop=batch.crop)
        elif self.objective.needs_recolored:
            recolored = self.colorizer.tokenize(batch.recolored).to(self.device)
            self._shape["words"] = max(words.ids.shape[1], recolored.ids.shape[1])
            output = self.colorizer(batch.lightness, words, recolored)
        else:
            output = self.colorizer(batch.lightness, words)
        return output, self.objective(output, batch)

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor | None:
        output, losses = self.run_batch(batch)
        self._log_losses(output, losses, batch)
        return losses.total

    def _log_losses(self, output: Colorization | None, losses: Losses, batch: Batch) -> None:
        self._stop_if_not_finite(losses, batch)
        values = {"loss": losses.total.detach(), **losses.terms}
        if output is not None and output.assignment is not None:
            values["groups_used"] = (output.assignment.sum(-1) > 0).sum(-1).float().mean()
        # All processes in one exchange: the mean over their equal shares of the step. Each gives the same terms, though
        # its own share of the batch may lack one, and the mean is over those that have it.
        varying = self.objective.varying_terms
        names = [*(name for name in values if name not in varying), *varying]
        given = torch.stack([values[name].float() if name in values else losses.total.new_zeros(()) for name in names])
        there = given.new_tensor([float(name in values) for name in varying])
        reduced = self.trainer.strategy.reduce(torch.cat([given.detach(), there]), reduce_op="mean")
        means, shares = reduced[: len(names)], reduced[len(names) :].tolist() if varying else []
        have = dict(zip(varying, shares, strict=True))
        logged = {
            f"train/{name}": mean / have.get(name, 1.0)
            for name, mean in zip(names, means, strict=True)
            if have.get(name, 1.0) > 0
        }
        self.log("train/loss", logged.pop("train/loss"), prog_bar=True, batch_size=len(batch))
        self.log_dict(logged, batch_size=len(batch))

    def _stop_if_not_finite(self, losses: Losses, batch: Batch) -> None:
        if torch.isfinite(losses.total):
            return
        terms = {name: float(value) for name, value in losses.terms.items()}
        broken = [name for name, value in terms.items() if not math.isfinite(value)] or ["total"]
        raise NonFiniteLoss(
            f"loss term {', '.join(broken)} is not finite at step {self.global_step} ({terms}); samples: "
            f"{', '.join(batch.names)}. Lower recipe.optimizer.lr or use trainer.precision=32-true; the last "
            "checkpoint is untouched."
        )

    def on_validation_epoch_start(self) -> None:
        """Gives all processes the mean of the statistics that batch normalization has collected in each.

        They would validate with different weights otherwise, and the checkpoint would hold those of the first.
        """
        if self.trainer.world_size == 1:
            return
        for part in self.modules():
            if isinstance(part, nn.modules.batchnorm._BatchNorm) and part.running_mean is not None:
                for statistic in (part.running_mean, part.running_var):
                    assert statistic is not None
                    statistic.copy_(self.trainer.strategy.reduce(statistic.clone(), reduce_op="mean"))

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        assert batch.original_lightness is not None, "ColorizationData fills it after the transfer"
        output = self.colorizer(batch.lightness, self.colorizer.tokenize(batch.captions).to(self.device))
        ab, size = from_network_ab(output.ab.float()), len(batch)
        lightness = from_network_lightness(batch.original_lightness)
        predicted = to_uint8(join_lab(lightness, ab))
        truth = to_uint8(join_lab(lightness, from_network_ab(batch.target_ab)))
        self.val_means["chromatic"].update(chromatic_loss(output.ab, batch.target_ab), size)
        self.val_means["psnr"].update(psnr(predicted, truth).clamp(max=MOST_DECIBELS))
        self.val_means["colorfulness"].update(colorfulness(predicted))
        if self.palette is not None:
            for ab_of_pair, instances in zip(ab, batch.instances, strict=True):
                if instances is not None:
                    means = mean_ab(ab_of_pair, instances.masks)
                    correct = name_colors(means, instances.colors, self.palette).correct
                    self.val_means["color_word_accuracy"].update(torch.tensor(correct, dtype=torch.float32))
        for name, mean in self.val_means.items():
            self.log(f"val/{name}", mean, prog_bar=name in ("psnr", "color_word_accuracy"), batch_size=size)


class AdversarialTraining(ColorizationTraining):
    """LBIE's training: first the discriminator steps, then the generator, each with its own optimizer and schedule."""

    objective: AdversarialObjective

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.automatic_optimization = False

    def configure_optimizers(self) -> OptimizerLRScheduler:
        parts = (self.objective.discriminator, self.colorizer)
        return [self._optimizer_and_schedule(part) for part in parts]  # type: ignore[return-value]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        discriminator, generator = self.optimizers()  # type: ignore[attr-defined]
        output = self.colorizer(batch.lightness, self.colorizer.tokenize(batch.captions).to(self.device))
        judgment = self.objective.discriminate(output, batch)
        self._stop_if_not_finite(judgment, batch)
        self._step(discriminator, judgment.total)
        self.toggle_optimizer(generator)  # the generator's loss uses the discriminator without training it
        losses = self.objective(output, batch)
        losses.terms |= judgment.terms
        self._log_losses(output, losses, batch)
        self._step(generator, losses.total)
        self.untoggle_optimizer(generator)
        for schedule in self.lr_schedulers():  # type: ignore[union-attr]
            schedule.step()

    def _step(self, optimizer: Any, loss: Tensor) -> None:
        optimizer.zero_grad(set_to_none=True)
        self.manual_backward(loss)
        optimizer.step()
