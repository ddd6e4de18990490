"""The view of the page in which colors are given by hand: the picture with the hints on it, their list, and a form."""

from html import escape
from pathlib import Path

from lcoins.app.html import css_color
from lcoins.app.sessions import Session
from lcoins.colorize.by_hand import StrokeHint

DEEP = 60.0  # L* below which a mark's number is white
TOUCH = '<span class="touch"> With a finger, brush sideways: up and down moves the page.</span>'
FORM = """
<details><summary>By numbers instead</summary><form data-add>
<label>From the left, %<input name="x" type="number" min="0" max="100" step="any" required></label>
<label>From the top, %<input name="y" type="number" min="0" max="100" step="any" required></label>
<label>Color<input name="color" list="color-names" maxlength="60" placeholder="olive" required></label>
<button type="submit">Add</button></form></details>
"""


def hand_picture(session: Session, picture: Path) -> str:
    """The picture, on which hand.js takes clicks and brush strokes, with numbered marks for the photo's hints."""
    width, height = session.size
    lines = "".join(map(_line, session.hints))
    marks = "".join(_mark(number, hint) for number, hint in enumerate(session.hints, start=1))
    return (
        f'<div class="canvas" data-canvas tabindex="-1" '
        f'style="aspect-ratio: {width} / {height}; --ratio: {width / height:.4f}">'
        f'<img src="gradio_api/file={escape(picture.as_posix())}" alt="{escape(session.photo.name)}, to give colors by '
        f'hand" draggable="false"><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">{lines}'
        f'<polyline data-stroke points=""></polyline></svg>{marks}</div>'
    )


def hand_list(session: Session) -> str:
    """What to do, the photo's hints to remove, and a form to give one by numbers."""
    items = "".join(_item(number, hint) for number, hint in enumerate(session.hints, start=1))
    listed = f'<ol aria-label="Colors by hand">{items}</ol>' if items else ""
    clear = '<button type="button" data-clear>Remove all</button>' if len(session.hints) > 1 else ""
    return (
        "<p>Click a place, or brush along a thing, then choose its color. The color spreads to what looks alike and "
        f"stops at edges.{TOUCH}</p>{listed}{clear}{FORM}"
    )


def _line(hint: StrokeHint) -> str:
    points = " ".join(f"{100 * x:.1f},{100 * y:.1f}" for x, y in hint.points)
    return f'<polyline points="{points}"></polyline>' if len(hint.points) > 1 else ""


def _mark(number: int, hint: StrokeHint) -> str:
    x, y = hint.points[0]
    place = f"left: {100 * x:.2f}%; top: {100 * y:.2f}%; background: {css_color(hint.color)}"
    deep = ' class="on-deep"' if hint.color[0] < DEEP else ""
    return f'<i aria-hidden="true"{deep} style="{place}">{number}</i>'


def _item(number: int, hint: StrokeHint) -> str:
    x, y = hint.points[0]
    where = f"{100 * x:.0f}% from the left, {100 * y:.0f}% from the top"
    kind = "along a line from" if len(hint.points) > 1 else "at"
    return (
        f'<li><i style="background: {css_color(hint.color)}"></i><span><b>{escape(hint.name)}</b> {kind} {where}</span>'
        f'<button type="button" data-remove="{number - 1}" aria-label="Remove {number}: {escape(hint.name)} at '
        f'{where}">Remove</button></li>'
    )
