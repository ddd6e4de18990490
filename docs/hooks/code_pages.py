"""Pages of the reference of the code: one a room of src/lcoins, and one with every command and its options."""

import ast
import re
from pathlib import Path
from typing import Any

import typer
from docstrings import as_links

SOURCE = Path(__file__).parents[2] / "src" / "lcoins"
BASIS = "files and locks"  # the modules that lie in no room


def rooms() -> dict[str, list[str]]:
    """Every room, named as its folder, with the dotted names of its modules; those without a docstring are left out."""
    found: dict[str, list[str]] = {}
    for file in sorted(SOURCE.rglob("*.py")):
        parts = file.relative_to(SOURCE).with_suffix("").parts
        if parts[-1] == "__init__" or ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) is None:
            continue
        found.setdefault(parts[0] if len(parts) > 1 else BASIS, []).append(".".join(("lcoins", *parts)))
    return found


def room_page(room: str, modules: list[str]) -> str:
    """A page that mkdocstrings fills."""
    return f"# {room}\n\n" + "\n\n".join(f"::: {module}" for module in modules) + "\n"


def command_page() -> str:
    """Every command of lcoins with what its help says, read from the command line itself."""
    from lcoins.cli.main import app, infer_app

    root = typer.main.get_command(app)
    parts = ["# Commands\n", "`lcoins COMMAND --help` says the same in the terminal.\n"]
    parts += _commands(root, "lcoins", 2)
    infer = typer.main.get_command(infer_app)
    parts += _command(infer, "lcoins bench infer", 2)
    return "\n".join(parts)


def _commands(command: Any, name: str, level: int) -> list[str]:
    inner = getattr(command, "commands", {})
    parts = [] if name == "lcoins" else _command(command, name, level)
    for key in inner:
        parts += _commands(inner[key], f"{name} {key}", 2)
    return parts


def _command(command: Any, name: str, level: int) -> list[str]:
    help_text = re.sub(r"\n(?!\n)", " ", as_links((command.help or "").strip()))
    parts = [f"{'#' * level} {name}\n", help_text + "\n"]
    rows = []
    for one in command.params:
        if one.name == "help":
            continue
        shown = getattr(one, "help", "") or ""
        names = ", ".join(f"`{option}`" for option in [*one.opts, *one.secondary_opts])
        names = names if one.param_type_name == "option" else f"`{one.metavar or one.name}`"
        default = "" if one.default in (None, False, ()) or callable(one.default) else f"`{one.default}`"
        rows.append(f"| {names} | {default} | {shown.replace('|', chr(92) + '|')} |")
    if rows:
        parts += ["| option | default | meaning |\n| --- | --- | --- |\n" + "\n".join(rows) + "\n"]
    return parts
