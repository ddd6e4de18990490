"""The pieces of HTML that the page shows: its head, what is known of a photo and of a sentence's words, messages."""

import json
from collections.abc import Sequence
from html import escape

from lcoins.app.regions import Region
from lcoins.app.sessions import IDLE, Session
from lcoins.color.names import BASIC_LAB, PAINTED_LAB, Lab
from lcoins.color.reading import read_sentence
from lcoins.color.words import BASIC_COLORS
from lcoins.colorize.understood import remarks
from lcoins.evaluation.contact_sheet import word_rgb
from lcoins.wording import counted

START = f"""
<div class="start"><ol><li>Choose a photo.</li><li>Write what has which color.</li>
<li>Compare, adjust and download.</li></ol>
<p>The photo goes to the machine that serves this page, and nowhere else. It is removed there when you remove it, after
{IDLE / 3600:.0f} hours without use, and when the server stops.</p></div>
"""

SEVERAL = """
<p>All are colored by the sentence above, at its strength. Or add a list, such as a .csv file with the header
photo,caption: then each photo takes its own sentences. The photos are removed from the server when the ZIP is there,
and the ZIP some time after ten minutes.</p>
"""


def head(title: str) -> str:
    """The title of the page, and what it calls the model."""
    return (
        "<h1>Color a gray photo</h1><p>Describe in a sentence what has which color.</p>"
        f"<p class='model'>Model: {escape(title)}</p>"
    )


def alert(text: str) -> str:
    """Something that is wrong."""
    return f'<p role="alert">{escape(text)}</p>'


def notice(text: str) -> str:
    """Something good to know, such as how long one waits."""
    return f'<p role="status">{escape(text)}</p>'


def several_line(colored: int, lines: list[str]) -> str:
    """How many of several photos were colored, and a line for each that was not."""
    photos = f"{counted(colored, 'photo')} {'is' if colored == 1 else 'are'}"
    also = f"; {len(lines)} {'is' if len(lines) == 1 else 'are'} not:" if lines else "."
    left = f"<ul>{''.join(f'<li>{escape(line)}</li>' for line in lines)}</ul>" if lines else ""
    return f'<p role="status">{photos} in color{also}</p>{left}'


def photo_line(session: Session) -> str:
    """The name of a photo and, for page.js, what its pictures show, as their alternative texts."""
    width, height = session.size
    told = {
        "photo": session.photo.name,
        "sentence": session.variant.sentence if session.variant else "",
        "variants": [variant.sentence for variant in session.variants],
        "id": session.folder.name,
        "strength": session.strength,
        "hints": [{"points": hint.points, "color": hint.name} for hint in session.hints],
    }
    return (
        f'<p data-told="{escape(json.dumps(told))}"><b>{escape(session.photo.name)}</b>'
        f"<span>{width} × {height} pixels</span></p>"  # noqa: RUF001
    )


def words_line(sentence: str, silent: Sequence[str] = (), not_found: Sequence[str] = ()) -> str:
    """The color words of a sentence, and remarks on words without effect, things not found, and what was left alone."""
    words = read_sentence(sentence).colors
    said = "".join(f"<p>{escape(line)}.</p>".replace("?.", "?") for line in remarks(sentence))
    if not words:
        known = ", ".join(BASIC_COLORS)
        guesses = f"No color word was found in the sentence, so the colors are guesses. Words that work: {known}."
        return f"<p>{guesses}</p>{said}"
    chips = "".join(
        f'<li><button type="button" data-word="{index}" data-color="{escape(word.color)}" '
        f'aria-label="{escape(word.word)}: choose another color"><i style="background:{css_color(word.lab)}"></i>'
        f"{escape(word.word)}</button></li>"
        for index, word in enumerate(words)
    )
    lines = [f"<ul><li>Color words, to change:</li>{chips}</ul>"]
    for word in silent:
        lines.append(f"<p>“{escape(word)}” has no effect: another color would give nearly the same picture.</p>")
    for thing in not_found:
        lost = "was not found or is too small, so its color goes anywhere or nowhere. Give it by hand."
        lines.append(f"<p>“{escape(thing)}” {lost}</p>")
    return "".join(lines) + said


def css_color(color: Lab) -> str:
    """A color in CIELAB as CSS writes it, such as "rgb(200, 32, 32)"."""
    return f"rgb{word_rgb(color)}"


def palette() -> str:
    """All names of colors with their looks, the basic ones first, as JSON for page.js."""
    names = [*BASIC_LAB, *(name for name in PAINTED_LAB if name not in BASIC_LAB)]
    return json.dumps({"basic": len(BASIC_LAB), "colors": [[name, css_color(PAINTED_LAB[name])] for name in names]})


def hex_of(region: Region) -> str:
    """The color of a region as CSS writes it, such as "#c82020"."""
    return "#" + "".join(f"{value:02x}" for value in region.color)
