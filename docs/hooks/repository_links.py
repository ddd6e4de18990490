"""Links of pages that are read in the repository, too: there they lead to files, and on the site to generated pages."""

import posixpath
import re
from collections.abc import Collection

LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s#:]+)(#[^)\s]*)?\)")
LISTINGS = "docs/tutorials/own_system/"  # shown by the page itself, and no part of the site


def for_site(markdown: str, page: str, groups: Collection[str]) -> str:
    """A page of docs/ whose links to notebooks, code and configuration lead to what the site makes of them.

    Args:
        markdown: the page as it stands in the repository.
        page: its path below docs/, such as "tutorials/index.md".
        groups: the folders of conf/ that have a page.
    """
    folder = posixpath.dirname(page)

    def exchanged(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, found[2]))
        if target.startswith(LISTINGS):
            return found[1]
        made = _site_page(target, groups)
        return found[0] if made is None else f"[{found[1]}]({posixpath.relpath(made, folder or '.')})"

    return LINK.sub(exchanged, markdown)


def _site_page(target: str, groups: Collection[str]) -> str | None:
    """The generated page, below docs/, that the site has of a file or folder of the repository; None without one."""
    if target == "src/lcoins/cli/main.py":
        return "reference/commands.md"
    if notebook := re.fullmatch(r"docs/(notebooks/\w+)\.ipynb", target):
        return f"{notebook[1]}.md"
    if room := re.match(r"src/lcoins/(\w+)(?:/|$)", target):
        return f"reference/python/{room[1]}.md"
    if target == "conf":
        return "reference/configuration/commands.md"
    group = re.match(r"conf/(\w+)(?:/|$)", target)
    return f"reference/configuration/{group[1]}.md" if group and group[1] in groups else None
