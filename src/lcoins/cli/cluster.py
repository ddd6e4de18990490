"""What conf/ asks about the processes of a run: how many a machine of a cluster has, and which of them writes."""

from lcoins.training.ranks import is_first


def per_node(devices: int | str, accelerator: str = "gpu") -> int | None:
    """How many devices, and so tasks, a launcher asks of each machine; None for GPUs that a CPU run does not need.

    Raises ValueError where the number is left to the machine, which is not known yet.

    >>> per_node(8), per_node(2, "cpu")
    (8, None)
    """
    if not isinstance(devices, int) or devices < 1:
        raise ValueError(
            f"trainer.devices={devices}: a cluster must be told how many devices to reserve on each machine; "
            "give their number, for example trainer.devices=8"
        )
    return None if accelerator == "cpu" else devices


def of_first(name: str) -> str | None:
    """The name of what only the first process of a run writes; None in the others."""
    return name if is_first() else None
