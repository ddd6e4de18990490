"""The reference of conf/: every key with its type, its value and what it means, read from the YAML files themselves.

A key's meaning is the comment beside or above it; else that of the same key of the same class in another file; else
the argument of that name in the class's docstring. So nothing is written twice, and a key without any is an error.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from docstrings import as_links

ROOT = Path(__file__).parents[2]
GROUPS = {
    "system": "A model with its objective, augmentation and recipe.",
    "model": "Another size in the same system, or the parts of one.",
    "data": "What is trained and tested on.",
    "objective": "What training minimizes.",
    "augmentation": "What happens to lightness before training, or `data=obedience_old`, sees it.",
    "recipe": "Optimizer, learning rate, length, and the choice of the checkpoint.",
    "ablation": "The paper's ablations (section 5.3).",
    "trainer": "Where a run runs.",
    "tracker": "Weights & Biases, TensorBoard or MLflow.",
    "cluster": "What is asked of SLURM.",
    "debug": "Short runs that look for one fault.",
}
NOT_KEYS = ("defaults", "hydra")  # Hydra's own
# Where a key of several files is explained, if not in its own: these come before the others.
FIRST = (
    "model/paper.yaml",
    "data/photos.yaml",
    "recipe/paper.yaml",
    "augmentation/paper.yaml",
    "objective/lcoins.yaml",
)


@dataclass(frozen=True)
class Key:
    """One line of a table: the key's ``path`` in its file, the ``value`` as written, and what is said about it."""

    path: str
    value: str
    type: str
    comment: str
    owner: str  # the class that the value goes to, or ""


def header(text: str) -> tuple[str, str]:
    """What a file says of itself: its first comment as prose, and the commands in it, one a line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if not line.startswith("# @package"):
            lines.append(line[1:])
    prose = " ".join(line.strip() for line in lines if not line.startswith("   "))
    return prose.strip(), "\n".join(line.strip() for line in lines if line.startswith("   "))


def keys(text: str) -> list[Key]:
    """Every key of a YAML file that is not Hydra's own, in order; mappings give their inner keys."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return []
    return list(_keys(root, text.splitlines(), ""))


def _keys(node: yaml.MappingNode, lines: list[str], path: str, above: str = "") -> Iterator[Key]:
    """``above`` is the comment of a mapping on one line, which is that of its keys."""
    owner = next((value.value for key, value in node.value if key.value == "_target_"), "")
    for key, value in node.value:
        name = f"{path}{key.value}"
        if name in NOT_KEYS:
            continue
        is_mapping = isinstance(value, yaml.MappingNode) and bool(value.value)
        is_block = is_mapping and not value.flow_style
        comment = above or _comment(lines, key.start_mark, key.end_mark if is_block else value.end_mark)
        if not is_mapping:
            yield Key(name, _written(value, lines), _type(value), comment, owner)
            continue
        if is_block:
            yield Key(name, "", "mapping", comment, owner)
        yield from _keys(value, lines, f"{name}.", "" if is_block else comment)


def _comment(lines: list[str], start: yaml.Mark, end: yaml.Mark) -> str:
    """The comment behind the value, or the lines of comment right above the key; not the header of the file."""
    behind = re.search(r"(?:^|\s)#\s(.*)$", lines[end.line][end.column :]) if end.line < len(lines) else None
    if behind:
        return behind[1]
    first = start.line
    while first and lines[first - 1].startswith(" " * start.column + "# "):
        first -= 1
    return " ".join(line.strip()[2:] for line in lines[first : start.line]) if first else ""


def _written(value: yaml.Node, lines: list[str]) -> str:
    if value.start_mark.line == value.end_mark.line:
        return lines[value.start_mark.line][value.start_mark.column : value.end_mark.column]
    return " ".join(line.strip() for line in lines[value.start_mark.line : value.end_mark.line + 1]).strip()


def _type(value: yaml.Node) -> str:
    if isinstance(value, yaml.SequenceNode):
        return "list"
    if isinstance(value, yaml.MappingNode):
        return "mapping"
    if str(value.value).startswith("${"):
        return "as named"
    if value.value == "???":
        return "required"
    kind = value.tag.rpartition(":")[2]
    if kind == "str" and re.fullmatch(r"[\d.]+e[-+]?\d+", value.value):
        kind = "float"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "null": "optional"}[kind]


@cache
def arguments(target: str) -> dict[str, str]:
    """What the docstring of a class or function of lcoins says of its arguments, by name."""
    module, _, name = target.rpartition(".")
    if not module:
        return {}
    file = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    if not file.is_file():
        return {}
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found = next((node for node in tree.body if getattr(node, "name", None) == name), None)
    documented = [ast.get_docstring(found) or ""] if isinstance(found, ast.ClassDef | ast.FunctionDef) else []
    section = re.search(r"^(?:Args|Attributes):\n((?:    .*\n?|\n)+)", "\n".join(documented), flags=re.MULTILINE)
    items = re.findall(r"^    (\w+): (.*(?:\n {5,}.*)*)", section[1] if section else "", flags=re.MULTILINE)
    return {name: as_links(" ".join(text.split())).rstrip(".") for name, text in items}


