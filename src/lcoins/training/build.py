"""From the plain config of a run to what trains: data, colorizer, objective, and the module that holds them."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from torch import nn

from lcoins.data.datamodule import ColorizationData
from lcoins.models.build import build_colorizer, model_class, refuse_foreign_keys
from lcoins.training.compared_losses import AdversarialObjective, ClassificationObjective
from lcoins.training.grounding import GroundingTraining
from lcoins.training.grounding_losses import GroundingObjective
from lcoins.training.module import AdversarialTraining, ColorizationTraining, Objective
from lcoins.training.optimization import OptimizationRecipe
from lcoins.training.parts import build_part
from lcoins.training.statistics import count_classes, lacks_vocabulary, with_vocabulary

# The values of a recipe -> the least and the largest that make sense.
RANGES: dict[str, tuple[float, float]] = {
    "epochs": (1, math.inf),
    "weight_decay": (0, math.inf),
    "warmup_epochs": (0, math.inf),
    "min_lr": (0, math.inf),
    "ema": (0, 1),
    "pictures": (0, math.inf),
}
RECIPE = {
    *RANGES,
    *(each.name for each in fields(OptimizationRecipe)),
    "global_batch",
    "monitor",
    "frozen",
    "new_parts",
}
LEAST_RATE = 1e-12  # a learning rate of 0 learns nothing
MONITORED = ("val/psnr", "val/color_word_accuracy", "val/colorfulness")  # the more, the better
MONITORED_IN_GROUNDING = ("val/overlap",)


def expect_recipe(recipe: Mapping[str, Any]) -> None:
    """Refuses a recipe with a key that nothing reads, or a value out of its range; ValueError names what it takes."""
    for key in sorted(recipe.keys() - RECIPE):
        raise ValueError(f"recipe.{key} is no key of a recipe{_meant(key, RECIPE)}; it has {', '.join(sorted(RECIPE))}")
    found: dict[str, Any] = {f"recipe.{key}": (recipe.get(key), bounds) for key, bounds in RANGES.items()}
    found["recipe.optimizer.lr"] = (recipe["optimizer"].get("lr"), (LEAST_RATE, math.inf))
    for key, (value, (least, largest)) in found.items():
        if value is not None and not least <= value <= largest:
            most = f" and at most {largest}" if largest < math.inf else ""
            raise ValueError(f"{key} is at least {least}{most}, got {value}; give another value as {key}=...")
    rate, min_lr = recipe["optimizer"].get("lr"), recipe["min_lr"]
    if rate is not None and min_lr is not None and recipe.get("lr_milestones") is None and min_lr > rate:
        raise ValueError(
            f"recipe.min_lr={min_lr} is above recipe.optimizer.lr={rate}, and the learning rate would grow; set "
            f"recipe.min_lr to {rate} or less"
        )


def _meant(name: str, known: Iterable[str]) -> str:
    """The known name that one like it probably stands for, as the end of a clause; empty if there is none."""
    near = get_close_matches(name, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def build_training(config: dict[str, Any], folder: Path) -> tuple[ColorizationTraining, ColorizationData]:
    """The module that trains a run's colorizer, and the data that it trains on.

    A vocabulary and class counts that the config leaves open come from the training set. The counts are kept in
    ``folder``, so that a resumed run does not count again.
    """
    refuse_foreign_keys(config["model"])
    expect_recipe(config["recipe"])
    if lacks_vocabulary(config["model"]):
        data = build_data(config["data"], folder)
        config = {**config, "model": with_vocabulary(config["model"], data)}
        colorizer = build_colorizer(config["model"])
    else:  # before the data, whose photos are checked for minutes: missing pretrained weights are reported at once
        colorizer = build_colorizer(config["model"])
        data = build_data(config["data"], folder)
    _freeze(colorizer, config["recipe"].get("frozen", ()))
    objective = _weighted_objective(config["objective"], data, colorizer, folder / "prior.json")
    discriminator = [objective.discriminator] if isinstance(objective, AdversarialObjective) else []
    _expect_beginnings("recipe.lr_factors", config["recipe"].get("lr_factors") or (), colorizer, *discriminator)
    training = _training(objective)
    palette = data.val_set.palette if data.val_set is not None else None
    clipped = bool((config.get("trainer") or {}).get("gradient_clip_val"))
    recipe = build_recipe(config["recipe"], clipped)
    module = training(colorizer, objective, recipe, palette, config["seed"], config)
    _expect_monitored(config["recipe"]["monitor"], palette is not None, training)
    return module, data


def _training(objective: Objective) -> type[ColorizationTraining]:
    """The module that trains by an objective."""
    if isinstance(objective, AdversarialObjective):
        return AdversarialTraining
    return GroundingTraining if isinstance(objective, GroundingObjective) else ColorizationTraining


def _expect_monitored(monitor: str, has_words: bool, training: type[ColorizationTraining]) -> None:
    """Refuses to choose the best checkpoint by what validation does not measure, or not on this validation set."""
    measured = MONITORED_IN_GROUNDING if training is GroundingTraining else MONITORED
    if monitor not in measured:
        raise ValueError(f"recipe.monitor={monitor} is not measured in validation; take one of {', '.join(measured)}")
    if monitor == "val/color_word_accuracy" and not has_words:
        raise ValueError(
            f"recipe.monitor={monitor} needs a validation set whose instances are all known, as data=scenes has; set "
            f"recipe.monitor=val/psnr, or take a system for photos, such as lcoins_small"
        )


def _freeze(colorizer: nn.Module, prefixes: Sequence[str]) -> None:
    """Keeps the parameters whose names begin so as they are, such as the lower blocks of a pretrained backbone."""
    _expect_beginnings("recipe.frozen", prefixes, colorizer)
    for name, parameter in colorizer.named_parameters():
        if name.startswith(tuple(prefixes)):
            parameter.requires_grad_(False)


def _expect_beginnings(key: str, prefixes: Iterable[str], *parts: nn.Module) -> None:
    """Refuses a beginning of parameters' names that no parameter of these parts has: it would change nothing."""
    names = [name for part in parts for name, _ in part.named_parameters()]
    beginnings = {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}
    unknown = [prefix for prefix in prefixes if not any(name.startswith(prefix) for name in names)]
    if unknown:
        shown = ", ".join(prefix + _meant(prefix, beginnings) for prefix in unknown)
        raise ValueError(
            f"{key}: no parameter of this model begins with {shown}; the names begin "
            f"with {', '.join(sorted(beginning for beginning in beginnings if '.' not in beginning))}"
        )


