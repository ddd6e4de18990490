"""A page in a browser, and a photo for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image
from served_page import WAIT, Served, serve
from shrunk import MODEL, checkpoint


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    path = checkpoint(folder, MODEL)
    server = serve(folder, "--checkpoint", str(path), "--max-megapixels", "1", "--max-megabytes", "1")
    yield server
    server.process.kill()
    server.process.communicate()


@pytest.fixture
def page(served: Served, chromium: Any) -> Iterator[Any]:
    """The page in a fresh browser; it must ask nobody else for anything, and have no fault of its own."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(WAIT)
    asked: list[str] = []
    faults: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.goto(served.address)
    opened.wait_for_selector("#go")
    yield opened
    context.close()
    assert [url for url in asked if not url.startswith((served.address, "data:", "blob:"))] == []
    assert faults == []


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A gray photo on its side, by its EXIF orientation upright at 120 x 160."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation], exif[ExifTags.Base.Artist] = 6, "Grandmother"
    ramp = np.tile(np.linspace(40, 210, 160).astype(np.uint8), (120, 1))
    Image.fromarray(ramp).save(tmp_path / "old.jpg", exif=exif)
    return tmp_path / "old.jpg"
