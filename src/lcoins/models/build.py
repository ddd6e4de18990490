"""From a plain model config to a colorizer, without Lightning or Hydra.

Hydra's ``instantiate`` would build any class that a config names, and Lightning takes seconds to import: a package may
come from a stranger, and ``lcoins colorize`` starts anew for each photo.
"""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from torch import Tensor, nn

ROOM = "lcoins.models."
# The form of the model configs in checkpoints and packages; it changes with the constructors of the models.
CONFIG_FORMAT = 2
SMALLEST, LARGEST = 8, 2048  # pixels of a side of the network's input
LAST_READERS = {1: "lcoins 0.1.0 up to its commit 87f2a8e"}


def build_colorizer(model: Mapping[str, Any], weights: bool = True) -> nn.Module:
    """The colorizer of a plain model config; ``weights=False`` leaves pretrained parts untrained, to load later.

    Each dictionary with a ``_target_`` becomes an object of that class, the innermost first and in the order of the
    config, which is the order in which their random weights are drawn. Raises ValueError for a class that is no model
    of lcoins, and for keys that a class does not take or that it lacks.
    """
    expect_lcoins_classes(model, "the config")
    if not weights:
        model = _untrained(model)
    refuse_foreign_keys(model)
    _expect_size(model)
    return _built(model, "model")


def _expect_size(model: Mapping[str, Any]) -> None:
    """Refuses a size of the network's input that is no size, or beyond what any machine holds."""
    size = model.get("image_size")
    if size is None and "image_size" not in signature(model_class(model["_target_"])).parameters:
        return
    if not isinstance(size, int) or isinstance(size, bool) or not SMALLEST <= size <= LARGEST:
        raise ValueError(
            f"model.image_size: expected a whole number of pixels from {SMALLEST} to {LARGEST}, got {size!r}"
        )


def _built(config: Any, path: str) -> Any:
    if not isinstance(config, Mapping):
        return config
    values = {key: _built(value, f"{path}.{key}") for key, value in config.items() if key != "_target_"}
    if "_target_" not in config:
        return values
    target = model_class(config["_target_"])
    try:
        signature(target).bind(**values)
    except TypeError as error:
        raise ValueError(
            f"{path}: {target.__name__} does not take these keys, {error}; "
            f"it takes {', '.join(signature(target).parameters)}"
        ) from error
    for key, value in values.items():
        sizes = value if isinstance(value, list) else [value]
        if any(isinstance(size, int | float) and size < 0 for size in sizes):
            raise ValueError(f"{path}.{key}={value} must not be negative; no size, share or count of a model is")
    try:
        return target(**values)
    except (ArithmeticError, TypeError, LookupError) as error:
        shown = ", ".join(f"{key}={value}" for key, value in values.items() if not isinstance(value, nn.Module))
        raise ValueError(
            f"{path}: {target.__name__} cannot be built with {shown} ({error}); check the values that are 0"
        ) from error


def model_class(target: str) -> Any:
    """The class of a model, or of a part of one, that a ``_target_`` names; ValueError where lcoins has none."""
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{target!r} is no model of this lcoins ({error}); check the config's _target_") from error
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise ValueError(f"{target!r} is no model of lcoins; check the config's _target_")
    return found


def state_dict_mismatches(expected: Mapping[str, Tensor], given: Mapping[str, Tensor | None]) -> list[str]:
    """One line for each tensor that is missing, left over or of another shape.

    A ``given`` tensor that is None counts as there: it is loaded from elsewhere.
    """
    tensors = {name: value for name, value in given.items() if value is not None and name in expected}
    return [
        *(f"missing: {name}" for name in sorted(expected.keys() - given.keys())),
        *(f"left over: {name}" for name in sorted(given.keys() - expected.keys())),
        *(
            f"{name}: expected {tuple(expected[name].shape)}, got {tuple(tensors[name].shape)}"
            for name in sorted(tensors)
            if expected[name].shape != tensors[name].shape
        ),
    ]


def _untrained(config: Any) -> Any:
    """A plain config with "none" for every ``init``."""
    if not isinstance(config, Mapping):
        return config
    return {key: "none" if key == "init" else _untrained(value) for key, value in config.items()}


def expect_format(found: Any, source: str) -> None:
    """Refuses a checkpoint or package whose model config has another form than this version's."""
    if found == CONFIG_FORMAT:
        return
    reader = f"read it with {LAST_READERS[found]}" if found == 1 else "read it with the lcoins that wrote it"
    raise ValueError(f"{source} has format {found} and this lcoins reads {CONFIG_FORMAT}; {reader}, or train it again")


def expect_lcoins_classes(config: Any, source: str) -> None:
    """Refuses a model config, which may come from a stranger's file, that would build anything but parts of lcoins."""
    if not isinstance(config, Mapping):
        return
    target = config.get("_target_", ROOM)
    if not str(target).startswith(ROOM):
        raise ValueError(f"{source} asks for {target!r}, which is no model of lcoins; take a file that lcoins wrote")
    for value in config.values():
        expect_lcoins_classes(value, source)


def refuse_foreign_keys(model: Mapping[str, Any]) -> None:
    """Refuses keys that an ablation of L-CoIns has put into the config of another system, before it is built."""
    known = signature(model_class(model["_target_"])).parameters
    foreign = sorted(key for key in model if key not in known and not key.startswith("_"))
    if foreign:
        name = model["_target_"].rpartition(".")[2]
        raise ValueError(
            f"{name} has no {', '.join(foreign)}, only {', '.join(known)}; the ablations no_ge, no_ga and no_cl are "
            f"those of L-CoIns: choose ablation=full, or another model"
        )
