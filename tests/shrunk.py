"""Configs as the command composes them, with a model and data so small that a test trains in a second."""

from pathlib import Path
from typing import Any

import torch
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from torch import Tensor

from lcoins.cli.hydra_commands import conf_folder, label
from lcoins.data.types import Batch
from lcoins.models.build import CONFIG_FORMAT, build_colorizer

TESTS = ("clear", "instances", "unobserved", "counter", "recolor")
SPLITS = ("val", *(f"tests.{name}" for name in TESTS))
SHORT = [
    "name=shrunk",
    "trainer=cpu",
    "trainer.precision=32-true",
    "trainer.log_every_n_steps=1",
    "evaluation.recolor=false",
    "data.train.length=64",
    "data.batch_size=16",
    "data.eval_batch_size=8",
    *(f"data.{split}.length=8" for split in SPLITS),
    "recipe.epochs=3",
    "recipe.pictures=1",
    "recipe.monitor=val/psnr",
]
# 32 px, 4 x 4 image tokens, two blocks; with drop path and dropout, so that everything random takes part.
MODEL: dict[str, Any] = {
    "_target_": "lcoins.models.lcoins.LCoIns",
    "image_size": 32,
    "image_encoder": {
        "_target_": "lcoins.models.image_encoders.PatchEncoder",
        "image_size": 32,
        "patch_size": 8,
        "dim": 32,
        "depth": 1,
        "heads": 2,
        "width": 32,
        "drop_path": 0.1,
        "init": "none",
    },
    "text_encoder": {
        "_target_": "lcoins.models.text_encoders.CaptionEncoder",
        "source": "minilm",
        "width": 32,
        "max_length": 40,
        "special_tokens": False,
        "pad_mask": True,
        "freeze": False,
        "init": "none",
        "config": {
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "max_position_embeddings": 40,
        },
    },
    "transformer": {
        "_target_": "lcoins.models.grouping.GroupingTransformer",
        "width": 32,
        "depth": 2,
        "heads": 2,
        "n_groups": 4,
        "attention": "grouping",
        "drop_path": 0.1,
    },
    "upsampler": {
        "_target_": "lcoins.models.upsampler.Upsampler",
        "width": 32,
        "channels": [32, 16, 8],
        "image_size": 32,
    },
    "grouping_layer": {"_target_": "lcoins.models.grouping.GroupingLayer", "width": 32},
    "shared_space": {"_target_": "lcoins.models.lcoins.SharedSpace", "width": 32},
}
NO_COUNTER_COLOR: dict[str, Any] = {"grouping_layer": None, "shared_space": None}


def transformer(**changes: Any) -> dict[str, Any]:
    """The part of the shrunk model's config that says how its transformer differs, to replace the one there."""
    return {"transformer": {**MODEL["transformer"], **changes}}


NO_GROUPS: dict[str, Any] = {**transformer(n_groups=0, attention="joint"), "grouping_layer": None}


def batch_of(ab: Tensor, *has_color: bool) -> Batch:
    """What an objective reads of a batch: its network ab, and which captions name a color (all)."""
    n, colors = len(ab), torch.tensor(has_color or (True,) * len(ab))
    rgb, texts = torch.zeros(n, 3, 4, 4), [""] * n
    return Batch(rgb, texts, texts, colors, torch.arange(n), texts, [None] * n, texts, pairs=[None] * n, ab=ab)


def composed(command: str, *overrides: str) -> DictConfig:
    """The config of a command, as `lcoins COMMAND OVERRIDES` composes it."""
    OmegaConf.register_new_resolver("label", label, replace=True)
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose(command, overrides=list(overrides))


def shrunk(*overrides: str, **model: Any) -> DictConfig:
    """The config of a short training of the shrunk model; ``model`` replaces some of its values."""
    cfg = composed("train", *SHORT, *overrides)
    OmegaConf.set_struct(cfg, False)
    OmegaConf.update(cfg, "model", {**MODEL, **model}, merge=False)
    OmegaConf.update(cfg, "evaluation.lpips", {}, merge=False)  # no net is asked for, so none is missed
    return cfg


def model_config(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        cfg = compose("info", overrides=list(overrides))
    return OmegaConf.to_container(cfg.model, resolve=True)  # type: ignore[return-value]


def checkpoint(folder: Path, model: dict[str, Any]) -> Path:
    """A checkpoint as a run leaves it, of an untrained model."""
    torch.manual_seed(3)
    state = {f"colorizer.{name}": value for name, value in build_colorizer(model).state_dict().items()}
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(
        {"state_dict": state, "config": {"model": model, "seed": 3}, "format": CONFIG_FORMAT}, folder / "best.ckpt"
    )
    return folder / "best.ckpt"


SYSTEMS = ("lbie", "ml2018", "xie2018", "lcode", "lcoder")


NARROW = {
    "lbie": ["model.width=8", "model.text_encoder.hidden=16"],
    "ml2018": ["model.blocks=2"],
    "xie2018": ["model.width=32"],
    "lcode": ["model.width=32", "model.channels=[32,24,16,8]"],
    "lcoder": [
        *(f"model.transformer.{key}" for key in ("width=32", "depth=2", "heads=2")),
        "model.text_encoder.width=64",
    ],
}


def small(system: str, *overrides: str) -> DictConfig:
    """A system at 32 px, narrow, its trunk untrained: the wiring is tested and not the weights."""
    cfg = composed("train", *SHORT, f"system={system}_tiny", "model.image_size=32", *NARROW[system], *overrides)
    OmegaConf.set_struct(cfg, False)
    for part in ("trunk", "image_encoder"):
        if part in cfg.model:
            cfg.model[part].update({"init": "none", "freeze": False})
    OmegaConf.update(cfg, "evaluation.lpips", {}, merge=False)
    return cfg
