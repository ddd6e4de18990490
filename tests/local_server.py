"""What the web servers of tests have in common: a free port of this machine, a thread, and an end without waiting."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TypeVar


class LocalServer(ThreadingHTTPServer):
    """A server at a free port of this machine."""

    daemon_threads = True

    def __init__(self, handler: "type[QuietHandler]") -> None:
        super().__init__(("127.0.0.1", 0), handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class QuietHandler(BaseHTTPRequestHandler):
    """Answers requests over connections that stay open, and prints nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None: ...


Served = TypeVar("Served", bound=LocalServer)


@contextmanager
def answering(server: Served) -> Iterator[Served]:
    """The server answers until the block ends."""
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
