"""Where a run goes on that was stopped in the middle of an epoch, counted in the batches that it has now."""

from collections.abc import Mapping
from typing import Any

from lcoins.data.datamodule import ColorizationData
from lcoins.training.batches import Batches


def batches_done(checkpoint: Mapping[str, Any], batches: Batches) -> int:
    """How many batches of its epoch each process of a resumed run has behind it, 0 between two epochs.

    Args:
        checkpoint: As Lightning has read it.
        batches: How a step is shared out now, which may differ from how it was.

    Raises ValueError if what was trained on is no whole number of the steps of now.
    """
    place = checkpoint[ColorizationData.__qualname__]
    samples = place.get("samples", 0)
    if samples % batches.total:
        raise ValueError(
            f"the run was stopped after {samples} photos of epoch {place['epoch'] + 1}, which are no whole number of "
            f"steps of {batches}; let it end this epoch with steps of {checkpoint['batches']['described']}, as before, "
            f"or of another number that divides {samples}: trainer.devices, and the number of machines, decide"
        )
    return samples // (batches.devices * batches.per_device)


def count_as_done(checkpoint: Mapping[str, Any], batches_of_epoch: int) -> None:
    """Has Lightning, which counts the batches of an epoch, go on counting from this number when it is resumed."""
    counts = checkpoint["loops"]["fit_loop"]["epoch_loop.batch_progress"]["current"]
    ahead = batches_of_epoch - counts["ready"]
    counts.update({name: count + ahead for name, count in counts.items()})  # "completed" lags behind in a callback
