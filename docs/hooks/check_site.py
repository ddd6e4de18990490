"""Checks the built site: every link and anchor leads somewhere, and no page asks another server for anything.

MkDocs checks the links that are written in Markdown; here is what came of them, generated pages included.
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
NOT_FETCHED = ("canonical", "alternate", "next", "prev", "license")  # rel of a <link> that a browser does not load


class PageLinks(HTMLParser):
    """What a page points to, what it fetches, and the anchors that it has."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        address = values.get(FETCHED.get(tag, ""), "")
        if address and not (tag == "link" and values.get("rel") in NOT_FETCHED):
            self.fetched.append(address)


def problems(site: Path) -> list[str]:
    """One line for each dead link, missing anchor and address that would be fetched from elsewhere."""
    pages = {}
    for file in sorted(site.rglob("*.html")):
        pages[file] = PageLinks()
        pages[file].feed(file.read_text(encoding="utf-8"))
    found = []
    for file, page in pages.items():
        if file.name == "404.html":
            continue  # served at any address
        name = file.relative_to(site)
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
