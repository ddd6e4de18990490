"""Measured tables, each one file in docs/results/data: its rows, and how they came about.

A page shows one where it says ``<!-- table: NAME -->``. Values stay as they were written, 0.20 with its zero.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parents[1] / "results" / "data"
MARKER = re.compile(r"^<!-- table: ([\w-]+) -->$", flags=re.MULTILINE)
REQUIRED = {"title", "columns", "rows", "commands", "commit", "date", "data", "seed", "machine"}


def read_table(name: str, folder: Path = DATA) -> dict[str, Any]:
    """The table of that name; ValueError where it lacks a key, has an unknown one, or a row of another length."""
    file = folder / f"{name}.yaml"
    if not file.is_file():
        raise ValueError(f"expected {file.name} in docs/results/data, got no such file; check the marker's name")
    table = yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    missing, unknown = REQUIRED - table.keys(), table.keys() - REQUIRED - {"note"}
    if missing or unknown:
        raise ValueError(f"{file.name}: missing keys {sorted(missing)}, unknown keys {sorted(unknown)}")
    for row in table["rows"]:
        if len(row) != len(table["columns"]):
            raise ValueError(f"{file.name}: expected {len(table['columns'])} values in each row, got {row}")
    return table


def rows_as_markdown(table: Mapping[str, Any]) -> str:
    """The rows alone, as a Markdown table."""
    lines = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def as_markdown(table: Mapping[str, Any]) -> str:
    """The rows, and folded up below them the commands, commit, data, seed, machine and date."""
    facts = [f"- {key}: {table[key]}" for key in ("data", "seed", "commit", "date", "machine")]
    how = ["```bash", *(command.rstrip() for command in table["commands"]), "```", "", *facts]
    if "note" in table:
        how += ["", table["note"].strip()]
    indented = "\n".join(f"    {line}".rstrip() for line in "\n".join(how).splitlines())
    return f'**{table["title"]}**\n\n{rows_as_markdown(table)}\n\n??? info "How this was measured"\n\n{indented}\n'


def with_tables(markdown: str) -> str:
    """A page with each marker replaced by its table."""
    return MARKER.sub(lambda found: as_markdown(read_table(found[1])), markdown)
