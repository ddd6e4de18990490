"""Equations as MathML, which browsers draw themselves: no script, no font, no network."""

from typing import Any

from latex2mathml.converter import convert


def fence(source: str, language: str, css_class: str, options: dict[str, Any], md: Any, **kwargs: Any) -> str:
    """A fence of TeX, for superfences: each line that is not blank is one equation."""
    lines = [convert(line, display="block") for line in source.splitlines() if line.strip()]
    return f'<div class="math">{"".join(lines)}</div>'
