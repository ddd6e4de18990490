"""The events of the page, and the calls of the studio that they lead to."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from lcoins.app.changes import Change, read_change, reworded, with_line
from lcoins.app.html import alert, notice, several_line
from lcoins.app.labels import labels
from lcoins.app.layout import COMPARE, EXAMPLES
from lcoins.app.line import Line, Wait
from lcoins.app.sessions import Gone, Session, Sessions, remove_photo
from lcoins.app.several import Several
from lcoins.app.shown import Shown
from lcoins.app.studio import MAX_VARIANTS, InputError, Studio

PEOPLE = 200  # events that may wait at once
LARGE = 8.0  # megapixels from which a photo is read and written beside the others' previews
# Seconds at first: for a megapixel, a sentence, a suggestion, a view.
PACE = {"read": 0.15, "write": 0.7, "color": 2.0, "suggest": 3.0, "show": 0.4}
NO_LONGER = "The photo is no longer on the server. Choose it again."
# What the browser has kept of a page that is loaded again, where nothing newer is there; the page's events may come
# before page.js has run. The server has no part in it: its answer may be late, and by then people have begun.
RESTORE = """(token, text) => { document.body.dataset.restored = "yes";
const kept = (name) => { try { return sessionStorage.getItem(name) || ""; } catch { return ""; } };
return [token || kept("lcoins-photo"), text || kept("lcoins-sentence")]; }"""
KEEP_TOKEN, KEEP_TEXT = (f"(value) => window.lcoins?.{name}(value)" for name in ("keepToken", "keepText"))
AFTER_COLORING, AFTER_OPENING, AFTER_REMOVAL, DOWNLOAD = (
    f"() => window.lcoins?.{name}()" for name in ("showPicture", "focusSentence", "focusPhoto", "download")
)
TAKE_CHANGE = "(_, text, ...rest) => [window.lcoins.takeChange(text), text, ...rest]"
AFTER_CHANGE = "(given, text) => window.lcoins.afterChange(given, text)"
Handler = Callable[..., dict[Any, Any]]


class Page(Shown):
    """The page of one studio; launching ``blocks`` serves it."""

    def __init__(self, studio: Studio, title: str, sessions: Sessions) -> None:
        self.studio, self.sessions = studio, sessions
        # The colorizer colors one photo at a time; large photos take long, and wait for each other only.
        self.line, self.large_photos = Line(PACE), Line(PACE)
        self.newest: dict[str, str] = {}  # the last upload of each open page that is still on its way
        with gr.Blocks(title="Color a gray photo: lcoins", analytics_enabled=False) as self.blocks:
            self.build(title, suggests=studio.captioner is not None)
            self._events()
        self.blocks.queue(max_size=PEOPLE, default_concurrency_limit=None)

    def close(self) -> None:
        """Removes all photos, and waits for the work that is under way."""
        self.sessions.close_all()
        self.large_photos.close()
        self.line.close()

    def _events(self) -> None:
        shown: Any = [
            *(self.message, self.start, self.chosen, self.name, self.gray, self.compare, self.map, self.note),
            *(self.view, self.words, self.gallery, self.save, self.strength, self.hand, self.hints),
        ]
        state: Any = [self.token, self.view, self.strength]
        quiet: Any = {"api_visibility": "private", "show_progress": "hidden"}
        with_progress: Any = {
            **quiet,
            "show_progress": "full",
            "show_progress_on": [self.start, self.gray, self.compare, self.map, self.hand],
        }
        keep_token: Any = {"fn": None, "inputs": [self.token], "outputs": None, "js": KEEP_TOKEN, **quiet}

        def then(event: Any, script: str) -> None:
            event.success(None, None, None, js=script, **quiet)

        # trigger_mode, so that a second photo counts while the first is still being read.
        opened = self.file.upload(
            self._open, [self.file, *state], [*shown, self.token, self.file], trigger_mode="multiple", **with_progress
        )
        opened.success(**keep_token)
        then(opened, AFTER_OPENING)
        removed = self.remove.click(self._remove, state, [*shown, self.token], **quiet)
        removed.success(**keep_token)
        then(removed, AFTER_REMOVAL)
        restored = self.blocks.load(None, [self.token, self.text], [self.token, self.text], js=RESTORE, **quiet)
        restored.success(self._restore, self.token, shown, **quiet)
        self.text.change(None, self.text, None, js=KEEP_TEXT, **quiet)
        for trigger in (self.go.click, self.text.submit):
            then(
                trigger(self._queued(self._color, "color"), [self.text, *state], shown, **with_progress),
                AFTER_COLORING,
            )
        changed = self.change.click(
            self._change,
            [self.sent, self.text, *state],
            [*shown, self.sent],
            js=TAKE_CHANGE,
            trigger_mode="multiple",
            **with_progress,
        )
        # Whatever came of it, so that the next one is sent.
        changed.then(None, [self.sent, self.text], self.text, js=AFTER_CHANGE, **quiet)
        self.suggest.click(
            self._queued(self._suggest, "suggest"), [self.text, self.token], [self.text, self.message], **with_progress
        )
        self.go_several.click(
            self._color_several,
            [self.photos, self.text, self.strength],
            [self.photos, self.said, self.zip, self.message],
            **quiet,
        )
        self.view.input(self._queued(self._show), state, shown, trigger_mode="always_last", **with_progress)
        self.gallery.select(self._choose, state, shown, **with_progress)
        self.strength.input(self._queued(self._show), state, shown, trigger_mode="always_last", **quiet)
        for button, example in zip(self.examples, EXAMPLES, strict=True):
            button.click(None, None, self.text, js=f"() => {example!r}", **quiet)
        then(
            self.save.click(
                self._write_full_size, [self.token, self.strength], [self.ready, self.message], **with_progress
            ),
            DOWNLOAD,
        )

    def _queued(self, handler: Handler, kind: str = "show") -> Callable[..., AsyncIterator[dict[Any, Any]]]:
        """Makes a handler wait for its turn."""

        async def handle(*values: Any) -> AsyncIterator[dict[Any, Any]]:
            amount = max(1, len(values[0].splitlines())) if kind == "color" else 1
            async for update in self._in_turn(self.line, partial(handler, *values), kind, amount):
                yield update

        return handle

    async def _in_turn(
        self, line: Line, work: Callable[[], dict[Any, Any]], kind: str, amount: float
    ) -> AsyncIterator[dict[Any, Any]]:
        """Waits in a line, with estimates as messages, and yields the updates that the work returns, or its error."""
        try:
            async for said in line.run(work, kind, amount):
                yield {self.message: notice(str(said))} if isinstance(said, Wait) else {self.message: "", **said}
        except Exception as error:
            yield self.failure(error)

    def _line(self, megapixels: float) -> Line:
        """Where a photo is read or written."""
        return self.large_photos if megapixels > LARGE else self.line

    async def _open(
        self, file: str, token: str, view: str, strength: float, request: gr.Request
    ) -> AsyncIterator[dict[Any, Any]]:
        yield {self.file: None}  # so that the field takes the next photo
        folder = self.studio.new_folder()
        tab, mine = request.session_hash or "", folder.name
        self.newest[tab] = mine

        def work() -> dict[Any, Any]:
            session = self.studio.open(photo, folder)
            session.upload = Path(file)
            if self.newest.get(tab) != mine:
                raise Gone
            self.sessions.close(token)
            return {self.token: self.sessions.add(session), **self.updated(session, view, strength)}

        try:
            photo, megapixels = await run_in_threadpool(self.studio.receive, Path(file), folder)
            async for update in self._in_turn(self._line(megapixels), work, "read", max(1, megapixels)):
                yield update
        except Exception as error:
            yield self.failure(error)
        finally:
            if self.newest.get(tab) == mine:
                del self.newest[tab]
            self.sessions.forget(folder, Path(file))

    def _remove(self, token: str, view: str, strength: float) -> dict[Any, Any]:
        """At once, whatever is being made of the photo."""
        self.sessions.close(token)
        return {self.token: "", self.message: "", **self.updated(None, view, strength)}

    async def _restore(self, token: str) -> AsyncIterator[dict[Any, Any]]:
        """Shows what was on a page before it was loaded again; nothing where there is no photo, or no longer."""
        session = self.sessions.get(token)
        if session is None:
            yield {self.message: alert(NO_LONGER) if token else gr.skip()}
            return
        view, strength = session.view or COMPARE, session.strength

        def work() -> dict[Any, Any]:
            with self.sessions.using(token) as session:
                if session is None:  # removed, or another photo was chosen meanwhile
                    return {}
                shown = self.updated(session, view, strength)
            shown[self.view] = gr.update(value=view, visible=bool(session.variant))
            shown[self.strength] = gr.update(value=strength, visible=bool(session.variant))
            return shown

        async for update in self._in_turn(self.line, work, "show", 1):
            yield update

    def _color(self, text: str, token: str, view: str, strength: float) -> dict[Any, Any]:
        with self._using(token) as session:
            gone = self.studio.color(session, text)
            update = self.updated(session, view, strength)
        if gone:
            names = ", ".join(f"“{label}”" for label in labels(gone))
            update[self.message] = notice(f"{MAX_VARIANTS} pictures are kept of a photo; the first went: {names}.")
        return update

    def _suggest(self, text: str, token: str) -> dict[Any, Any]:
        with self._using(token) as session:
            text = self.studio.suggested(session, text)
        return {self.text: text, self.message: notice("Name the colors: one before each thing. Then color it.")}

    async def _change(
        self, sent: str, text: str, token: str, view: str, strength: float
    ) -> AsyncIterator[dict[Any, Any]]:
        """Does what a person has changed beside the sentence's text, and gives the text that this makes of it."""
        yield {self.sent: ""}
        try:
            change = read_change(sent)
        except InputError as error:
            yield self.failure(error)
            return
        if change == Change():
            return
        asked = [*(change.text or "").splitlines(), *([""] if change.word else [])]
        work = partial(self._changed, change, text, token, view, strength)
        async for update in self._in_turn(self.line, work, "color" if asked else "show", max(1, len(asked))):
            yield update

    def _changed(self, change: Change, text: str, token: str, view: str, strength: float) -> dict[Any, Any]:
        strength = strength if change.strength is None else change.strength
        if self.sessions.get(token) is None and change.text is not None:  # for the photo that is still to come
            said = notice("The sentence is back. Choose a photo, then color it.")
            return {self.sent: change.text, self.strength: strength, self.message: said}
        with self._using(token) as session:
            after = None
            if change.hints is not None:
                session.hints = change.hints
            if change.word is not None:
                before, index, color = change.word
                after = reworded(before, index, color)
                self.studio.color(session, after)
            elif change.text is not None:
                before, after = session.variant.sentence if session.variant else "", change.text
                self.studio.color(session, after)
            update = self.updated(session, view, strength)
        update[self.strength] = gr.update(value=strength, visible=session.variant is not None)
        return update if after is None else update | {self.sent: with_line(text, before, after)}

    async def _color_several(
        self, files: list[str] | None, text: str, strength: float
    ) -> AsyncIterator[dict[Any, Any]]:
        """Colors photo by photo, each in its turn among those of others."""
        folder, uploads = self.studio.new_folder(), [Path(file) for file in files or []]
        yield {self.zip: gr.update(visible=False), self.said: "", self.message: ""}
        batch: Several | None = None
        try:
            batch = await run_in_threadpool(Several, self.studio, folder, uploads, text, strength)
            async for said in batch.run(self.line, lambda: self.sessions.reserve(0)):
                yield {self.said: notice(said)}
            made = await run_in_threadpool(batch.finish)
            download = gr.update(value=str(made) if made else None, visible=made is not None)
            yield {self.photos: None, self.said: several_line(batch.colored, batch.lines), self.zip: download}
        except Exception as error:
            yield {self.said: self.failure(error)[self.message]}
        finally:
            for upload in uploads if batch else []:
                remove_photo(folder, upload)
            batch.close() if batch else remove_photo(folder, None)

    async def _choose(
        self, token: str, view: str, strength: float, event: gr.SelectData
    ) -> AsyncIterator[dict[Any, Any]]:
        def work() -> dict[Any, Any]:
            with self._using(token) as session:
                if isinstance(event.index, int) and 0 <= event.index < len(session.variants):
                    session.chosen = event.index
                return self.updated(session, view, strength)

        async for update in self._in_turn(self.line, work, "show", 1):
            yield update

    async def _write_full_size(self, token: str, strength: float) -> AsyncIterator[dict[Any, Any]]:
        def work() -> dict[Any, Any]:
            with self._using(token) as session:
                return {self.ready: str(self.studio.write_full_size(session, strength))}

        yield {self.ready: None}  # so that nobody gets the picture before in its place
        session = self.sessions.get(token)
        megapixels = session.megapixels if session else 0
        async for update in self._in_turn(self._line(megapixels), work, "write", max(1, megapixels)):
            yield update

    def _show(self, token: str, view: str, strength: float) -> dict[Any, Any]:
        with self._using(token) as session:
            return self.updated(session, view, strength)

    @contextmanager
    def _using(self, token: str) -> Iterator[Session]:
        """The photo of a page, for work on it; raises InputError where there is none."""
        with self.sessions.using(token) as session:
            if session is None:
                raise InputError(NO_LONGER if token else "Choose a photo first.")
            yield session
