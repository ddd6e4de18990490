"""Checks the built site: links and anchors lead somewhere, and no page fetches from another server.

Nor does a page show the sign of a snippet where a file should stand. MkDocs checks the links that are written in
Markdown; here is what came of them, generated pages included.
"""

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

FETCHED = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}
RAW_SNIPPET = re.compile(r"^[ \t]*--8\b.*", flags=re.MULTILINE)  # also as a formatter writes it, "--8 < --"
WITHIN_A_LINE = ("a", "b", "code", "em", "i", "span", "strong")
NOT_FETCHED = ("canonical", "alternate", "next", "prev", "license")  # rel of a <link> that a browser does not load


class PageLinks(HTMLParser):
    """What a page points to, what it fetches, the anchors that it has, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.text: list[str] = []

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in WITHIN_A_LINE:
            self.text.append("\n")
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        address = values.get(FETCHED.get(tag, ""), "")
        if address and not (tag == "link" and values.get("rel") in NOT_FETCHED):
            self.fetched.append(address)


def problems(site: Path) -> list[str]:
    """One line for each dead link, missing anchor, address that would be fetched from elsewhere, and raw snippet."""
    pages = {}
    for file in sorted(site.rglob("*.html")):
        pages[file] = PageLinks()
        pages[file].feed(file.read_text(encoding="utf-8"))
    found = []
    for file, page in pages.items():
        if file.name == "404.html":
            continue  # served at any address
        name = file.relative_to(site)
        found += [
            f"{name}: shows {line.strip()!r} in place of a file; write the sign as --8<-- in the page"
            for line in RAW_SNIPPET.findall("".join(page.text))
        ]
        for address in page.links + page.fetched:
            found += [f"{name}: {problem}" for problem in _problem(address, file, pages, address in page.fetched)]
    for file in sorted(site.rglob("*.css")):
        outside = re.findall(r"(?:url\(|@import)\s*[\"']?(https?:[^\"')\s]+)", file.read_text(encoding="utf-8"))
        found += [f"{file.relative_to(site)}: fetches {address}" for address in outside]
    return found


def _problem(address: str, file: Path, pages: dict[Path, PageLinks], is_fetched: bool) -> list[str]:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https") or parts.netloc:
        return [f"fetches {address}"] if is_fetched else []
    if parts.scheme:
        return []
    target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
    if not target.exists():
        return [f"{address} leads nowhere"]
    anchor = unquote(parts.fragment)
    if anchor and target in pages and anchor not in pages[target].anchors:
        return [f"{address}: {target.name} has no such anchor"]
    return []


if __name__ == "__main__":
    lines = problems(Path(sys.argv[1]).resolve())
    print("\n".join(lines) if lines else "every link leads somewhere; nothing is fetched from elsewhere")
    sys.exit(bool(lines))
