"""Docstrings as Markdown: their roles, :class:`path`, become links of mkdocstrings, and their examples code."""

import re

ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?([\w.]+)`")
EXAMPLE = re.compile(r"^>>> .*\n?(?:^.+\n?)*", flags=re.MULTILINE)


def as_links(text: str) -> str:
    """A text whose roles are links to the reference; what has no entry there stays plain code.

    That are names without a whole path, private names, constants, and ``lcoins.load_colorizer``.
    """
    return ROLE.sub(lambda found: _link(found[1]), text)


def _link(path: str) -> str:
    name = path.rpartition(".")[2]
    has_entry = path.startswith("lcoins.") and path.count(".") > 1 and "._" not in path and not name.isupper()
    return f"[`{name}`][{path}]" if has_entry else f"`{name}`"


def as_code(text: str) -> str:
    """A text whose examples are fenced, since brackets in them would be read as links."""
    return EXAMPLE.sub(lambda found: f"```pycon\n{found[0].rstrip()}\n```\n", text)
