"""Building a model for weights that are there already."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

DRAWING = (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_)


class SkipInit(TorchFunctionMode):
    """While it is active, what these draw at random stays as the memory was: every weight must be loaded after.

    Drawing takes longer than reading, and on the meta device it imports PyTorch's compiler, a second and more.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if func in DRAWING:
            return kwargs["tensor"]  # torch.nn.init gives it by name
        return func(*args, **kwargs)
