"""What the compared systems minimize: the correspondence, classification and adversarial losses of five papers.

The objective of L-CoIns itself is :class:`lcoins.training.losses.LCoInsObjective`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, binary_cross_entropy_with_logits, cross_entropy, log_softmax

from lcoins.color.lab import from_network_ab
from lcoins.data.types import VOID, Batch
from lcoins.models.colorizer import ClassifiedColorization, CorrespondingColorization, SteppedColorization
from lcoins.models.compared.ab_bins import AbBins, boosted_weights
from lcoins.models.compared.correspondence import correspondence_target
from lcoins.models.compared.lbie import Discriminator
from lcoins.training.losses import Losses, chromatic_loss


def correspondence_loss(
    scores: Float[Tensor, "b n n"], target: Float[Tensor, "b n n"], counts: Bool[Tensor, "b n n"], positive: float
) -> Float[Tensor, ""]:
    """Binary cross-entropy of correspondence scores, elements weighted by 1 + ``positive`` * target.

    Mean over the pairs of words that count, 0 if none does. Deviation: the releases take the mean over padding too.
    """
    losses = binary_cross_entropy_with_logits(scores.float(), target, 1 + positive * target, reduction="none")
    return (losses * counts).sum() / counts.sum().clamp(min=1)


def soft_class_loss(
    logits: Float[Tensor, "b k h w"], shares: Float[Tensor, "b k h w"], weights: Float[Tensor, "b h w"]
) -> Float[Tensor, ""]:
    """Cross-entropy of logits and soft labels, each pixel with its weight; mean over pixels."""
    return (-(shares * log_softmax(logits.float(), dim=1)).sum(dim=1) * weights).mean()


class CorrespondenceObjective:
    """Smooth L1 on ab plus ``weight`` times the correspondence loss: L-CoDe (0.1, positive 5), L-CoDer (0.1, 100)."""

    needs_recolored = False
    varying_terms: tuple[str, ...] = ()

    def __init__(self, weight: float, positive: float):
        if weight < 0 or positive < 0:
            raise ValueError(f"weight and positive must be at least 0, not {weight} and {positive}")
        self.weight, self.positive = weight, positive

    def __call__(self, output: CorrespondingColorization, batch: Batch) -> Losses:
        chromatic = chromatic_loss(output.ab, batch.target_ab)
        target, counts = correspondence_target(batch.pairs, output.words)
        pairs = correspondence_loss(output.correspondence, target, counts, self.positive)
        return Losses(
            chromatic + self.weight * pairs, {"chromatic": chromatic.detach(), "correspondence": pairs.detach()}
        )


class ClassificationObjective:
    """Cross-entropy over bins of ab, rare colors weighted up, and over what each pixel shows: ML2018 and Xie2018.

    With n the factor between the sides of photo and logits:

    Args:
        grid: the bins, ``square`` or ``gamut``, see :class:`AbBins`.
        soft: False takes the nearest bin of every n-th pixel and the mean of PyTorch's weighted cross-entropy (ML2018);
            True takes the ten nearest bins of ab averaged over n by n pixels, each pixel weighted by its nearest bin
            (Xie2018).
        uniform: share of the uniform distribution in the class weights, see :func:`boosted_weights`.
        color_weight: weight of the loss over bins.
        segmentation_weight: weight of the loss over what each pixel shows.
        prior: a file of class counts by ``lcoins prior``; a run without one counts its training set before it starts.
            Without counts all classes weigh the same.
    """

    needs_recolored = False
    varying_terms: tuple[str, ...] = ("segmentation",)  # where no photo of a batch has labels

    def __init__(
        self,
        grid: str,
        soft: bool,
        uniform: float,
        color_weight: float,
        segmentation_weight: float,
        prior: str | Path | None = None,
    ):
        self.grid, self.soft, self.uniform = AbBins(grid), soft, uniform
        self.color_weight, self.segmentation_weight = color_weight, segmentation_weight
        counts = read_prior(Path(prior), len(self.grid)) if prior is not None else {}
        self.weights = {
            name: boosted_weights(values, uniform) for name, values in counts.items() if name == "ab" or any(values)
        }

    def target_ab(self, ab: Float[Tensor, "b 2 h w"], factor: int) -> Float[Tensor, "b 2 h//{factor} w//{factor}"]:
        """ab at the size of the logits."""
        return avg_pool2d(ab, factor) if self.soft else ab[..., ::factor, ::factor]

    def count(
        self, ab: Float[Tensor, "b 2 h w"], labels: Integer[Tensor, "b height width"] | None, factor: int
    ) -> dict[str, Integer[Tensor, " k"]]:
        """How often each bin occurs in CIELAB ab, and each label 0..254 in labels."""
        bins = self.grid.nearest(self.target_ab(ab, factor))
        counts = {"ab": torch.bincount(bins.flatten(), minlength=len(self.grid))}
        if labels is not None:
            counts["labels"] = torch.bincount(labels.flatten().long(), minlength=VOID + 1)[:VOID]
        return counts

    def __call__(self, output: ClassifiedColorization, batch: Batch) -> Losses:
        target = batch.target_ab
        color = self._color_loss(output.logits, from_network_ab(target))
        losses = Losses(self.color_weight * color, {"color_classes": color.detach()})
        if output.segmentation is not None and batch.labels is not None and self.segmentation_weight:
            segmentation = self._segmentation_loss(output.segmentation, batch.labels)
            losses.total = losses.total + self.segmentation_weight * segmentation
            losses.terms["segmentation"] = segmentation.detach()
        elif output.segmentation is not None:  # every parameter gets a gradient, as distributed training demands
            losses.total = losses.total + 0 * output.segmentation.sum()
        losses.terms["chromatic"] = chromatic_loss(output.ab.detach(), target)
        return losses

    def _color_loss(self, logits: Tensor, ab: Tensor) -> Tensor:
        ab = self.target_ab(ab, ab.shape[-1] // logits.shape[-1])
        bins = self.grid.nearest(ab)
        weights = self._weights("ab", len(self.grid), logits)
        if self.soft:
            return soft_class_loss(logits, self.grid.soft(ab), weights[bins])
        return cross_entropy(logits.float(), bins, weights)

    def _segmentation_loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        factor = labels.shape[-1] // logits.shape[-1]
        labels = labels[..., ::factor, ::factor].long()
        known = labels[labels != VOID]
        if known.numel() == 0:
            return logits.sum() * 0
        classes = logits.shape[1]
        if int(known.max()) >= classes:
            raise ValueError(
                f"the labels hold class {int(known.max())}, but the model tells {classes} apart; set "
                f"model.segmentation_classes to at least {int(known.max()) + 1}"
            )
        weights = self._weights("labels", classes, logits)
        if not bool(weights[known].any()):  # a batch of classes that the prior never counted: 0 / 0 is no number
            return logits.sum() * 0
        return cross_entropy(logits.float(), labels, weights, ignore_index=VOID)

    def _weights(self, name: str, classes: int, like: Tensor) -> Tensor:
        known = self.weights.get(name)
        if known is None:
            return torch.ones(classes, device=like.device)
        return known[:classes].to(like.device)


def read_prior(path: Path, bins: int) -> Mapping[str, Sequence[float]]:
    """Counts of the bins of ab and of the labels from a file of ``lcoins prior``; they must fit the ``bins``."""
    if not path.is_file():
        raise FileNotFoundError(f"no class counts at {path}; make them with lcoins prior, or leave objective.prior out")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        counts = {name: [float(value) for value in content[name]] for name in ("ab", "labels")}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no class counts ({error!r}); make it again with lcoins prior") from error
    if len(counts["ab"]) != bins:
        raise ValueError(
            f"{path} counts {len(counts['ab'])} bins of ab, but this model has {bins}; run lcoins prior "
            f"with the same model"
        )
    return counts


class AdversarialObjective(nn.Module):
    """LBIE: L1 on ab, and a discriminator that should call the colors real; each step counts by its share p_k.

    L = sum_k p_k (``l1`` * L1_k - log D(fake_k)), with 100 for ``l1``; :meth:`discriminate` is the discriminator's
    loss. The discriminator takes the words from the generator's encoder and does not train that encoder.
    """

    needs_recolored = False
    varying_terms: tuple[str, ...] = ()

    def __init__(self, discriminator: Discriminator, l1: float):
        super().__init__()
        self.discriminator, self.l1 = discriminator, l1

    def forward(self, output: SteppedColorization, batch: Batch) -> Losses:
        differences = (output.steps.float() - batch.target_ab[:, None]).abs().mean(dim=(2, 3, 4))
        fooled = self._discriminator_loss(output, output.steps, real=True)
        l1 = (output.shares * differences).sum(dim=1).mean()
        adversarial = (output.shares * fooled).sum(dim=1).mean()
        terms = {
            "l1": l1.detach(),
            "adversarial": adversarial.detach(),
            "steps": (output.shares.detach().argmax(dim=1) + 1).float().mean(),
        }
        terms["chromatic"] = chromatic_loss(output.ab.detach(), batch.target_ab)
        return Losses(self.l1 * l1 + adversarial, terms)

    def discriminate(self, output: SteppedColorization, batch: Batch) -> Losses:
        """The discriminator's loss, -log D(real) - sum_k p_k log(1 - D(fake_k)), without gradients in the generator."""
        real = self._discriminator_loss(output, batch.target_ab[:, None], real=True).mean()
        shares = output.shares.detach()
        fake = (shares * self._discriminator_loss(output, output.steps.detach(), real=False)).sum(dim=1).mean()
        return Losses(real + fake, {"discriminator_real": real.detach(), "discriminator_fake": fake.detach()})

    def _discriminator_loss(
        self, output: SteppedColorization, steps: Float[Tensor, "b t 2 s s"], real: bool
    ) -> Float[Tensor, "b t"]:
        """The discriminator's cross-entropy on network ab with the label ``real``."""
        count = steps.shape[1]
        lightness, tokens, mask = (
            value.repeat_interleave(count, dim=0) for value in (output.lightness, output.tokens.detach(), output.mask)
        )
        logits = self.discriminator(lightness, steps.flatten(0, 1), tokens, mask).float()
        wanted = torch.full_like(logits, float(real))
        return binary_cross_entropy_with_logits(logits, wanted, reduction="none").mean(dim=(1, 2, 3)).view(-1, count)
