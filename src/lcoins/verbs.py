"""The verbs that take Hydra overrides: train and eval, from a composed config to a finished run."""

import hashlib
from pathlib import Path

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from lcoins import runs

LONGEST_LABEL = 100


def label(overrides: str) -> str:
    """A folder name for the overrides of a run; "default" without any, shortened with a digest when too long.

    >>> label("ablation=no_la,recipe.epochs=3"), label("")
    ('ablation=no_la,recipe.epochs=3', 'default')
    """
    name = overrides.replace("/", "|") or "default"
    if len(name) > LONGEST_LABEL:
        name = f"{name[:LONGEST_LABEL]}-{hashlib.blake2b(name.encode(), digest_size=4).hexdigest()}"
    return name


def register_resolvers() -> None:
    """Makes ``${label:...}`` known to the configs."""
    OmegaConf.register_new_resolver("label", label, replace=True)


def train(cfg: DictConfig) -> None:
    """Trains the run that the config describes, in the folder that Hydra named."""
    runs.train(cfg, Path(HydraConfig.get().runtime.output_dir))
