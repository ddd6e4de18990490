"""What MkDocs calls while it builds the site: generated pages join the written ones, and tables take their places."""

import logging
from pathlib import Path
from typing import Any

from code_pages import command_page, room_page, rooms
from config_reference import GROUPS, Reference
from mathml import fence
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebook_pages import notebook_pages
from repository_links import for_site
from result_tables import with_tables

log = logging.getLogger("mkdocs.hooks.lcoins")
CONFIGURATION = [*GROUPS, "commands"]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Gives equations their fence, and puts the generated pages into the navigation."""
    fences = {"name": "math", "class": "math", "format": fence}
    config.mdx_configs.setdefault("pymdownx.superfences", {})["custom_fences"] = [fences]
    generated = {
        "reference/configuration": [{group: f"reference/configuration/{group}.md"} for group in CONFIGURATION],
        "reference/python": [{room: f"reference/python/{_slug(room)}.md"} for room in rooms()],
    }
    config.nav = _filled(config.nav, generated)
    return config


def _filled(nav: Any, generated: dict[str, list[dict[str, str]]]) -> Any:
    if isinstance(nav, list):
        return [_filled(item, generated) for item in nav]
    if isinstance(nav, dict):
        return {title: _filled(item, generated) for title, item in nav.items()}
    return generated.get(nav, nav)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages of the reference and those of the notebooks."""
    reference = Reference()
    for key in reference.unexplained():
        log.warning(f"conf/{key} has no meaning: write a comment beside it")
    pages = {f"reference/configuration/{group}.md": reference.page(group) for group in CONFIGURATION}
    pages |= {f"reference/python/{_slug(room)}.md": room_page(room, modules) for room, modules in rooms().items()}
    pages["reference/commands.md"] = command_page()
    for name, content in pages.items():
        files.append(File.generated(config, name, content=content))
    for name, body in notebook_pages(Path(config.docs_dir) / "notebooks").items():
        files.append(File.generated(config, f"notebooks/{name}", content=body))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Shows measured tables where a page asks for them, and leads links of written pages to generated ones."""
    written = (Path(config.docs_dir) / page.file.src_uri).is_file()  # generated pages link inside the site already
    return with_tables(for_site(markdown, page.file.src_uri, GROUPS) if written else markdown)


def _slug(room: str) -> str:
    return room.replace(" ", "-")
