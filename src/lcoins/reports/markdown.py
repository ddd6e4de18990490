"""Text in a Markdown file."""

_SIGNS = str.maketrans({sign: f"\\{sign}" for sign in "\\`*<>[]|&"})


def escaped(text: str) -> str:
    r"""Text that Markdown shows as it is, in a table too; the names of run folders may have any sign.

    >>> print(escaped("a|b"))
    a\|b
    """
    return text.translate(_SIGNS)
