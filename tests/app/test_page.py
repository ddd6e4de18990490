"""The page: handlers that open or refuse files and show errors as messages."""

import asyncio
import errno
import json
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterator
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
import torch
from drawn_photos import FakeColorizer, drawn_photo
from hostile_files import KINDS, hostile
from torch import Tensor

from lcoins.app.sessions import Session, Sessions
from lcoins.app.studio import MAX_VARIANTS, Studio
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
        return Page(studio, "fake", Sessions(studio.folder, 10**9))

    return asyncio.run(build())


def after(events: AsyncIterator[dict[Any, Any]]) -> dict[Any, Any]:
    """All that an event does to the page until its end."""

    async def all_of_them() -> dict[Any, Any]:
        update: dict[Any, Any] = {}
        async for change in events:
            update |= change
        return update

    return asyncio.run(all_of_them())


def upload(page: Any, path: Path, token: str = "", tab: str = "tab") -> AsyncIterator[dict[Any, Any]]:
    from lcoins.app.layout import COMPARE

    return page._open(str(path), token, COMPARE, 1.0, SimpleNamespace(session_hash=tab))


@pytest.fixture(scope="module")
def open_handler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The page's own handler of an upload: path -> (session or None, message)."""
    page = built(Studio(FakeColorizer(), tmp_path_factory.mktemp("own"), max_pixels=60_000_000))

    def opened(path: Path) -> tuple[Session | None, str]:
        update = after(upload(page, path))
        assert update[page.file] is None  # the field takes the next photo
        return page.sessions.get(update.get(page.token, "")), update[page.message]

    yield opened
    page.close()
    assert list(page.studio.folder.iterdir()) == []


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
    from lcoins.app.layout import COMPARE

    class Broken(FakeColorizer):
        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            raise RuntimeError("out of memory")

    page = built(Studio(Broken(), tmp_path, max_pixels=10**6))
    token = after(upload(page, photo))[page.token]
    update = after(page._queued(page._color, "color")(SENTENCE, token, COMPARE, 1.0))
    assert "went wrong" in update[page.message] and "memory" not in update[page.message]
    assert "out of memory" in caplog.text
    page.close()


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Any]:
    (tmp_path / "own").mkdir()
    made = built(Studio(FakeColorizer(), tmp_path / "own", max_pixels=10**6))
    yield made
    made.close()
    assert list(made.studio.folder.iterdir()) == []


def test_a_reload_finds_photo_variants_view_and_strength(page: Any, photo: Path) -> None:
    import gradio as gr

    from lcoins.app.layout import COMPARE, WORDS

    token = after(upload(page, photo))[page.token]
    after(page._queued(page._color, "color")("a red star\na blue star", token, COMPARE, 1.0))
    after(page._queued(page._show)(token, WORDS, 0.5))
    update = after(page._restore(token))
    assert update[page.strength]["value"] == 0.5 and update[page.view]["value"] == WORDS
    assert [label for _, label in update[page.gallery]["value"]] == ["a red star", "a blue star"]
    assert "grandmother.jpg" in update[page.name]
    update = after(page._restore("a token of another server"))
    assert list(update) == [page.message] and "no longer on the server" in update[page.message]
    assert after(page._restore("")) == {page.message: gr.skip()}  # people may have begun before the answer comes
    page._remove(token, COMPARE, 1.0)
    assert list(after(page._restore(token))) == [page.message]


def test_a_second_photo_takes_the_place_of_the_first(page: Any, photo: Path, tmp_path: Path) -> None:
    drawn_photo(30, 20).save(tmp_path / "second.jpg")
    first = after(upload(page, photo))[page.token]
    folder = page.sessions.get(first).folder
    second = after(upload(page, tmp_path / "second.jpg", first))[page.token]
    assert page.sessions.get(first) is None and not folder.exists()
    assert page.sessions.get(second).photo.name == "second.jpg"
    (tmp_path / "none.jpg").write_bytes(b"no photo")
    assert "not a photo" in after(upload(page, tmp_path / "none.jpg", second))[page.message]
    assert page.sessions.get(second) is not None


