"""What conf/ offers, read from its files alone, without Hydra: where it lies, its groups, their options, its keys."""

from pathlib import Path
from typing import Any

NOT_KEYS = ("defaults", "hydra")  # Hydra's own


def conf_folder() -> Path:
    """conf/ inside the installed package, or beside src/ in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/ with train.yaml near {package}; reinstall lcoins")


def group_options(conf: Path, command: str) -> dict[str, list[str]]:
    """Each group of choices that a command has, with its options in the order of the alphabet."""
    entries = _read(conf / f"{command}.yaml").get("defaults", ())
    names = [name for entry in entries if isinstance(entry, dict) for name in entry]
    return {name: sorted(path.stem for path in conf.glob(f"{name}/*.yaml")) for name in names if (conf / name).is_dir()}


def single_values(conf: Path, command: str) -> dict[str, Any]:
    """The dotted keys that a command's config may have, with a value of each, for all choices of its groups together.

    Mappings give their inner keys.
    """
    found: dict[str, Any] = {}
    _collect(_read(conf / f"{command}.yaml"), "", found)
    for group, options in group_options(conf, command).items():
        for option in options:
            path = conf / group / f"{option}.yaml"
            is_whole = path.read_text(encoding="utf-8").startswith("# @package _global_")
            _collect(_read(path), "" if is_whole else f"{group}.", found)
    return found


def _collect(content: dict[str, Any], prefix: str, found: dict[str, Any]) -> None:
    for name, value in content.items():
        if prefix == "" and name in NOT_KEYS:
            continue
        if isinstance(value, dict) and value:
            _collect(value, f"{prefix}{name}.", found)
        elif name not in ("_target_", "_partial_", "defaults"):
            found.setdefault(f"{prefix}{name}", value)


def _read(path: Path) -> dict[str, Any]:
    """The content of a YAML file, by libyaml where PyYAML has it: a press of Tab reads a hundred of them."""
    import yaml

    content: Any = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return content or {}
