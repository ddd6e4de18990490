"""The page's server: on this machine, within bounds, writing to one folder that goes when it stops."""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lcoins.colorize import Colorizer


@dataclass(frozen=True)
class Limits:
    """What an upload may be: bytes of the file, and pixels of the photo."""

    megabytes: int = 100
    megapixels: int = 60


@contextmanager
def own_folder() -> Iterator[Path]:
    """A temporary folder that Gradio and ``tempfile`` write to, removed with all that lies in it."""
    before, environment = tempfile.tempdir, dict(os.environ)
    folder = Path(tempfile.mkdtemp(prefix="lcoins-demo-")).resolve()
    tempfile.tempdir = str(folder)
    os.environ |= {"GRADIO_TEMP_DIR": str(folder), "GRADIO_ANALYTICS_ENABLED": "False"}
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        for name in ("GRADIO_TEMP_DIR", "GRADIO_ANALYTICS_ENABLED"):
            os.environ.pop(name)
            if name in environment:
                os.environ[name] = environment[name]
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def serving(
    colorizer: Colorizer, *, title: str = "", host: str = "127.0.0.1", port: int | None = None,
    limits: Limits | None = None, device: torch.device | str = "cpu", browse: bool = False,
) -> Iterator[str]:  # fmt: skip
    """Serves the page while the block runs; gives its address."""
    limits = limits or Limits()
    with own_folder() as folder:
        from lcoins.app.page import Page
        from lcoins.app.studio import Studio
        from lcoins.app.theme import CSS, SCRIPT, theme

        page = Page(Studio(colorizer, folder, limits.megapixels * 1_000_000, device), title)
        _, address, _ = page.blocks.launch(
            server_name=host, server_port=port, share=False, inbrowser=browse, prevent_thread_lock=True, quiet=True,
            show_error=False, footer_links=[], run_history=False, allowed_paths=[], max_threads=4,
            max_file_size=limits.megabytes * 2**20, enable_monitoring=False, ssr_mode=False, pwa=False,
            mcp_server=False, num_workers=0, state_session_capacity=64, theme=theme(), css=CSS, js=SCRIPT,
        )  # fmt: skip
        try:
            yield address
        finally:
            page.blocks.close(verbose=False)


def wait() -> None:
    """Until Ctrl-C, or until the process is asked to end."""
    asked = threading.Event()

    def end(*_: Any) -> None:
        asked.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    while not asked.wait(3600):
        pass
