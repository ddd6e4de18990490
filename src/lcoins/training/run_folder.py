"""The folder of a run belongs to the config whose training began in it, and is compared whenever the run starts again.

A start that failed before its first step, as after a mistake in a path, leaves a config to which nothing belongs.
"""

from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf

from lcoins.files import write_whole
from lcoins.models.received import expect_plain

# Parts of a config that say where and how a run runs: they may differ when it is resumed. Other devices draw other
# noise, and without recipe.global_batch have another batch, as the run says; precision belongs to what it computes.
HARDWARE = ("accelerator", "devices", "num_nodes", "strategy", "sync_batchnorm", "benchmark")
SHOWN = ("log_every_n_steps", "num_sanity_val_steps", "fast_dev_run", "enable_progress_bar", "profiler")
NOT_IDENTITY = (
    *(f"trainer.{key}" for key in (*HARDWARE, *SHOWN)),
    "tracker",
    "system",
    "runs",
    "evaluation",
    "data.workers",
    "data.report",
)

LARGEST_CONFIG = 2**18  # bytes of config.yaml; lcoins writes some thousands


def open_run_folder(folder: Path, config: dict[str, Any]) -> None:
    """Writes the config into a folder in which no training has begun; ValueError if one has, with another config."""
    path = folder / "config.yaml"
    if not path.exists():
        write_whole(path, OmegaConf.to_yaml(OmegaConf.create(config)))
        return
    old = read_run_config(folder)
    unrelated = tuple(f"{key}{end}" for key in NOT_IDENTITY for end in (".", ":"))
    if config.get("recipe", {}).get("global_batch") is not None:  # then it says how much one device takes at once
        unrelated = (*unrelated, "data.batch_size:")
    changed = [line for line in config_differences(old, config) if not line.startswith(unrelated)]
    if changed and not _has_begun(folder):
        (folder / "prior.json").unlink(missing_ok=True)  # counted for the other config
        write_whole(path, OmegaConf.to_yaml(OmegaConf.create(config)))
    elif changed:
        lines = "\n  ".join(changed)
        raise ValueError(
            f"{folder} holds a run with another config:\n  {lines}\nGive this one another name "
            f"(name=...), or remove the folder to start over."
        )


def _has_begun(folder: Path) -> bool:
    """Whether a training has logged a step in this folder, saved weights or pictures, or left figures."""
    kept = ("csv/*/metrics.csv", "checkpoints/*", "pictures/*", "test/*", "metrics.json")
    return any(True for pattern in kept for _ in folder.glob(pattern))


def read_run_config(folder: Path) -> dict[str, Any]:
    """The plain config of a run, in which nothing is left to be resolved.

    Raises ValueError for a file that is none, is too large, or holds interpolations or aliases, and for a run from
    before config keys, classes and metrics got their present names: all of those have the key ``la``, which is
    ``augmentation`` now.
    """
    path = folder / "config.yaml"
    try:
        config: Any = OmegaConf.to_container(OmegaConf.create(_text_without_aliases(path)), resolve=False)
    except Exception as error:  # yaml and omegaconf each raise their own kinds
        raise ValueError(f"{path} is no config of a run ({' '.join(str(error).split())[:200]})") from error
    if not isinstance(config, dict):
        raise ValueError(f"{path} is no config of a run: expected keys with values, got {type(config).__name__}")
    expect_plain(config, str(path))
    if "la" in config:
        raise ValueError(
            f"{path} was written by lcoins 0.1.0 before 2026-11-28, which used other names; "
            "read it with that version (commit 87f2a8e), or train the run again under another name"
        )
    return config


def recorded_overrides(folder: Path) -> list[str] | None:
    """The overrides ``key=value`` that name the folder of a run, from Hydra's record of it; None without a record.

    Those that change no result, such as paths and hardware, are left out, as they are of the folder's name.
    """
    try:
        hydra = yaml.safe_load(_text_without_aliases(folder / ".hydra" / "hydra.yaml"))["hydra"]
        excluded = set(hydra["job"]["config"]["override_dirname"]["exclude_keys"])
        given = [str(override) for override in hydra["overrides"]["task"]]
    except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError):
        return None
    return sorted(override for override in given if override.partition("=")[0].lstrip("+~") not in excluded)


def _text_without_aliases(path: Path) -> str:
    """The text of a config; ValueError where an alias could make a few hundred bytes grow beyond any memory."""
    with path.open(encoding="utf-8") as file:
        text = file.read(LARGEST_CONFIG + 1)
    if len(text) > LARGEST_CONFIG:
        raise ValueError(f"it has more than {LARGEST_CONFIG:,} letters")
    if any(isinstance(token, yaml.AliasToken | yaml.AnchorToken) for token in yaml.scan(text)):
        raise ValueError("it holds aliases, which lcoins never writes")
    return text


def config_differences(old: Any, new: Any, key: str = "") -> list[str]:
    """Every value in which two plain configs differ, as ``key: old -> new``."""
    if isinstance(old, dict) and isinstance(new, dict):
        names = sorted(old.keys() | new.keys())
        return [
            line
            for name in names
            for line in config_differences(old.get(name), new.get(name), f"{key}.{name}" if key else name)
        ]
    return [] if old == new else [f"{key}: {old} -> {new}"]
