"""Notebooks as pages: each is run, once for each of its versions, and its cells and what they gave are shown."""

import base64
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

CACHE = Path(__file__).parents[2] / ".cache" / "notebooks"
SECONDS = 300  # after which a cell is given up


def notebook_pages(folder: Path) -> dict[str, str | bytes]:
    """Pages and pictures of all notebooks of a folder, by file name.

    A cell that raises ends the build with its error.
    """
    pages: dict[str, str | bytes] = {}
    for file in sorted(folder.glob("*.ipynb")):
        pages |= _page(file.stem, executed(file))
    return pages


def executed(file: Path) -> dict[str, Any]:
    """The notebook with what its cells gave, run in a folder of its own, or kept from an earlier build."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    kept = CACHE / f"{file.stem}-{digest}.ipynb"
    if not kept.is_file():
        run(file, kept)
    return json.loads(kept.read_text(encoding="utf-8"))


def run(file: Path, kept: Path) -> None:
    """Runs a notebook in an empty folder and writes it with its outputs to ``kept``."""
    import nbformat
    from nbclient import NotebookClient
    from traitlets.config import Config

    notebook = nbformat.read(file, as_version=4)
    private = Config({"KernelManager": {"transport_encryption": "auto"}})  # nobody else on this machine can listen
    with tempfile.TemporaryDirectory() as folder:
        place = {"metadata": {"path": folder}}
        NotebookClient(notebook, config=private, timeout=SECONDS, startup_timeout=SECONDS, resources=place).execute()
    kept.parent.mkdir(parents=True, exist_ok=True)
    part = kept.with_suffix(".part")
    nbformat.write(notebook, part)
    part.replace(kept)


def _page(name: str, notebook: dict[str, Any]) -> dict[str, str | bytes]:
    parts, pictures = [], {}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data:
                picture = f"{name}_{len(pictures)}.png"
                pictures[picture] = base64.b64decode("".join(data["image/png"]))
                parts.append(f"![what the cell shows]({picture})")
            elif text := "".join(output.get("text", data.get("text/plain", ""))).rstrip():
                parts.append(f"```\n{text}\n```")
    parts.append(f"[The notebook itself]({name}.ipynb) runs in Jupyter.")
    return {f"{name}.md": "\n\n".join(parts) + "\n", **pictures}
