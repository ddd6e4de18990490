"""The page: handlers that open or refuse files and show errors as messages."""

import asyncio
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from drawn_photos import FakeColorizer, drawn_photo
from hostile_files import KINDS, hostile
from torch import Tensor

from lcoins.app.studio import Session, Studio
from lcoins.models.colorizer import Colorization

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs Gradio: pip install 'lcoins[demo]'")

SENTENCE = "a red star beside a blue moon"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    drawn_photo(60, 40).convert("L").save(tmp_path / "grandmother.jpg")
    return tmp_path / "grandmother.jpg"


def built(studio: Studio) -> Any:
    """The page of a studio; without a running event loop Gradio would make one and leave it open."""
    from lcoins.app.page import Page

    async def build() -> Page:
        return Page(studio, "fake")

    return asyncio.run(build())


@pytest.fixture(scope="module")
def open_handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page's own handler of an upload: path -> (session or None, message)."""
    from lcoins.app.page import COMPARE

    page = built(Studio(FakeColorizer(), tmp_path_factory.mktemp("own"), max_pixels=60_000_000))
    handle = page._with_message(page._open)

    def opened(path: Path) -> tuple[Session | None, str]:
        update = handle(str(path), None, COMPARE, 1.0)
        return update.get(page.session), update[page.message]

    yield opened


@pytest.mark.filterwarnings("ignore")  # as in a running server, where a warning stops nothing
@pytest.mark.parametrize("seed", range(12 * len(KINDS)))
def test_hostile_files_are_opened_or_refused_in_words(open_handler: Any, tmp_path: Path, seed: int) -> None:
    name, data = hostile(seed)
    (tmp_path / name).write_bytes(data)
    start = time.monotonic()
    session, message = open_handler(tmp_path / name)
    assert time.monotonic() - start < 20
    assert (session is None) == bool(message)
    for never in ("Traceback", "went wrong", str(tmp_path), "0x", "Error"):
        assert never not in message


def test_an_error_in_lcoins_is_logged_and_shown_without_a_traceback(
    tmp_path: Path, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from lcoins.app.page import COMPARE

    class Broken(FakeColorizer):
        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            raise RuntimeError("out of memory")

    page = built(Studio(Broken(), tmp_path, max_pixels=10**6))
    session = page.studio.open(photo)
    update = page._with_message(page._color)(SENTENCE, session, COMPARE, 1.0)
    assert "went wrong" in update[page.message] and "memory" not in update[page.message]
    assert "out of memory" in caplog.text


def test_words_are_escaped() -> None:
    from lcoins.app.page import words_line

    assert "Words that work: black" in words_line("a star", [])
    line = words_line("a <b>red</b> star", ["red"])
    assert "“red” has no effect" in line and "<b>" not in line
