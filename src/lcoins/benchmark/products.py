"""The matrix products of a step by themselves: what the step would take if everything else were free."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_unflatten
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from lcoins.training.throughput import Rate, synchronize


class ProductRecorder(TorchDispatchMode):
    """Counts the products and convolutions that run in it, by the shapes and layouts of what they take.

    Attention kernels are left out: their backward takes what only their forward gives.
    """

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[tuple[Any, tuple[Any, ...], Any]] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.overloadpacket in flop_registry and "attention" not in str(func):
            values, tree = tree_flatten((args, kwargs or {}))
            self.counts[func, tuple(_shape_of(value) for value in values), tree] += 1
        elif func is not torch.ops.prim.device.default:
            with self:  # in inference mode a linear map arrives whole
                parts = func.decompose(*args, **(kwargs or {}))
            if parts is not NotImplemented:
                return parts
        return func(*args, **(kwargs or {}))


def _shape_of(value: Any) -> Any:
    if isinstance(value, Tensor):
        return ("tensor", tuple(value.shape), value.stride(), value.dtype)
    return value


def _filled(value: Any, device: torch.device) -> Any:
    """A tensor of the recorded shape and layout; other values as they are."""
    if not (isinstance(value, tuple) and value and value[0] == "tensor"):
        return value
    _, size, stride, dtype = value
    return torch.empty_strided(size, stride, dtype=dtype, device=device).fill_(0.01)


def product_rate(step: Callable[[], None], device: torch.device | str) -> Rate:
    """How many operations a second the products of a step do where nothing stands between them.

    Each kind of product runs twice and counts, by its faster run, as often as the step does it.

    Args:
        step: Runs once, on the device.
        device: Where the products run.
    """
    device = torch.device(device)
    with ProductRecorder() as recorder:
        step()
    operations, wall, processor = 0, 0.0, 0.0
    for (func, values, tree), times in recorder.counts.items():
        args, kwargs = tree_unflatten([_filled(value, device) for value in values], tree)
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            func(*args, **kwargs)
        runs = [_timed(lambda: func(*args, **kwargs), device) for _ in range(2)]  # noqa: B023
        operations += times * counter.get_total_flops()
        wall += times * min(run[0] for run in runs)
        processor += times * min(run[1] for run in runs)
    return Rate(operations / max(wall, 1e-9), operations / max(processor, 1e-9))


def _timed(product: Callable[[], Any], device: torch.device) -> tuple[float, float]:
    """Seconds, and seconds of processor time, of one product."""
    synchronize(device)
    start = time.perf_counter(), time.process_time()
    with torch.no_grad():
        product()
    synchronize(device)
    return time.perf_counter() - start[0], time.process_time() - start[1]
