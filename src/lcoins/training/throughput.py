"""What share of the operations that a device can do in a second a training does: measured, not taken from a table."""

import time
from dataclasses import dataclass
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import ThroughputMonitor

SIDE = {"cuda": 8192, "mps": 4096}  # of the matrices that are multiplied to measure a device
SIDE_ON_CPU = 1024


@dataclass(frozen=True)
class Rate:
    """Operations in a second, and in a second of processor time, of which each busy thread takes its own."""

    per_second: float
    per_processor_second: float


def matrix_product_rate(device: torch.device | str, dtype: torch.dtype, seconds: float = 0.2) -> Rate:
    """The most operations that the device did in one product of square matrices, of those that ``seconds`` held."""
    device = torch.device(device)
    side = SIDE.get(device.type, SIDE_ON_CPU)
    a, b = (torch.rand(side, side, device=device).to(dtype) for _ in range(2))
    product = torch.empty_like(a)
    torch.mm(a, b, out=product)
    wall: list[float] = []
    processor: list[float] = []
    begin = time.perf_counter()
    while len(wall) < 3 or time.perf_counter() - begin < seconds:
        synchronize(device)
        start = time.perf_counter(), time.process_time()
        torch.mm(a, b, out=product)
        synchronize(device)
        wall.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    operations = 2 * side**3
    return Rate(operations / min(wall), operations / max(min(processor), 1e-9))


def synchronize(device: torch.device) -> None:
    """Waits until the device has done what it was given; a processor always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


class TrainingThroughput(ThroughputMonitor):
    """Lightning's monitor, with the share of the peak that a matrix product reaches here at the start of a training.

    It logs samples a second and, where the module knows its ``flops_per_batch``, ``train/device/flops_per_sec`` and
    ``train/device/mfu``: over the last 50 batches, the loading of data included.
    """

    def __init__(self) -> None:
        super().__init__(batch_size_fn=len, window_size=50)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        super().setup(trainer, pl_module, stage)
        if stage != "fit" or not trainer.is_global_zero:
            return
        precision = str(trainer.precision)
        half = torch.bfloat16 if precision.startswith("bf16") else torch.float16
        dtype = half if "16" in precision else torch.float32
        peak = matrix_product_rate(trainer.strategy.root_device, dtype)
        monitors: dict[Any, Any] = self._throughputs
        for monitor in monitors.values():
            monitor.available_flops = peak.per_second
