"""The buttons below the sentence and the two dialogs of the page, which its script fills: palette, what is kept."""

from html import escape

from lcoins.app.html import palette

CLOSE = '<button type="button" data-close aria-label="Close">×</button>'  # noqa: RUF001
BUTTONS = """
<div class="bar" role="group" aria-label="History">
<button type="button" data-undo disabled>Undo</button><button type="button" data-redo disabled>Redo</button>
<button type="button" data-kept>Saved and earlier</button></div>
"""
PALETTE = f"""
<dialog id="palette" aria-labelledby="palette-title"><div><h2 id="palette-title">Choose a color</h2>{CLOSE}</div>
<input type="search" aria-label="Find a color by its name" placeholder="A name, such as olive" autocomplete="off">
<div class="swatches"></div><p role="status"></p></dialog>
"""
KEPT = f"""
<dialog id="kept" aria-labelledby="kept-title"><div><h2 id="kept-title">Saved and earlier sentences</h2>{CLOSE}</div>
<form data-save><label>Save the sentence and the strength as
<input name="name" maxlength="60" required autocomplete="off"></label><button type="submit">Save</button></form>
<h3>Saved</h3><ul data-saved></ul><h3>Earlier</h3><ul data-earlier></ul>
<p>Kept in this browser only, also when the page is loaded again. The photo is not: it stays on the server until it is
removed, and has to be chosen again after that.</p>
<button type="button" data-forget>Forget all</button></dialog>
"""
COLORED = '<p role="status" id="colored"></p>'  # unseen, for screen readers
SUGGESTED = '<datalist id="color-names"></datalist>'  # by the form of colors by hand


def tools() -> str:
    """The buttons and the dialogs, with the palette's names and looks for page.js."""
    return f'<div data-palette="{escape(palette())}">{BUTTONS}{PALETTE}{KEPT}{SUGGESTED}{COLORED}</div>'
