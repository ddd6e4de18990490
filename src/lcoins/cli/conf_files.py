"""What conf/ offers, read from its files alone, without Hydra: where it lies, its groups, their options, its keys.

A file that cannot be read offers nothing here: only a command that chooses it has to speak of it, and Hydra reads it
then.
"""

import re
from pathlib import Path
from typing import Any

NOT_KEYS = ("defaults", "hydra")  # Hydra's own
GLOBAL_GROUPS = ("ablation", "cluster", "debug", "experiment", "system")  # whose files change the whole config


def conf_folder() -> Path:
    """conf/ inside the installed package, or beside src/ in a checkout."""
    package = Path(__file__).parents[1]
    for folder in (package / "conf", package.parents[1] / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no conf/ with train.yaml near {package}; reinstall lcoins")


def group_options(conf: Path, command: str) -> dict[str, list[str]]:
    """Each group of choices that a command has, with its options in the order of the alphabet."""
    entries = read_conf(conf / f"{command}.yaml").get("defaults", ())
    names = [name for entry in entries if isinstance(entry, dict) for name in entry]
    return {name: sorted(path.stem for path in conf.glob(f"{name}/*.yaml")) for name in names if (conf / name).is_dir()}


def shown_path(path: Path) -> str:
    """A file of conf/ as a message names it: from the folder that holds conf/."""
    return path.relative_to(conf_folder().parent).as_posix()


def package_of(path: Path) -> str | None:
    """The part of the config in which Hydra places a file, if one of the lines at its top says so: ``# @package``."""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.strip() and not re.match(r"\s*#\s*@", line):
            return None
        if said := re.match(r"\s*#\s*@package\s+(\S+)", line):
            return said[1]
    return None


def stated_keys(conf: Path, command: str) -> set[str]:
    """The keys at the top of a command's config and one level below, by its own file and those of its other groups.

    Files of :data:`GLOBAL_GROUPS` may name any key, so they do not say which exist.
    """
    content = {name: value for name, value in read_conf(conf / f"{command}.yaml").items() if name not in NOT_KEYS}
    stated = {
        *content,
        *(f"{name}.{key}" for name, value in content.items() if isinstance(value, dict) for key in value),
    }
    for group, options in group_options(conf, command).items():
        if group not in GLOBAL_GROUPS:
            stated |= {
                group,
                *(f"{group}.{key}" for option in options for key in read_conf(conf / group / f"{option}.yaml")),
            }
    return stated


def option_keys(conf: Path, group: str, option: str) -> set[str]:
    """The dotted keys that one option of a group sets."""
    path, found = conf / group / f"{option}.yaml", dict[str, Any]()
    _collect(read_conf(path), "" if package_of(path) == "_global_" else f"{group}.", found)
    return set(found)


def single_values(conf: Path, command: str) -> dict[str, Any]:
    """The dotted keys that a command's config may have, with a value of each, for all choices of its groups together.

    Mappings give their inner keys.
    """
    found: dict[str, Any] = {}
    _collect(read_conf(conf / f"{command}.yaml"), "", found)
    for group, options in group_options(conf, command).items():
        for option in options:
            path = conf / group / f"{option}.yaml"
            _collect(read_conf(path), "" if package_of(path) == "_global_" else f"{group}.", found)
    return found


def _collect(content: dict[str, Any], prefix: str, found: dict[str, Any]) -> None:
    for name, value in content.items():
        if prefix == "" and name in NOT_KEYS:
            continue
        if isinstance(value, dict) and value:
            _collect(value, f"{prefix}{name}.", found)
        elif name not in ("_target_", "_partial_", "defaults"):
            found.setdefault(f"{prefix}{name}", value)


def read_conf(path: Path) -> dict[str, Any]:
    """The content of a file of conf/, nothing where it cannot be read.

    By libyaml where PyYAML has it: a press of Tab reads a hundred of them.
    """
    import yaml

    try:
        content: Any = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError, OSError):  # no YAML, no UTF-8, or no such file
        return {}
    return content if isinstance(content, dict) else {}
