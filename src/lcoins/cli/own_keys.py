"""The keys and choices that a command has, and what it says of a key, an option or a file that would change nothing."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from lcoins.cli.conf_files import (
    GLOBAL_GROUPS,
    conf_folder,
    group_options,
    option_keys,
    package_of,
    shown_path,
    single_values,
    stated_keys,
)

# Sections whose keys go to what is built from them, which refuses those that it does not take.
TAKE_MORE = ("trainer", "model", "data", "objective", "augmentation", "recipe.optimizer", "evaluation.lpips", "hydra")
MOST_SHOWN = 3
OPTIONS = {  # of Hydra, and --json, which is read here
    *("--help", "-h", "--hydra-help", "--version", "--cfg", "-c", "--resolve", "--package", "-p", "--run", "-r"),
    *("--multirun", "-m", "--shell-completion", "-sc", "--config-path", "-cp", "--config-name", "-cn"),
    *("--config-dir", "-cd", "--experimental-rerun", "--info", "-i", "--json"),
}


def explain_unknown_key(command: str, key: str) -> str:
    """What a command says of a key that its config lacks, as a message for the user."""
    if command == "eval" and key.startswith("data."):
        return (
            f"lcoins eval takes the run's own data as it is, so that there is no {key} to change; choose the data too, "
            f"as in data=scenes {key}=..."
        )
    conf = conf_folder()
    section = key.partition(".")[0]
    adding = f"add the key with +{key}=..."
    options = group_options(conf, command).get(section, ())
    if having := [option for option in options if key in option_keys(conf, section, option)]:
        choices = " and ".join(f"{section}={option}" for option in having[:MOST_SHOWN])
        return f"this config has no key {key}, which belongs to {choices}; choose that, or {adding}"
    meant = meant_key(command, key)
    if meant == key:  # of an experiment, say
        return f"this config has no key {key}; {adding}"
    taken = key.startswith(tuple(f"{taker}." for taker in TAKE_MORE))
    if meant:
        return f"this config has no key {key}; did you mean {meant}?" + (f" Else {adding}" if taken else "")
    return f"this config has no key {key}; " + (adding if taken else f"lcoins {command} --help shows its keys")


def meant_key(command: str, key: str) -> str:
    """The key or group of a command that another one probably stands for; empty where none is like it."""
    conf = conf_folder()
    known = [*single_values(conf, command), *group_options(conf, command)]
    found: list[str] = []
    for part in key.split("."):
        start = "".join(f"{before}." for before in found)
        parts = {name.removeprefix(start).partition(".")[0] for name in known if name.startswith(start)}
        near = [part] if part in parts else get_close_matches(part.lower(), parts, n=1)
        if not near:
            ends = [name for name in known if name.rpartition(".")[2] == key]
            return min(ends, key=len, default="")
        found += near
    return ".".join(found)


def refuse_options(command: str, arguments: Sequence[str]) -> None:
    """Refuses an argument that looks like an option and is none of Hydra's: keys are given without dashes."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        name, equals, value = argument.partition("=")
        if not re.match(r"--?[a-zA-Z]", name) or name in OPTIONS:
            continue
        value = value if equals else following if following and not re.match("-|.*=", following) else "..."
        key = name.lstrip("-").replace("-", "_")
        raise ValueError(f"write {meant_key(command, key) or key}={value}, as KEY=VALUE, not {name}")


def chosen(arguments: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The groups and options that the arguments of a command name, those of a sweep one by one."""
    for argument in arguments:
        group, _, options = argument.lstrip("+").partition("=")
        yield from ((group, option) for option in options.split(","))


def expect_whole_config_files(choices: Iterable[tuple[str, str | None]]) -> None:
    """Refuses a chosen file of a group that changes the whole config, if it lacks the line that lets it do so.

    ``choices`` are groups with their options.
    """
    for group, option in choices:
        path = conf_folder() / group / f"{option}.yaml"
        if group in GLOBAL_GROUPS and path.is_file() and package_of(path) is None:
            raise ValueError(
                f"{shown_path(path)}: its first line must be `# @package _global_`, without which it changes nothing"
            )


def expect_own_keys(config: Mapping[str, Any], command: str) -> None:
    """Refuses a key that nothing reads, at the top of an unresolved config or in a section that lcoins reads itself.

    What other values refer to, as ``${key}``, is read. Sections of which something is built refuse keys themselves.
    """
    conf = conf_folder()
    known = stated_keys(conf, command)
    referred = set(re.findall(r"\$\{(\w+)", json.dumps(config, default=str)))
    sections: dict[str, Any] = {"": config} | {name: config.get(name) for name in ("evaluation", "system", "tracker")}
    for section, content in sections.items():
        start = f"{section}." if section else ""
        for name in content if isinstance(content, Mapping) else ():
            if f"{start}{name}" not in known and name not in referred:
                meant = meant_key(command, f"{start}{name}")
                raise ValueError(
                    f"{start}{name} is a key that nothing reads; "
                    + (f"did you mean {meant}?" if meant and meant != f"{start}{name}" else "leave it out")
                )
