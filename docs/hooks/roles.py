"""Lets mkdocstrings read the docstrings of lcoins: an extension of griffe, which loads them."""

from docstrings import as_code, as_links
from griffe import Extension, Object


class Roles(Extension):
    """Rewrites the docstring of everything that is loaded."""

    def on_object(self, *, obj: Object, **kwargs: object) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring is not None:
            obj.docstring.value = as_code(as_links(obj.docstring.value))
