"""Building a model whose weights are loaded afterwards."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import nn
from torch.overrides import TorchFunctionMode

RANDOM_INITIALIZERS = (nn.init.normal_, nn.init.uniform_, nn.init.kaiming_uniform_)


class SkipInit(TorchFunctionMode):
    """Skips random initialization: tensors stay uninitialized, so every weight must be loaded afterwards.

    Drawing random numbers takes longer than reading a file, and on the meta device it imports PyTorch's compiler, which
    takes more than a second. ``torch.nn.utils.skip_init`` builds single layers; this context covers whole models.
    """

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
        return func(*args, **kwargs)
