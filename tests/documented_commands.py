"""The commands that README.md and the pages of docs/ show, and what is true of them if they can be typed."""

import re
import shlex
from pathlib import Path
from typing import Any

import typer
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from lcoins.cli.hydra_commands import conf_folder, label, of_first, per_node
from lcoins.cli.main import app, infer_app
from lcoins.cli.overrides import hydra_override

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TABLES = sorted((ROOT / "docs" / "results" / "data").glob("*.yaml"))
COMPOSED = ("train", "eval", "info", "bench", "prior")  # the commands that take a Hydra config
OWN_SYSTEM = ROOT / "docs" / "tutorials" / "own_system"


def shell_commands(text: str) -> list[list[str]]:
    """The words of each command of the ``bash`` blocks of a page; those after a pipe are commands of their own."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return [words for block in blocks for line in block.replace("\\\n", " ").splitlines() for words in _words(line)]


def _words(line: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word in ("|", "&&", ";"):
            parts.append([])
        else:
            parts[-1].append(word)
    return [part for part in parts if part]


def all_commands() -> list[tuple[str, list[str]]]:
    """Every command with the file that shows it, relative to the root."""
    found = [(page, words) for page in PAGES for words in shell_commands(page.read_text(encoding="utf-8"))]
    for table in TABLES:
        commands = yaml.safe_load(table.read_text(encoding="utf-8"))["commands"]
        found += [(table, words) for command in commands for words in _words(command.replace("\\\n", " "))]
    return [(file.relative_to(ROOT).as_posix(), words) for file, words in found]


def lcoins_commands() -> list[tuple[str, list[str]]]:
    """The arguments of every ``lcoins`` command that is shown, each once, with a file that shows it."""
    found = {tuple(given): file for file, words in all_commands() if (given := _of_lcoins(words))}
    return [(file, list(words)) for words, file in found.items()]


def _of_lcoins(words: list[str]) -> list[str]:
    """The arguments of a command of lcoins, also of one in a container, or nothing."""
    if words[:2] == ["docker", "run"]:
        words = words[next(at for at, word in enumerate(words) if word.startswith("lcoins:")) :]
    return words[1:] if words[0].partition(":")[0].endswith("lcoins") else []


def make_targets() -> set[str]:
    """The targets of every ``make`` command that is shown."""
    return {words[1] for _, words in all_commands() if words[0] == "make"}


def expect_options(words: list[str]) -> None:
    """Parses a command as the command line does, without running it; an error names what it does not take."""
    command: Any = typer.main.get_command(app)
    left = list(words)
    if left[:2] == ["bench", "infer"]:
        command, left = typer.main.get_command(infer_app), left[2:]
    context = command.context_class(command)
    while hasattr(command, "commands"):
        _, command, left = command.resolve_command(context, left)
        context = command.context_class(command)
    command.make_parser(context).parse_args(left)


def composed(words: list[str], **options: Any) -> Any:
    """The config of a command that takes one; of a sweep, that of its first run. ``options`` are those of Hydra."""
    name, *arguments = words
    given = [one for one in arguments if not one.startswith("-")]
    if "-m" in arguments or any("," in one.partition("=")[2] and one.startswith("seed=") for one in given):
        given = [re.sub(r"^([\w.]+=[^,\[{]*),.*", r"\1", one) for one in given]
    for resolver in (label, of_first, per_node):
        OmegaConf.register_new_resolver(resolver.__name__, resolver, replace=True)
    tutorial = f"hydra.searchpath=[file://{OWN_SYSTEM}]"  # its reader has put these files into conf/
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        return compose(name, overrides=[tutorial, *(hydra_override(one) for one in given)], **options)
