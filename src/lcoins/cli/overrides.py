"""From what a user types to what Hydra's grammar reads: paths, names and other text as they are, whatever they hold."""

import json
import os
import re
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Quote, QuotedString
from hydra.errors import HydraException
from omegaconf import OmegaConf

# The last parts of the keys whose value is a file, a folder or a name, which may hold any character and look like a
# number: these are text unless they are null, a list, a dictionary or already in quotes.
PLACES = (
    *("alex", "captions", "checkpoint", "dir", "entity", "instances", "labels", "name", "object_colors", "output"),
    *("prior", "project", "report", "root", "run", "runs", "source", "squeeze", "start_from", "subdir", "uri", "vgg"),
)
UNREADABLE = object()


def hydra_override(argument: str, sweep: bool = False) -> str:
    """One argument of a command as Hydra's grammar reads it, with quotes where the grammar would stumble.

    The value of a place-like key (:data:`PLACES`) is literal: ``=``, ``#``, quotes, brackets, spaces, accents and emoji
    stand for themselves, and so do commas where ``sweep`` is False, that is without ``-m``; with it, a comma separates
    the values of a sweep. ``null``, lists, dictionaries, values in quotes and ``${…}`` keep Hydra's meaning, and ``~/``
    is the home folder. Other values are quoted only if Hydra cannot read them; a list may then be one of YAML's.

    Raises ValueError for an empty place and for bytes that are not UTF-8.

    >>> hydra_override("data.train.root=p/my photos [1]"), hydra_override("runs=out/été"), hydra_override("name=a,b")
    ("data.train.root='p/my photos [1]'", "runs='out/été'", "name='a,b'")
    >>> hydra_override("runs=out"), hydra_override("name=a,#1", sweep=True), hydra_override("recipe.epochs=été")
    ('runs=out', "name=a,'#1'", "recipe.epochs='été'")
    """
    if argument == "--json":
        return "json=true"
    key, equals, text = argument.partition("=")
    if not equals or key.startswith(("-", "~")):
        return argument
    try:
        argument.encode()
    except UnicodeEncodeError:
        raise ValueError(
            f"{argument!a} is not UTF-8; rename the file or folder, or link it under another name"
        ) from None
    if is_place(key):
        return f"{key}={_place(key, text, sweep)}"
    if _parsed(text) is not UNREADABLE:
        return argument
    return f"{key}={_from_yaml(text) if text.startswith(('[', '{')) else _in_quotes(text)}"


def is_place(key: str) -> bool:
    """Whether the value of a dotted key, or one to be added with ``+``, is a file, a folder or a name."""
    return key.lstrip("+").rpartition(".")[2] in PLACES


def _place(key: str, text: str, sweep: bool) -> str:
    if not text.strip():
        raise ValueError(f"{key} is empty; give it a value as {key}=..., or null for none")
    parsed = _parsed(text)
    if text.strip() == "null" or isinstance(parsed, list | dict | QuotedString):  # Hydra takes NULL, too
        return text
    if sweep and "," in text:
        explicit = parsed is not UNREADABLE and not (isinstance(parsed, ChoiceSweep) and parsed.simple_form)
        quoted_parts = isinstance(parsed, ChoiceSweep) and any(isinstance(part, QuotedString) for part in parsed.list)
        return text if explicit or quoted_parts else ",".join(_place(key, part, False) for part in text.split(","))
    text = os.path.expanduser(text) if text.startswith("~/") else text
    return text if _parsed(text) == text else _in_quotes(text)


def _parsed(text: str) -> Any:
    """The value that Hydra reads, or UNREADABLE."""
    try:
        return OverridesParser.create().parse_override(f"key={text}")._value
    except (HydraException, RecursionError):
        return UNREADABLE


def _in_quotes(text: str) -> str:
    return QuotedString(text, Quote.single).with_quotes()


def _from_yaml(text: str) -> str:
    """A list or dictionary that YAML reads and Hydra does not, such as ``[{root: p/été}]``, in Hydra's grammar."""
    try:
        return _written(OmegaConf.to_container(OmegaConf.create(text), resolve=False))
    except Exception:  # whatever is wrong with it: Hydra refuses the text, and the message names it
        return text


def _written(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{_written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value) if value is None or isinstance(value, bool | int | float) else _in_quotes(str(value))


def folder_name(text: str, longest: int | None = None) -> str:
    """Text as the name of one folder: no separator, nothing that cannot be printed, cut after ``longest`` bytes.

    >>> folder_name("a/b"), folder_name("é" * 3, longest=3)
    ('a|b', 'é')
    """
    printable = re.sub(r"[/\x00-\x1f\x7f]", "|", text)
    return printable.encode()[:longest].decode(errors="ignore")
