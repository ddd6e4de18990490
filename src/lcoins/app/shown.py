"""What the page shows of a photo: each of its parts, brought up to its session."""

import logging
from html import escape
from typing import Any

import gradio as gr

from lcoins.app.hand import hand_list, hand_picture
from lcoins.app.html import alert, hex_of, photo_line, words_line
from lcoins.app.labels import labels
from lcoins.app.layout import COMPARE, HAND, WORDS, Layout
from lcoins.app.sessions import Gone, Session
from lcoins.app.studio import THUMBNAIL_SIDE, InputError, Studio
from lcoins.files import stops_all

MASK_OPACITY = 0.6  # of a region's color over the photo, where the mask is 1
LOG = logging.getLogger(__name__)


class Shown(Layout):
    """The page's components, which show what a studio has made."""

    studio: Studio

    def failure(self, error: Exception) -> dict[Any, Any]:
        """What the page shows after an error."""
        if isinstance(error, Gone):  # what was made is not wanted any more, and nobody is to be told
            return {self.message: gr.skip()}
        if isinstance(error, InputError):
            return {self.message: alert(str(error))}
        if stops_all(error):
            LOG.error("%s", error)
            return {
                self.message: alert("The disk of the server is full. Free some space, or remove photos, then go on.")
            }
        LOG.error("an event of the page failed", exc_info=error)
        said = "Something went wrong in lcoins. The terminal in which it was started shows the error."
        return {self.message: alert(said)}

    def updated(self, session: Session | None, view: str, strength: float) -> dict[Any, Any]:
        """Updates every part of the page to a session, or to none."""
        variant = self.studio.chosen(session) if session else None
        if session is not None:
            session.view, session.strength = view, strength
        update: dict[Any, Any] = {
            self.start: gr.update(visible=session is None),
            self.chosen: gr.update(visible=session is not None),
            self.name: photo_line(session) if session else "",
            self.gray: gr.update(visible=False),
            self.compare: gr.update(visible=False),
            self.map: gr.update(visible=False),
            self.hand: gr.update(value="", visible=False),
            self.hints: gr.update(value="", visible=False),
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
        update[self.words] = words_line(variant.sentence, variant.colors.silent(), variant.colors.not_found)
        if len(session.variants) > 1:
            pictures = [str(self.studio.preview(session, one, strength, THUMBNAIL_SIDE)) for one in session.variants]
            names = labels([one.sentence for one in session.variants])
            thumbnails = list(zip(pictures, names, strict=True))
            update[self.gallery] = gr.update(value=thumbnails, visible=True, selected_index=session.chosen)
        if view == COMPARE:
            pair = (gray, str(self.studio.preview(session, variant, strength)))
            return update | {self.compare: gr.update(value=pair, visible=True)}
        if view == HAND:
            picture = self.studio.preview(session, variant, strength)
            hand, hints = hand_picture(session, picture), hand_list(session)
            return update | {
                self.hand: gr.update(value=hand, visible=True),
                self.hints: gr.update(value=hints, visible=True),
            }
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
