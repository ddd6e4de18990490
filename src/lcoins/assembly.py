"""From plain configs to what a run is made of: colorizer, data, objective, and the module that trains them."""

import pickle
from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from hydra.utils import get_class, instantiate
from torch import nn

from lcoins.data.module import ColorizationData
from lcoins.objectives import AdversarialObjective, ClassificationObjective
from lcoins.training import AdversarialTraining, ColorizationTraining, Objective
from lcoins.training_set import count_classes, with_vocabulary


def build_colorizer(model: Mapping[str, Any], weights: bool = True) -> nn.Module:
    """The colorizer of a plain model config; ``weights=False`` leaves pretrained parts untrained, to load later."""
    if not weights:
        model = _untrained(model)
    refuse_foreign_keys(model)
    return instantiate(model, _convert_="all")


def _untrained(config: Any) -> Any:
    """A plain config whose every ``init`` is "none"."""
    if not isinstance(config, Mapping):
        return config
    return {key: "none" if key == "init" else _untrained(value) for key, value in config.items()}


def expect_own_classes(config: Any, source: str) -> None:
    """Refuses a model config from a file that would build anything but parts of lcoins: it may be a stranger's."""
    if not isinstance(config, Mapping):
        return
    target = config.get("_target_", "lcoins.models.")
    if not str(target).startswith("lcoins.models."):
        raise ValueError(f"{source} asks for {target!r}, which is no model of lcoins; take a file that lcoins wrote")
    for value in config.values():
        expect_own_classes(value, source)


def refuse_foreign_keys(model: Mapping[str, Any]) -> None:
    """Refuses what an ablation of L-CoIns has put into the config of another system, before it is built."""
    own = signature(get_class(model["_target_"])).parameters
    foreign = sorted(key for key in model if key not in own and not key.startswith("_"))
    if foreign:
        name = model["_target_"].rpartition(".")[2]
        raise ValueError(f"{name} has no {', '.join(foreign)}: ablation=no_ge, no_ga and no_cl are those of L-CoIns; "
                         f"choose ablation=full, or another model")  # fmt: skip


def build_data(data: Mapping[str, Any], folder: Path) -> ColorizationData:
    """The data module of a plain data config; photos are checked here, before anything is trained.

    Where the config has a ``report`` of what is wrong with the photos, it is written into ``folder``.
    """
    report = {"report": str(folder / data["report"])} if data.get("report") else {}
    return instantiate({**data, **report}, _convert_="all")


def load_colorizer(checkpoint: Path | str, device: torch.device | str = "cpu") -> tuple[nn.Module, dict[str, Any]]:
    """The colorizer of a checkpoint (EMA average where there is one) and its config, in evaluation mode.

    Only tensors and plain values are read (``weights_only=True``); every tensor must fit.
    """
    path = Path(checkpoint)
    if not path.is_file():
        raise FileNotFoundError(f"no checkpoint at {path}; train one with `lcoins train`, or give its path")
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise ValueError(f"{path} is no checkpoint of lcoins: it cannot be read as tensors and plain values; give a "
                         f"best.ckpt or last.ckpt of a run") from error  # fmt: skip
    if not isinstance(content, dict) or "config" not in content or "state_dict" not in content:
        raise ValueError(f"{path} is no checkpoint of lcoins: it has no config; give a best.ckpt or last.ckpt of a run")
    expect_own_classes(content["config"]["model"], str(path))
    colorizer = build_colorizer(content["config"]["model"], weights=False)
    prefix = "colorizer."
    weights = {k.removeprefix(prefix): v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    colorizer.load_state_dict(weights, strict=True)
    return colorizer.to(device).eval(), content["config"]


def build(config: dict[str, Any], folder: Path) -> tuple[ColorizationTraining, ColorizationData]:
    """What a run trains and what it trains on, from its plain config.

    A vocabulary and class counts that the config leaves open are taken from the training set; the counts are kept in
    ``folder``, so that a resumed run need not count again.
    """
    refuse_foreign_keys(config["model"])
    needs_words = "vocabulary" in config["model"]["text_encoder"]
    if not needs_words:
        colorizer = build_colorizer(config["model"])  # before the photos are checked: missing weights show at once
    data, recipe = build_data(config["data"], folder), config["recipe"]
    if needs_words:
        config = {**config, "model": with_vocabulary(config["model"], data)}
        colorizer = build_colorizer(config["model"])
    objective = weighted_objective(config["objective"], data, colorizer, folder / "prior.json")
    kind = AdversarialTraining if isinstance(objective, AdversarialObjective) else ColorizationTraining
    module = kind(
        colorizer,
        objective,
        instantiate(recipe["optimizer"], _convert_="all"),
        weight_decay=recipe["weight_decay"],
        warmup_epochs=recipe["warmup_epochs"],
        min_lr=recipe["min_lr"],
        drops=recipe.get("drops"),
        lr_factors=recipe.get("lr_factors", {}),
        palette=data.val_set.palette if data.val_set is not None else None,
        seed=config["seed"],
        config=config,
    )
    return module, data


def build_objective(objective: Mapping[str, Any]) -> Any:
    """The objective of a plain config."""
    return instantiate(objective, _convert_="all")


def weighted_objective(
    objective: Mapping[str, Any], data: ColorizationData, colorizer: Any, counted: Path
) -> Objective:
    """The objective of a plain config; one that weights classes has them counted, into ``counted``, unless it is told.

    Class counts that are there already are taken as they are.
    """
    built = build_objective(objective)
    if isinstance(built, ClassificationObjective) and objective.get("prior") is None:
        if not counted.exists():
            count_classes(built, data, colorizer.factor, counted)
        built = build_objective({**objective, "prior": str(counted)})
    return built


def count_prior(config: dict[str, Any], path: Path) -> None:
    """Writes how often each class of a system's objective occurs in its training set to ``path``, which must be new."""
    objective = build_objective(config["objective"])
    if not isinstance(objective, ClassificationObjective):
        raise ValueError(f"{config['model']['_target_'].rpartition('.')[2]} does not weigh colours by how often they "
                         f"occur; take a model that does: ml2018, xie2018 or their _tiny sizes")  # fmt: skip
    if path.exists():
        raise FileExistsError(f"{path} exists; give another name as output=FILE, or remove it")
    system: Any = get_class(config["model"]["_target_"])
    count_classes(objective, build_data(config["data"], path.parent), system.factor, path)
