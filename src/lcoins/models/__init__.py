"""Every system: encoders, transformers, upsamplers, and what puts them together."""

import sys

# timm imports wandb wherever it is installed, for a log of its own that nothing here writes, and waits for it.
if "wandb" not in sys.modules:
    sys.modules["wandb"] = None  # type: ignore[assignment]
    try:
        import timm  # noqa: F401
    finally:
        del sys.modules["wandb"]
