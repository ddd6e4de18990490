"""The LightningModule that trains the grounding of a colorizer. Not part of the paper."""

from typing import Any

import torch
from torch import Tensor, nn
from torchmetrics import MeanMetric

from lcoins.data.types import Batch
from lcoins.models.grounding import Grounded, said_colors
from lcoins.training.grounding_losses import GroundingObjective, KnownColor, cells_of, known_colors, overlap
from lcoins.training.module import ColorizationTraining


class GroundingTraining(ColorizationTraining):
    """Trains the grounding of a colorizer by masks of what captions name; nothing is colored.

    Validation measures ``val/overlap``, the mean dice coefficient of the maps of names whose masks are known.
    """

    objective: GroundingObjective  # type: ignore[assignment]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.val_means = nn.ModuleDict({"overlap": MeanMetric()})

    @property
    def flops_per_batch(self) -> None:
        """Nothing counts the operations of grounding."""

    @property
    def uses_every_parameter(self) -> bool:
        """Each step does, as :meth:`training_step` sees to."""
        return True

    def _grounded(self, batch: Batch) -> tuple[Grounded, Tensor, list[KnownColor]] | None:
        """The batch's names whose places are known, grounded, and the shares of cells that they mean; None without."""
        known = known_colors(batch, said_colors(batch.captions))
        if not known:
            return None
        assert batch.lightness is not None, "ColorizationData fills it after the transfer"
        things = [one.color.name for one in known]
        captions = torch.tensor([one.color.caption for one in known], device=self.device)
        crop = captions if batch.crop is None else batch.crop[captions]
        grounded = self.colorizer.ground(batch.lightness[batch.first_views], things, crop)
        return grounded, cells_of(known, self.colorizer.grounding.grid).to(self.device), known

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        found = self._grounded(batch)
        losses = self.objective.nothing(self.device) if found is None else self.objective(*found)
        self._log_losses(None, losses, batch)
        # Processes wait for each other: each takes part in every step with a gradient for every parameter, also where
        # its batch knows no places, or only those of what is not shown.
        parameters = [each for each in self.colorizer.parameters() if each.requires_grad]
        return losses.total + 0.0 * torch.stack([each.sum() for each in parameters]).sum()

    def validation_step(self, batch: Batch, batch_idx: int) -> None:
        found = self._grounded(batch)
        if found is not None:
            grounded, masks, known = found
            certain = torch.tensor([one.place.certain for one in known], device=masks.device)
            shares = grounded.logits.float().sigmoid()
            self.val_means["overlap"].update(overlap(shares, masks)[certain & masks.flatten(1).any(dim=1)])
        self.log("val/overlap", self.val_means["overlap"], prog_bar=True, batch_size=len(batch))
