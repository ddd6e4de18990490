"""From a plain model config to a colorizer, without Lightning or Hydra.

Both take seconds to import, and ``lcoins colorize`` starts anew for each photo.
"""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from typing import Any

from torch import Tensor, nn

OWN = "lcoins.models."


def build_colorizer(model: Mapping[str, Any], weights: bool = True) -> nn.Module:
    """The colorizer of a plain model config; ``weights=False`` leaves pretrained parts untrained, to load later.

    Each dictionary with a ``_target_`` becomes an object of that class, the innermost first. ValueError for a class
    that is no model of lcoins, and for keys that a class has not, or lacks.
    """
    expect_own_classes(model, "the config")
    if not weights:
        model = _untrained(model)
    refuse_foreign_keys(model)
    return _built(model, "model")


def _built(config: Any, place: str) -> Any:
    if not isinstance(config, Mapping):
        return config
    values = {key: _built(value, f"{place}.{key}") for key, value in config.items() if key != "_target_"}
    if "_target_" not in config:
        return values
    target = own_class(config["_target_"])
    try:
        signature(target).bind(**values)
    except TypeError as error:
        raise ValueError(
            f"{place}: {target.__name__} does not take these keys, {error}; "
            f"it takes {', '.join(signature(target).parameters)}"
        ) from error
    return target(**values)


def own_class(target: str) -> Any:
    """The part of a model that a ``_target_`` names; ValueError where lcoins has none of that name."""
    module, _, name = target.rpartition(".")
    try:
        found = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{target!r} is no model of this lcoins ({error}); check the config's _target_") from error
    if not (isinstance(found, type) and issubclass(found, nn.Module) and found.__module__ == module):
        raise ValueError(f"{target!r} is no model of lcoins; check the config's _target_")
    return found


def state_dict_mismatches(own: Mapping[str, Tensor], given: Mapping[str, Tensor | None]) -> list[str]:
    """Every way in which given weights are not those of a colorizer, a line each; None is given from elsewhere."""
    tensors = {name: value for name, value in given.items() if value is not None and name in own}
    return [
        *(f"missing: {name}" for name in sorted(own.keys() - given.keys())),
        *(f"left over: {name}" for name in sorted(given.keys() - own.keys())),
        *(
            f"{name}: expected {tuple(own[name].shape)}, got {tuple(tensors[name].shape)}"
            for name in sorted(tensors)
            if own[name].shape != tensors[name].shape
        ),
    ]


def _untrained(config: Any) -> Any:
    """A plain config whose every ``init`` is "none"."""
    if not isinstance(config, Mapping):
        return config
    return {key: "none" if key == "init" else _untrained(value) for key, value in config.items()}


def expect_own_classes(config: Any, source: str) -> None:
    """Refuses a model config that would build anything but parts of lcoins: a file's may be a stranger's."""
    if not isinstance(config, Mapping):
        return
    target = config.get("_target_", OWN)
    if not str(target).startswith(OWN):
        raise ValueError(f"{source} asks for {target!r}, which is no model of lcoins; take a file that lcoins wrote")
    for value in config.values():
        expect_own_classes(value, source)


def refuse_foreign_keys(model: Mapping[str, Any]) -> None:
    """Refuses what an ablation of L-CoIns has put into the config of another system, before it is built."""
    own = signature(own_class(model["_target_"])).parameters
    foreign = sorted(key for key in model if key not in own and not key.startswith("_"))
    if foreign:
        name = model["_target_"].rpartition(".")[2]
        raise ValueError(
            f"{name} has no {', '.join(foreign)}: ablation=no_ge, no_ga and no_cl are those of L-CoIns; "
            f"choose ablation=full, or another model"
        )
