"""Building a model whose weights are loaded afterwards."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

# What layers call for the memory of their weights, with the sizes as arguments or as one sequence.
ALLOCATORS = (torch.empty, torch.zeros, torch.ones, torch.rand, torch.randn)
RANDOM_INITIALIZERS = (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_)


class SkipInit(TorchFunctionMode):
    """Skips random initialization: tensors stay uninitialized, so every weight must be loaded afterwards.

    Drawing random numbers takes longer than reading a file, and on the meta device it imports PyTorch's compiler, which
    takes more than a second. ``torch.nn.utils.skip_init`` builds single layers; this context covers whole models.
    A model of more than ``limit`` numbers is refused with a ValueError before they are allocated.
    """

    def __init__(self, limit: float = math.inf) -> None:
        super().__init__()
        self.limit, self.allocated = limit, 0

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in RANDOM_INITIALIZERS:
            return kwargs["tensor"]  # torch.nn.init passes it by name
        if func in ALLOCATORS:
            sizes = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list)) else args)
            self.allocated += math.prod(sizes)
            if self.allocated > self.limit:
                raise ValueError(f"it needs more than {self.limit:,.0f} numbers, which its weights do not have")
        return func(*args, **kwargs)