def test_of_two_photos_at_once_the_later_one_stays(page: Any, photo: Path, tmp_path: Path) -> None:
    """Also where the first is large and takes longer to read."""
    drawn_photo(30, 20).save(tmp_path / "second.jpg")
    release, read = threading.Event(), page.studio.open

    def slow_open(path: Path, folder: Path) -> Session:
        if path.name == photo.name:
            release.wait(20)
        return read(path, folder)

    async def both() -> list[dict[Any, Any]]:
        with patch.object(Studio, "open", lambda _, path, folder: slow_open(path, folder)):
            page._line = lambda _: page.large_photos if not started else page.line
            started: list[Any] = []
            first = asyncio.create_task(collected(upload(page, photo)))
            while not page.large_photos._places:
                await asyncio.sleep(0.01)
            started.append(first)
            second = await collected(upload(page, tmp_path / "second.jpg"))
            release.set()
            return [await first, second]

    async def collected(events: AsyncIterator[dict[Any, Any]]) -> dict[Any, Any]:
        update: dict[Any, Any] = {}
        async for change in events:
            update |= change
        return update

    first, second = asyncio.run(both())
    assert page.token not in first and page.sessions.get(second[page.token]).photo.name == "second.jpg"


def test_a_photo_removed_while_it_is_colored_is_gone_without_a_word(
    tmp_path: Path, photo: Path, caplog: pytest.LogCaptureFixture
) -> None:
    from lcoins.app.layout import COMPARE

    class Removing(FakeColorizer):
        def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
            page._remove(token, COMPARE, 1.0)
            return super().colorize(lightness, captions)

    (tmp_path / "own").mkdir()
    page = built(Studio(Removing(), tmp_path / "own", max_pixels=10**6))
    token = after(upload(page, photo))[page.token]
    update = after(page._queued(page._color, "color")("a red star", token, COMPARE, 1.0))
    assert page.compare not in update and not isinstance(update[page.message], str)
    assert not caplog.records and list((tmp_path / "own").iterdir()) == []
    page.close()


def test_a_thirteenth_variant_says_what_went(page: Any, photo: Path) -> None:
    from lcoins.app.layout import COMPARE

    token = after(upload(page, photo))[page.token]
    for number in range(MAX_VARIANTS):
        update = after(page._queued(page._color, "color")(f"a red star {number}", token, COMPARE, 1.0))
        assert update[page.message] == ""
    update = after(page._queued(page._color, "color")("a blue star", token, COMPARE, 1.0))
    assert "12 pictures are kept" in update[page.message] and "“a red star 0”" in update[page.message]


def test_hints_override_the_sentence_and_survive_another_one(page: Any, photo: Path) -> None:
    from lcoins.app.layout import COMPARE, HAND

    token = after(upload(page, photo))[page.token]
    after(page._queued(page._color, "color")("a red star", token, COMPARE, 1.0))
    session = page.sessions.get(token)
    red = session.variant.colors.offset
    sent = json.dumps({"hints": [{"points": [[0.2, 0.5], [0.8, 0.5]], "color": "blue"}]})
    update = after(page._change(sent, "a red star", token, HAND, 1.0))
    assert "<b>blue</b> along a line from 20% from the left" in update[page.hints]["value"]
    assert "polyline points=" in update[page.hand]["value"] and '"color": "blue"' in unescape(update[page.name])
    assert session.variant.colors.offset[0, 1].mean() < red[0, 1].mean()
    after(page._queued(page._color, "color")("a green star", token, HAND, 1.0))
    assert len(session.variants) == 2 and session.variant.hints == session.hints != ()
    update = after(page._change('{"hints": []}', "", token, HAND, 1.0))
    assert "<ol" not in update[page.hints]["value"]
    after(page._change('{"text": "a red star", "strength": 0.5}', "", token, COMPARE, 1.0))
    assert torch.equal(page.studio.chosen(session).colors.offset, red) and session.strength == 0.5


