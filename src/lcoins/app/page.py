"""The layout of the page, and the calls of the studio that its events lead to."""

import logging
from collections.abc import Callable
from functools import wraps
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from lcoins.app.regions import Region
from lcoins.app.studio import MAX_LETTERS, MAX_SENTENCES, THUMBNAIL_SIDE, InputError, Session, Studio
from lcoins.color.reading import read_sentence
from lcoins.color.words import BASIC_COLORS
from lcoins.colorize.understood import remarks
from lcoins.evaluation.contact_sheet import word_rgb

EXAMPLES = (
    "a woman in a red coat beside a blue car",
    "a brown dog on green grass under a blue sky",
    "a white house with a red roof",
)
COMPARE, WORDS, GROUPS = "Before and after", "Word map", "Group map"
MASK_OPACITY = 0.6  # of a region's color over the photo, where the mask is 1
SESSION_SECONDS = 6 * 3600  # without an event, after which a photo's files are removed
HEAD = "<h1>Color a gray photo</h1><p>Describe in a sentence what has which color.</p><p class='model'>Model: {}</p>"
START = """
<div class="start"><ol><li>Choose a photo.</li><li>Write what has which color.</li>
<li>Compare, adjust and download.</li></ol>
<p>The photo stays on this machine and is removed when the server of this page stops.</p></div>
"""
SCROLL_TO_PICTURE = """() => { const picture = document.querySelector("#picture").getBoundingClientRect();
if (picture.top > 0.6 * innerHeight) scrollBy({ top: picture.top - 16, behavior: "smooth" }); }"""
START_DOWNLOAD = "() => setTimeout(() => document.querySelector('#ready a, a#ready, #ready').click(), 100)"
LOG = logging.getLogger(__name__)


