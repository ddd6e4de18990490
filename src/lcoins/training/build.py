"""From plain configs to what a run is made of: data, objective, and the module that trains a colorizer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import get_class, instantiate

from lcoins.data.datamodule import ColorizationData
from lcoins.models.build import build_colorizer, refuse_foreign_keys
from lcoins.training.compared_losses import AdversarialObjective, ClassificationObjective
from lcoins.training.module import AdversarialTraining, ColorizationTraining, Objective
from lcoins.training.statistics import count_classes, with_vocabulary


def build_data(data: Mapping[str, Any], folder: Path) -> ColorizationData:
    """The data module of a plain data config; photos are checked here, before anything is trained.

    Where the config has a ``report`` of what is wrong with the photos, it is written into ``folder``.
    """
    report = {"report": str(folder / data["report"])} if data.get("report") else {}
    return instantiate({**data, **report}, _convert_="all")


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
        lr_milestones=recipe.get("lr_milestones"),
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
        raise ValueError(
            f"{config['model']['_target_'].rpartition('.')[2]} does not weigh colors by how often they "
            f"occur; take a system that does: ml2018, xie2018 or their _tiny sizes"
        )
    if path.exists():
        raise FileExistsError(f"{path} exists; give another name as output=FILE, or remove it")
    system: Any = get_class(config["model"]["_target_"])
    count_classes(objective, build_data(config["data"], path.parent), system.factor, path)
