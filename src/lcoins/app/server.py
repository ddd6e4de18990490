"""Serves the page with limits on uploads; all its files lie in one folder, which is removed when it stops."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from starlette.middleware import Middleware

from lcoins.app.folder import temporary_folder
from lcoins.app.guard import GradioGuard, answered_hosts, listener
from lcoins.app.sessions import Sessions
from lcoins.colorize.captioner import Captioner
from lcoins.models.colorizer import ColorizationSystem

TIDIED_EVERY = 600.0  # seconds: photos that nobody uses go also where nobody uploads another
FORM_BYTES = 2**16  # of an upload in addition to the file
# Gradio reads these when it is imported.
ENVIRONMENT = {"GRADIO_ANALYTICS_ENABLED": "False", "HF_HUB_DISABLE_TELEMETRY": "1"}


@dataclass(frozen=True)
class Limits:
    """Limits: of the file of an upload in MiB, of its photo in megapixels, and of all files together in MiB.

    Raises ValueError where all files together may not be as large as one upload.
    """

    megabytes: int = 100
    megapixels: int = 60
    megabytes_together: int = 4000

    def __post_init__(self) -> None:
        if self.megabytes_together < self.megabytes:
            raise ValueError(
                f"all files together may take {self.megabytes_together} MiB, and one upload {self.megabytes}; "
                f"raise --max-total-megabytes, or lower --max-megabytes"
            )


@contextmanager
def serving(
    colorizer: ColorizationSystem,
    *,
    name: str,
    host: str = "127.0.0.1",
    port: int = 7860,
    limits: Limits | None = None,
    device: torch.device | str = "cpu",
    captioner: Captioner | None = None,
) -> Iterator[str]:
    """Serves the page while the block runs, and yields its address.

    When the block ends, also by an error, everything that was uploaded or written is removed. Raises ValueError if the
    port is taken or the host is not an address of this machine, and OSError at the end if something remains.

    Args:
        colorizer: The system that colors the photos, on ``device``.
        name: What the page calls it.
        host: The address to listen at; at a local one the page answers to local host names only.
        port: The port to listen at; 0 takes a free one.
        limits: The limits of an upload.
        device: Where the colorizer runs.
        captioner: What suggests sentences; without one the page has no button for it.
    """
    limits = limits or Limits()
    with listener(host, port) as free:  # Gradio opens it itself, but says less where it cannot
        port = free.getsockname()[1]
    with temporary_folder() as folder, _gradio_environment(folder):
        # Gradio must be imported in this environment.
        from lcoins.app.page import PEOPLE, Page
        from lcoins.app.studio import Studio
        from lcoins.app.theme import CSS, SCRIPT, theme

        studio = Studio(colorizer, folder, limits.megapixels * 1_000_000, device, captioner)
        sessions = Sessions(folder, limits.megabytes_together * 2**20)
        page = Page(studio, name, sessions)
        max_bytes = limits.megabytes * 2**20
        try:
            _, address, _ = page.blocks.launch(
                server_name=host,
                server_port=port,
                app_kwargs={
                    "middleware": [Middleware(GradioGuard, answered_hosts(host), max_bytes + FORM_BYTES, sessions)]
                },
                max_file_size=max_bytes,
                theme=theme(),
                css=CSS,
                js=SCRIPT,
                prevent_thread_lock=True,
                quiet=True,
                # These would otherwise come from the environment, or be on by default.
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
                max_threads=PEOPLE,  # that may wait; page.py's lines work for one after the other
                state_session_capacity=PEOPLE,
            )
            with repeatedly(sessions.close_unused, TIDIED_EVERY):
                yield address
        finally:
            page.blocks.close(verbose=False)
            page.close()


@contextmanager
def _gradio_environment(folder: Path) -> Iterator[None]:
    """Sets the environment in which Gradio writes to ``folder`` and calls nobody, and restores it after the block."""
    wanted = {**ENVIRONMENT, "GRADIO_TEMP_DIR": str(folder)}
    before = {variable: os.environ.get(variable) for variable in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable, None)
            if value is not None:
                os.environ[variable] = value


@contextmanager
def repeatedly(do: Callable[[], None], seconds: float) -> Iterator[None]:
    """Does something every so many seconds, in a thread of its own, while the block runs."""
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(seconds):
            do()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def wait_for_end() -> None:
    """Waits until Ctrl-C or until the process is asked to end."""
    asked = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    asked.wait()