def test_a_color_word_is_exchanged_where_it_stands(page: Any, photo: Path) -> None:
    from lcoins.app.layout import COMPARE

    token = after(upload(page, photo))[page.token]
    text = "a blue  star\na red star"
    after(page._queued(page._color, "color")(text, token, COMPARE, 1.0))
    sent = '{"word": {"sentence": "a red star", "index": 0, "color": "orange"}}'
    update = after(page._change(sent, text, token, COMPARE, 1.0))
    assert update[page.sent] == "a blue  star\nan orange star"
    assert "orange: choose another color" in update[page.words]
    assert page.sessions.get(token).variant.sentence == "an orange star"
    update = after(page._change(sent, "something else", token, COMPARE, 1.0))
    assert update[page.sent] == "an orange star"


def test_a_change_without_a_photo_or_sense_is_answered(page: Any, photo: Path) -> None:
    from lcoins.app.layout import COMPARE

    update = after(page._change('{"text": "a red star", "strength": 0.5}', "", "", COMPARE, 1.0))
    assert (update[page.sent], update[page.strength]) == ("a red star", 0.5)
    assert "Choose a photo" in update[page.message]
    assert "Choose a photo first" in after(page._change('{"hints": []}', "", "", COMPARE, 1.0))[page.message]
    token = after(upload(page, photo))[page.token]
    for sent in ("", '{"word": {"sentence": "a star", "index": 0, "color": "red"}}'):
        assert "do not fit together" in after(page._change(sent, "", token, COMPARE, 1.0))[page.message]


def test_a_suggestion_joins_what_is_written(tmp_path: Path, photo: Path) -> None:
    from lcoins.app.studio import MAX_SENTENCES

    said = iter(("a star beside a moon", "a star beside a moon", "", "a moon"))
    page = built(Studio(FakeColorizer(), tmp_path, 10**6, captioner=lambda lightness: next(said)))  # type: ignore[arg-type]
    token = after(upload(page, photo))[page.token]
    asked = page._queued(page._suggest, "suggest")
    update = after(asked("a red star\n", token))
    assert update[page.text] == "a red star\na star beside a moon" and "Name the colors" in update[page.message]
    assert after(asked("a star beside a moon", token))[page.text] == "a star beside a moon"
    assert "says nothing" in after(asked("", token))[page.message]
    assert "remove one" in after(asked("\n".join("abcdef"[:MAX_SENTENCES]), token))[page.message]
    assert "Choose a photo" in after(asked("", ""))[page.message]
    assert next(said) == "a moon"  # nobody asked in vain
    page.close()


def test_without_a_captioner_there_is_no_button(page: Any) -> None:
    assert not page.suggest.visible


def test_several_photos_leave_a_zip_alone(page: Any, photo: Path) -> None:
    (page.studio.folder / "checksum").mkdir()
    sent = page.studio.folder / "checksum" / "a.jpg"
    shutil.copy(photo, sent)
    update = after(page._color_several([str(sent)], " ", 1.0))
    assert "Write a sentence" in update[page.said] and sent.exists() and not update[page.zip]["visible"]
    update = after(page._color_several([str(sent)], "a red star", 1.0))
    assert "1 photo is in color." in update[page.said] and update[page.photos] is None
    made = Path(update[page.zip]["value"])
    assert [path for path in page.studio.folder.rglob("*") if path.is_file()] == [made]
    shutil.rmtree(made.parent)


def test_words_and_names_are_escaped(tmp_path: Path) -> None:
    from lcoins.app.html import photo_line, words_line

    assert "Words that work: black" in words_line("a star", [])
    line = words_line("a <b>red</b> star", ["red"])
    assert "“red” has no effect" in line and "<b>" not in line
    (tmp_path / "own").mkdir()
    drawn_photo(30, 20).save(tmp_path / '<i>"a.jpg')
    line = photo_line(Studio(FakeColorizer(), tmp_path / "own", max_pixels=10**6).open(tmp_path / '<i>"a.jpg'))
    assert "<i>" not in line and "30 × 20 pixels" in line  # noqa: RUF001


def test_a_full_disk_is_said(page: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    said = page.failure(OSError(errno.ENOSPC, "No space left on device"))[page.message]
    assert "disk of the server is full" in said
