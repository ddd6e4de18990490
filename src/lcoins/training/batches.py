"""How many photos a step of the optimizer sees, and how they are shared out over devices and time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Batches:
    """The batches of one step: on each of ``devices``, ``accumulate`` times ``per_device`` photos."""

    devices: int
    per_device: int
    accumulate: int = 1

    @property
    def total(self) -> int:
        """The global batch: photos that one step of the optimizer sees."""
        return self.devices * self.per_device * self.accumulate

    def __str__(self) -> str:
        devices = f"{self.devices} device{'s' if self.devices > 1 else ''}"
        times = f" x {self.accumulate} steps accumulated" if self.accumulate > 1 else ""
        return f"{self.total} ({devices} x {self.per_device} photos{times})"

    def applied_to(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a plain config whose data and trainer have these batches."""
        data = dict(config["data"])
        if "batch_size" in data:  # data that is no training data is refused where it is built
            data["batch_size"] = self.per_device
        trainer = {**config["trainer"], "accumulate_grad_batches": self.accumulate}
        return {**config, "data": data, "trainer": trainer}


def plan_batches(config: Mapping[str, Any], devices: int) -> Batches:
    """The batches of a run on this many devices.

    Without ``recipe.global_batch`` each device has ``data.batch_size`` photos. With it, the global batch is the same on
    any hardware: each device has its share, in as few equal parts as leave at most ``data.batch_size`` in each, whose
    gradients are accumulated. Raises ValueError if the global batch cannot be shared out.
    """
    most, total = config["data"].get("batch_size", 1), config["recipe"].get("global_batch")
    accumulate = config["trainer"].get("accumulate_grad_batches")
    if total is None:
        return Batches(devices, most, accumulate or 1)
    if accumulate is not None:
        raise ValueError(
            "recipe.global_batch decides how many gradients are accumulated; leave trainer.accumulate_grad_batches out"
        )
    if total < 1 or total % devices:
        raise ValueError(
            f"recipe.global_batch={total} cannot be shared out among {devices} devices; take a multiple of {devices}, "
            "or another number of trainer.devices"
        )
    share = total // devices
    parts = next(parts for parts in range(1, share + 1) if share % parts == 0 and share // parts <= max(1, most))
    return Batches(devices, share // parts, parts)
