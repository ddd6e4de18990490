"""The kind of value that each key of conf/ takes, read from conf/ itself and from the signatures of what it builds."""

import json
import math
import re
import types
import typing
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal, get_args, get_origin

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from lcoins.cli.conf_files import package_of
from lcoins.cli.overrides import is_place
from lcoins.data.from_lists import PhotoOptions
from lcoins.training.optimization import OptimizationRecipe

LEAST = {"batch_size": 1, "steps": 1, "warmup": 0, "words": 1}  # of what `lcoins bench` and `lcoins info` take
NAMES: dict[type, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "keys with values",
    type(None): "null",
}


@dataclass
class TopKeys:
    """The keys at the top of a config that conf/ leaves at null: those of ``info``, ``bench`` and ``eval``."""

    words: int | None = None
    growth: str | None = None
    focus: bool | None = None


# What takes the keys of a part whose _target_, if it names one, does not list them.
TAKERS: dict[str, Any] = {
    "": TopKeys,
    "trainer": "lightning.Trainer",
    "recipe": OptimizationRecipe,
    "data": PhotoOptions,
}
REFERENCE = re.compile(r"\$\{([\w.]+)\}")


@dataclass
class Known:
    """What conf/ says of one key: kinds of its values, those of the elements of its lists, and one value to show."""

    kinds: set[type] = field(default_factory=set)
    elements: set[type] = field(default_factory=set)
    references: set[str] = field(default_factory=set)
    example: Any = None


def expect_kinds(config: Mapping[str, Any], known: Mapping[str, Known]) -> None:
    """Refuses a plain config that holds a value of another kind than ``known`` has for its key.

    Where a class or function takes the key, what its signature allows is allowed too. A whole number stands for a
    number; a number is finite. Keys that ``known`` lacks are left to what is built from them, and so are missing
    values and interpolations, which are checked where they point to: ``config`` is not resolved.

    Raises ValueError with the key, what it takes, what came, and a value that it takes.
    """
    _expect(config, "", known, {})
    for key, least in LEAST.items():
        if isinstance(value := config.get(key), int) and value < least:
            raise ValueError(f"{key} is at least {least}, got {value}; give another number as {key}=...")


def known_keys(conf: Path) -> dict[str, Known]:
    """What the files of ``conf`` say of each dotted key, for all choices together."""
    known: dict[str, Known] = defaultdict(Known)
    for path in sorted([*conf.glob("*.yaml"), *conf.glob("*/*.yaml")]):
        package = package_of(path)
        group = path.parent.name if path.parent != conf else ""
        prefix = group if package is None else package.replace("_global_", "")
        content = _content(path)
        defaults = content.pop("defaults", ())
        _note(content, prefix, known)
        for entry in defaults:
            for placed, choice in entry.items() if isinstance(entry, dict) else ():
                if at := re.fullmatch(r"/(\w+)@(\w+)", placed):  # a choice of another group, in a place of this one
                    _note(_content(conf / at[1] / f"{choice}.yaml"), f"{prefix}.{at[2]}", known)
    for key in known:
        for reference in known[key].references & known.keys():
            known[key].kinds |= known[reference].kinds
    return dict(known)


def _content(path: Path) -> dict[str, Any]:
    """What a file of conf/ says, as it is written; nothing where it cannot be read: Hydra says so if it is chosen."""
    try:
        content: Any = OmegaConf.to_container(OmegaConf.load(path), resolve=False)
    except (YAMLError, OmegaConfBaseException, OSError, ValueError):
        return {}
    return {key: value for key, value in content.items() if key != "hydra"} if isinstance(content, dict) else {}


def _note(value: Any, key: str, known: dict[str, Known]) -> None:
    noted = known[key]
    if isinstance(value, str) and ("${" in value or value == "???"):
        whole = REFERENCE.fullmatch(value)
        noted.references |= {whole[1]} if whole else set()
        text_around = "${" in value and not (value.startswith("${") and value.endswith("}"))
        noted.kinds |= {str} if text_around else set()
        return
    noted.kinds.add(type(value))
    if not isinstance(value, dict):
        noted.example = value if noted.example is None else noted.example
    if isinstance(value, list):
        noted.elements |= {type(element) for element in value}
    for name, inner in value.items() if isinstance(value, dict) else ():
        _note(inner, f"{key}.{name}" if key else str(name), known)


def _expect(value: Any, key: str, known: Mapping[str, Known], hints: Mapping[str, Any]) -> None:
    if isinstance(value, str) and ("${" in value or value == "???"):
        return
    if key in known:
        _expect_kind(value, key, known[key], _kinds_of(hints[key]) if key in hints else set())
    if isinstance(value, Mapping):
        takers = (TAKERS.get(key), value.get("_target_"))
        start = f"{key}." if key else ""
        inner_hints = {f"{start}{name}": hint for taker in takers for name, hint in _hints(taker).items()}
        for name, inner in value.items():
            _expect(inner, f"{start}{name}", known, inner_hints)


def _expect_kind(value: Any, key: str, known: Known, hinted: set[type]) -> None:
    allowed = known.kinds | hinted
    if is_place(key) and not allowed - {type(None)}:
        allowed |= {str}
    if allowed - {type(None)} and not _fits(value, allowed):
        _refuse(value, key, allowed, known.example)
    if isinstance(value, list) and known.elements:
        for number, element in enumerate(value):
            if not (isinstance(element, str) and "${" in element) and not _fits(element, known.elements):
                _refuse(element, f"{key}[{number}]", known.elements, known.example, key)


def _fits(value: Any, allowed: Collection[type]) -> bool:
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return object in allowed or type(value) in allowed or (type(value) is int and float in allowed)


def _refuse(value: Any, key: str, allowed: Collection[type], example: Any, whole: str | None = None) -> typing.NoReturn:
    names = [name for kind, name in NAMES.items() if kind in allowed and not (kind is int and float in allowed)]
    shown = "null" if value is None else json.dumps(value, ensure_ascii=False, default=str)
    shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
    such = f"; give for example {whole or key}={json.dumps(example)}" if example is not None else ""
    raise ValueError(f"{key} takes {' or '.join(names)}, got {shown}, which is {_kind_name(value)}{such}")


def _kind_name(value: Any) -> str:
    return "not finite" if isinstance(value, float) and not math.isfinite(value) else NAMES.get(type(value), "neither")


def _hints(taker: Any) -> dict[str, Any]:
    """The annotations of the parameters of a class or function, which may be named by its dotted path."""
    try:
        found: Callable[..., Any] = resolve_name(taker) if isinstance(taker, str) else taker
        return typing.get_type_hints(found.__init__ if isinstance(found, type) else found)  # type: ignore[misc]
    except Exception:  # no taker, an unknown one, or annotations that need names of type checkers: conf/ alone decides
        return {}


def _kinds_of(hint: Any) -> set[type]:
    """The kinds of config values that an annotation allows; ``object`` stands for any."""
    origin, inner = get_origin(hint), get_args(hint)
    if hint is Any or isinstance(hint, typing.TypeVar):
        return {object}
    if origin in (typing.Union, types.UnionType):
        return set().union(*(_kinds_of(part) for part in inner))
    if origin is Literal:
        return {type(part) for part in inner}
    if hint in (bool, int, float, str, type(None)):
        return {hint}
    for base, kind in ((Path, str), (Mapping, dict), (Sequence, list)):
        if isinstance(origin or hint, type) and issubclass(origin or hint, base):
            return {kind}
    return set()  # an object, which a _target_ makes where conf/ has one