class Reference:
    """All files of ``conf/``, and what each of their keys means."""

    def __init__(self, conf: Path = ROOT / "conf"):
        self.conf = conf
        self.files = {
            file.relative_to(conf).as_posix(): file.read_text(encoding="utf-8")
            for file in sorted(conf.glob("**/*.yaml"))
            if file.parent.name != "experiment"
        }
        sources = sorted(self.files, key=lambda name: name not in FIRST)
        self.keys = {name: keys(text) for name, text in self.files.items()}
        self.elsewhere: dict[tuple[str, str], str] = {}
        for name in sources:
            for key in self.keys[name]:
                for place in self._places(name, key) if key.comment else ():
                    self.elsewhere.setdefault(place, key.comment)
        for name in sources:
            for key in self.keys[name]:
                if text := arguments(key.owner).get(key.path.rpartition(".")[2]):
                    self.elsewhere.setdefault(self._places(name, key)[-1], text)

    def _prefix(self, file: str) -> str:
        """What stands before a file's keys in the whole config."""
        is_whole = "/" not in file or self.files[file].startswith("# @package _global_")
        return "" if is_whole else f"{file.partition('/')[0]}."

    def _places(self, file: str, key: Key) -> list[tuple[str, str]]:
        """Where the same key may be explained: at its class, in its group, and under its whole name."""
        of_class = [(key.owner, key.path.rpartition(".")[2])] if key.owner else []
        return [*of_class, ("", f"{self._prefix(file)}{key.path}")]

    def meaning(self, file: str, key: Key) -> str:
        """What a key means; "" where nothing says it."""
        if key.comment:
            return key.comment
        name = key.path.rpartition(".")[2]
        if name == "_target_":
            return "the class or function that is built"
        if name == "_partial_":
            return "true: built when training starts, with the parameters to train"
        places = self._places(file, key)
        found = [self.elsewhere.get(place, "") for place in places]
        followed = re.fullmatch(r"\$\{([\w.]+)\}", key.value)
        follows = f"follows `{followed[1]}`" if followed else ""
        return next(filter(None, [*found[:-1], arguments(key.owner).get(name, ""), follows, found[-1]]), "")

    def unexplained(self) -> list[str]:
        """The keys whose meaning nothing says, each with its file."""
        return [
            f"{name}: {key.path}"
            for name, found in self.keys.items()
            for key in found
            if (key.value or key.type != "mapping") and not self.meaning(name, key)
        ]

    def page(self, group: str) -> str:
        """The page of a group of choices, or of the commands' own files where ``group`` is "commands"."""
        own = [name for name in self.files if (name.partition("/")[0] if "/" in name else "commands") == group]
        about = GROUPS.get(group, "The keys of each command outside the groups.")
        parts = [f"# {group}\n\n{about}\n"]
        for name in own:
            prose, commands = header(self.files[name])
            title = f"{group}={Path(name).stem}" if "/" in name else f"lcoins {Path(name).stem}"
            parts.append(f"## {title} {{ #{group}-{Path(name).stem} }}\n\n{prose}\n")
            if commands:
                parts.append(f"```\n{commands}\n```\n")
            parts += [self._chosen(name), self._table(name)]
        return "\n".join(part for part in parts if part)

    def _chosen(self, name: str) -> str:
        """What a file chooses of other groups."""
        chosen = (yaml.safe_load(self.files[name]) or {}).get("defaults", [])
        pairs = [
            (k.removeprefix("override ").lstrip("/"), v)
            for one in chosen
            if isinstance(one, dict)
            for k, v in one.items()
        ]
        texts = [f"`{group}={choice}`" for group, choice in pairs if group in GROUPS and choice not in ("???", None)]
        return f"Chooses {', '.join(texts)}.\n" if texts else ""

    def _table(self, name: str) -> str:
        prefix, rows = self._prefix(name), []
        for key in self.keys[name]:
            if key.type == "mapping" and not key.value and not key.comment:
                continue  # its keys follow
            value = f"`{key.value}`" if key.value else ""
            if key.path.rpartition(".")[2] == "_target_" and key.value.startswith("lcoins."):
                value = f"[`{key.value.rpartition('.')[2]}`][{key.value}]"
            meaning = self.meaning(name, key).replace("|", "\\|")
            rows.append(f"| `{prefix}{key.path}` | {value} | {key.type} | {meaning} |")
        head = "| key | value | type | meaning |\n| --- | --- | --- | --- |\n"
        return head + "\n".join(rows) + "\n" if rows else ""
