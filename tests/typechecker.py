"""What checks annotations in tests (``--jaxtyping-packages`` in pyproject.toml): beartype, with 1 for 1.0 allowed."""

from collections.abc import Iterator
from contextlib import contextmanager

import jaxtyping
from beartype import BeartypeConf, beartype

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))


@contextmanager
def unchecked_shapes() -> Iterator[None]:
    """Switches the check off, for calls whose shapes are wrong or symbolic on purpose."""
    jaxtyping.config.update("jaxtyping_disable", True)
    try:
        yield
    finally:
        jaxtyping.config.update("jaxtyping_disable", False)