def build_data(data: Any, folder: Path, tests_only: bool = False) -> ColorizationData:
    """The data module of a plain data config. Photos are checked here, before anything is trained.

    If the config names a ``report`` of what is wrong with the photos, it is written into ``folder``. With
    ``tests_only`` training and validation set are left out.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"data: expected a config with a _target_, got {type(data).__name__}")
    name = data.get("report")
    if name and Path(name).name != name:
        raise ValueError(f"data.report: expected the name of a file in the run's folder, got {name!r}")
    report = {"report": str(folder / name)} if name else {}
    built = build_part({**data, **report, **(dict.fromkeys(("train", "val")) if tests_only else {})}, "data")
    if not isinstance(built, ColorizationData):
        raise ValueError(
            f"expected data to train on, got {data['_target_']}, which is for lcoins eval; take data=photos"
        )
    return built


def build_recipe(recipe: Mapping[str, Any], clipped: bool = False) -> OptimizationRecipe:
    """Optimizer and learning rate of a plain recipe config.

    Where gradients are ``clipped`` the optimizer is not fused: Lightning takes every fused optimizer for one that
    scales gradients itself, and refuses to clip at mixed precision.
    """
    optimizer = dict(recipe["optimizer"])
    if clipped and optimizer.get("fused"):
        optimizer["fused"] = False
    return OptimizationRecipe(
        optimizer=build_part(optimizer, "recipe.optimizer"),
        weight_decay=recipe["weight_decay"],
        warmup_epochs=recipe["warmup_epochs"],
        min_lr=recipe["min_lr"],
        lr_milestones=recipe.get("lr_milestones"),
        lr_factors=recipe.get("lr_factors", {}),
    )


def build_objective(objective: Mapping[str, Any]) -> Any:
    """The objective of a plain objective config."""
    return build_part(objective, "objective")


def _weighted_objective(objective: Mapping[str, Any], data: ColorizationData, colorizer: Any, prior: Path) -> Objective:
    """The objective of a plain config, whose classes are counted into the file ``prior`` if it weights them by counts.

    Counts that the config names, or that the file already holds, are taken as they are.
    """
    built = build_objective(objective)
    if not isinstance(built, ClassificationObjective) or objective.get("prior") is not None:
        return built
    if not prior.exists():
        count_classes(built, data, colorizer.factor, prior)
    return build_objective({**objective, "prior": str(prior)})


def count_prior(config: dict[str, Any], path: Path) -> None:
    """Writes how often each class of a system's objective occurs in its training set to ``path``, which must be new."""
    objective = build_objective(config["objective"])
    if not isinstance(objective, ClassificationObjective):
        raise ValueError(
            f"{config['model']['_target_'].rpartition('.')[2]} does not weigh colors by how often they "
            f"occur; take a system that does: ml2018, xie2018 or their _tiny sizes"
        )
    if path.exists():
        raise FileExistsError(f"{path} exists; give another name as output=FILE, or remove it")
    system: Any = model_class(config["model"]["_target_"])
    count_classes(objective, build_data(config["data"], path.parent), system.factor, path)