class Page:
    """The page of one studio; launching ``blocks`` serves it."""

    def __init__(self, studio: Studio, title: str) -> None:
        self.studio = studio
        with gr.Blocks(
            title="Color a gray photo: lcoins", analytics_enabled=False, delete_cache=(3600, SESSION_SECONDS)
        ) as self.blocks:
            self.session = gr.State(None, time_to_live=SESSION_SECONDS, delete_callback=_close)
            gr.HTML(HEAD.format(escape(title)), elem_id="head")
            with gr.Row(elem_id="columns"):
                with gr.Column(scale=2, min_width=300):
                    self._controls()
                with gr.Column(scale=3, min_width=300, elem_id="picture"):
                    self._picture()
            self._events()
        self.blocks.queue(max_size=16, default_concurrency_limit=1)

    def _controls(self) -> None:
        self.file = gr.File(label="Photo", file_count="single", height=120, elem_id="photo")
        self.message = gr.HTML("", elem_id="message")
        self.text = gr.Textbox(
            label="Sentence",
            info=f"Each line (Shift + Enter) gives a picture of its own, {MAX_SENTENCES} at most.",
            placeholder=EXAMPLES[0],
            lines=1,
            max_lines=MAX_SENTENCES,
            max_length=MAX_SENTENCES * MAX_LETTERS,
            elem_id="sentence",
        )
        with gr.Row(elem_id="examples"):
            self.examples = [gr.Button(example, size="sm", variant="secondary") for example in EXAMPLES]
        self.go = gr.Button("Color it", variant="primary", elem_id="go")

    def _picture(self) -> None:
        self.start = gr.HTML(START)
        self.gray = gr.Image(label="Photo", interactive=False, visible=False, buttons=[], elem_id="gray")
        self.compare = gr.ImageSlider(
            label="Before and after",
            type="filepath",
            interactive=False,
            visible=False,
            buttons=["fullscreen"],
            max_height=640,
            elem_id="compare",
        )
        self.map = gr.AnnotatedImage(label="Map", visible=False, buttons=[], elem_id="map")
        self.note = gr.HTML("", visible=False, elem_id="note")
        self.view = gr.Radio([COMPARE, WORDS, GROUPS], value=COMPARE, show_label=False, visible=False, elem_id="view")
        self.words = gr.HTML("", elem_id="words")
        self.strength = gr.Slider(
            0, 1.5, value=1, step=0.05, label="Color strength", visible=False, buttons=[], elem_id="strength"
        )
        self.gallery = gr.Gallery(
            label="Variants",
            visible=False,
            interactive=False,
            allow_preview=False,
            columns=3,
            buttons=[],
            elem_id="variants",
            type="filepath",
        )
        self.save = gr.Button("Download at full size", visible=False, elem_id="save")
        self.ready = gr.DownloadButton("Download", visible="hidden", elem_id="ready")

    def _events(self) -> None:
        shown: Any = [
            self.session,
            self.message,
            self.start,
            self.gray,
            self.compare,
            self.map,
            self.note,
            self.view,
            self.words,
            self.gallery,
            self.save,
            self.strength,
        ]
        state: Any = [self.session, self.view, self.strength]
        # One event at a time, since the colorizer cannot color several photos at once.
        quiet: Any = {"api_visibility": "private", "show_progress": "hidden", "concurrency_id": "studio"}
        with_progress: Any = {
            **quiet,
            "show_progress": "full",
            "show_progress_on": [self.start, self.gray, self.compare, self.map],
        }
        self.file.upload(self._with_message(self._open), [self.file, *state], [*shown, self.file], **with_progress)
        self.file.clear(self._with_message(self._clear), state, shown, **quiet)
        for trigger in (self.go.click, self.text.submit):
            done = trigger(self._with_message(self._color), [self.text, *state], shown, **with_progress)
            done.success(None, None, None, js=SCROLL_TO_PICTURE, **quiet)
        self.view.input(self._with_message(self._show), state, shown, **with_progress)
        self.gallery.select(self._with_message(self._choose), state, shown, **with_progress)
        self.strength.input(self._with_message(self._show), state, shown, trigger_mode="always_last", **quiet)
        for button, example in zip(self.examples, EXAMPLES, strict=True):
            button.click(None, None, self.text, js=f"() => {example!r}", **quiet)
        saved = self.save.click(
            self._with_message(self._write_full_size),
            [self.session, self.strength],
            [self.ready, self.message],
            **with_progress,
        )
        saved.success(None, None, None, js=START_DOWNLOAD, **quiet)

    def _with_message(self, handler: Callable[..., dict[Any, Any]]) -> Callable[..., dict[Any, Any]]:
        """Makes the errors of a handler appear as a message on the page."""

        @wraps(handler)  # keeps the parameters, which Gradio inspects
        def handle(*values: Any) -> dict[Any, Any]:
            try:
                return {self.message: "", **handler(*values)}
            except InputError as error:
                text = str(error)
            except Exception:
                LOG.exception("an event of the page failed")
                text = "Something went wrong in lcoins. The terminal in which it was started shows the error."
            message: dict[Any, Any] = {self.message: f'<p role="alert">{escape(text)}</p>'}
            return message | ({self.file: None} if handler == self._open else {})

        return handle

    def _open(self, file: str | None, session: Session | None, view: str, strength: float) -> dict[Any, Any]:
        opened = self.studio.open(Path(file) if file else None)
        _close(session)
        return self._show(opened, view, strength)

    def _clear(self, session: Session | None, view: str, strength: float) -> dict[Any, Any]:
        _close(session)
        return self._show(None, view, strength)

    def _color(self, text: str, session: Session | None, view: str, strength: float) -> dict[Any, Any]:
        self.studio.color(session, text)
        return self._show(session, view, strength)

    def _choose(self, session: Session | None, view: str, strength: float, event: gr.SelectData) -> dict[Any, Any]:
        if session is not None and isinstance(event.index, int) and 0 <= event.index < len(session.variants):
            session.chosen = event.index
        return self._show(session, view, strength)

    def _write_full_size(self, session: Session | None, strength: float) -> dict[Any, Any]:
        return {self.ready: str(self.studio.write_full_size(session, strength))}

    def _show(self, session: Session | None, view: str, strength: float) -> dict[Any, Any]:
        """Updates every part of the page to a session."""
        variant = session.variant if session else None
        update: dict[Any, Any] = {
            self.session: session,
            self.start: gr.update(visible=session is None),
            self.gray: gr.update(visible=False),
            self.compare: gr.update(visible=False),
            self.map: gr.update(visible=False),
            self.note: gr.update(visible=False),
            self.words: "",
            self.gallery: gr.update(visible=False),
            **{part: gr.update(visible=variant is not None) for part in (self.view, self.save, self.strength)},
        }
        if session is None:
            return update
        gray = str(session.gray)
        if variant is None:
            return update | {self.gray: gr.update(value=gray, visible=True)}
        update[self.words] = words_line(variant.sentence, [word.word for word in variant.words_without_effect()])
        if len(session.variants) > 1:
            thumbnails = [
                (str(self.studio.preview(session, one, strength, THUMBNAIL_SIDE)), one.sentence)
                for one in session.variants
            ]
            update[self.gallery] = gr.update(value=thumbnails, visible=True, selected_index=session.chosen)
        if view == COMPARE:
            pair = (gray, str(self.studio.preview(session, variant, strength)))
            return update | {self.compare: gr.update(value=pair, visible=True)}
        regions_of = self.studio.word_map if view == WORDS else self.studio.group_map
        regions, note = regions_of(session, variant)
        if regions:
            update[self.map] = gr.AnnotatedImage(
                value=(
                    self.studio.map_background(session),
                    [(region.mask * MASK_OPACITY, region.name) for region in regions],
                ),
                color_map={region.name: hex_of(region) for region in regions},
                visible=True,
            )
        else:
            update[self.gray] = gr.update(value=gray, visible=True)
        update[self.note] = gr.update(value=f"<p>{escape(note)}</p>", visible=bool(note))
        return update


def hex_of(region: Region) -> str:
    """The color of a region as CSS writes it, such as "#c82020"."""
    return "#" + "".join(f"{value:02x}" for value in region.color)


def words_line(sentence: str, without_effect: list[str]) -> str:
    """The color words of a sentence, and remarks on those without effect and on what was left alone, as HTML."""
    words = read_sentence(sentence).colors
    said = "".join(f"<p>{escape(line)}.</p>".replace("?.", "?") for line in remarks(sentence))
    if not words:
        known = ", ".join(BASIC_COLORS)
        guesses = f"No color word was found in the sentence, so the colors are guesses. Words that work: {known}."
        return f"<p>{guesses}</p>{said}"
    chips = "".join(f'<li><i style="background:rgb{word_rgb(word.lab)}"></i>{escape(word.word)}</li>' for word in words)
    lines = [f"<ul><li>Color words:</li>{chips}</ul>"]
    for word in dict.fromkeys(without_effect):
        lines.append(f"<p>“{escape(word)}” has no effect: another color would give nearly the same picture.</p>")
    return "".join(lines) + said


def _close(session: Session | None) -> None:
    if session is not None:
        session.close()
