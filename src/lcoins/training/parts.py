"""Objects from plain configs, which may come from the files of others: only those that are listed here.

Hydra's ``instantiate`` would call anything that a config names, and its list of what it refuses is no boundary.
"""

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from inspect import signature
from typing import Any

# What each part of a config may be made of, under the rooms that hold it. A new class is added here.
PARTS: dict[str, tuple[str, ...]] = {
    "data": (
        "lcoins.data.augment.ColorFilter",
        "lcoins.data.augment.LuminanceAugmentation",
        "lcoins.data.augment.OldPhoto",
        "lcoins.data.augment.RandomLighting",
        "lcoins.data.augment.Shading",
        "lcoins.data.from_instances.grounding_data",
        "lcoins.data.from_instances.instance_data",
        "lcoins.data.from_lists.photo_data",
        "lcoins.data.from_scenes.scene_data",
        "lcoins.data.photos_with_things.PhotosWithThings",
        "lcoins.data.recoloring.WordRecoloring",
    ),
    "objective": (
        "lcoins.models.compared.lbie.Discriminator",
        "lcoins.training.compared_losses.AdversarialObjective",
        "lcoins.training.compared_losses.ClassificationObjective",
        "lcoins.training.compared_losses.CorrespondenceObjective",
        "lcoins.training.grounding_losses.GroundingObjective",
        "lcoins.training.instance_losses.InstanceObjective",
        "lcoins.training.losses.LCoInsObjective",
    ),
    "recipe.optimizer": tuple(
        f"torch.optim.{name}" for name in ("Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "NAdam", "RAdam", "SGD")
    ),
}
# What a constructor raises where a value is of the wrong kind.
_WRONG_VALUES = (TypeError, LookupError, AttributeError, ArithmeticError)


def build_part(config: Any, kind: str) -> Any:
    """The object of a plain config, the innermost first; ``kind`` is a key of PARTS, and the config's place.

    With ``_partial_`` it becomes a function that still takes arguments. Raises ValueError for a ``_target_`` that is
    not listed, and for keys and values that it does not take.
    """
    if not isinstance(config, Mapping) or "_target_" not in config:
        raise ValueError(f"{kind}: expected a config with a _target_, got {config!r}"[:300])
    return _built(config, PARTS[kind], kind)


def _built(config: Any, allowed: tuple[str, ...], path: str) -> Any:
    if isinstance(config, (list, tuple)):
        return [_built(value, allowed, f"{path}[{index}]") for index, value in enumerate(config)]
    if not isinstance(config, Mapping):
        return config
    values = {
        key: _built(value, allowed, f"{path}.{key}")
        for key, value in config.items()
        if key not in ("_target_", "_partial_")
    }
    if "_target_" not in config:
        return values
    if config["_target_"] not in allowed:
        raise ValueError(
            f"{path}: expected a _target_ among {', '.join(name.rpartition('.')[2] for name in allowed)} of lcoins, "
            f"got {config['_target_']!r}; nothing else is built from a config"
        )
    module, _, name = config["_target_"].rpartition(".")
    target = getattr(import_module(module), name)
    is_partial = bool(config.get("_partial_"))
    try:
        bind = signature(target).bind_partial if is_partial else signature(target).bind
        bind(**values)
        return partial(target, **values) if is_partial else target(**values)
    except _WRONG_VALUES as error:
        raise ValueError(f"{path}: {name} does not take these keys and values: {error}") from error
