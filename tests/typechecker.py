"""What checks annotations in tests (``--jaxtyping-packages`` in pyproject.toml): beartype, with 1 for 1.0 allowed."""

from beartype import BeartypeConf, beartype

typechecker = beartype(conf=BeartypeConf(is_pep484_tower=True))
