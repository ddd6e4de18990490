"""The page's server: on this machine, within bounds, writing to one folder that goes when it stops."""

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import torch

from lcoins.colorize.photo import ColorizationSystem

ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}
LOCAL = ("127.0.0.1", "localhost", "::1")
FORM_BYTES = 2**16  # of an upload beside the file


@dataclass(frozen=True)
class Limits:
    """What an upload may be: the size of its file in MiB, and that of the photo in megapixels."""

    megabytes: int = 100
    megapixels: int = 60


@contextmanager
def serving(
    colorizer: ColorizationSystem,
    *,
    name: str,
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[str]:
    """Serves the page while the block runs, and gives its address; 0 for ``port`` takes a free one.

    ``name`` is what the page calls the colorizer. On a local ``host`` the page answers under local names only. When
    the block ends, however it ends, nothing of what was uploaded or made is left. Raises ValueError where the port is
    taken or the host is none.
    """
    limits = limits or Limits()
    port = free_port(host, port)
    with own_folder() as folder:
        # Imported here, for Gradio reads its environment when it is imported.
        from gradio import processing_utils
        from starlette.middleware import Middleware

        from lcoins.app.guard import Guard
        from lcoins.app.page import Page
        from lcoins.app.studio import Studio
        from lcoins.app.theme import CSS, SCRIPT, theme

        studio = Studio(colorizer, folder, limits.megapixels * 1_000_000, device)
        page = Page(studio, name)
        most = limits.megabytes * 2**20
        hosts = LOCAL if host in LOCAL else None
        fetch = processing_utils.async_ssrf_protected_download
        processing_utils.async_ssrf_protected_download = _fetch_nothing
        try:
            _, address, _ = page.blocks.launch(
                server_name=host,
                server_port=port,
                app_kwargs={"middleware": [Middleware(Guard, hosts, most + FORM_BYTES)]},
                max_file_size=most,
                theme=theme(),
                css=CSS,
                js=SCRIPT,
                prevent_thread_lock=True,
                quiet=True,
                # What Gradio would otherwise take from its environment, or do of its own accord.
                share=False,
                show_error=False,
                footer_links=[],
                allowed_paths=[],
                run_history=False,
                enable_monitoring=False,
                ssr_mode=False,
                pwa=False,
                mcp_server=False,
                num_workers=0,
                max_threads=4,
                state_session_capacity=64,
            )
            yield address
        finally:
            processing_utils.async_ssrf_protected_download = fetch
            page.blocks.close(verbose=False)


@contextmanager
def own_folder() -> Iterator[Path]:
    """A temporary folder that Gradio and :mod:`tempfile` write to, removed with all that lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="lcoins-demo-")).resolve()
    before, environment = tempfile.tempdir, dict(os.environ)
    tempfile.tempdir = str(folder)
    os.environ.update(ENVIRONMENT, GRADIO_TEMP_DIR=str(folder))
    try:
        yield folder
    finally:
        tempfile.tempdir = before
        for variable in (*ENVIRONMENT, "GRADIO_TEMP_DIR"):
            os.environ.pop(variable)
            if variable in environment:
                os.environ[variable] = environment[variable]
        shutil.rmtree(folder, ignore_errors=True)


def free_port(host: str, port: int = 0) -> int:
    """``port`` where nobody listens at it yet, for 0 another one; else ValueError."""
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
            return found.getsockname()[1]
    except OSError as error:
        raise ValueError(f"cannot serve at {host}, port {port}: {error}; name another --port or --host") from error


def wait_for_end() -> None:
    """Returns on Ctrl-C, or when the process is asked to end."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()


async def _fetch_nothing(url: str, cache_dir: str) -> NoReturn:
    """Instead of Gradio's download of a file that an event names by an address: photos come by upload alone."""
    raise ValueError(f"refused to fetch {url}")
