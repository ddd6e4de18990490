"""A web server of one folder that answers ranges, counts requests, and misbehaves as a test asks it to."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

Answer = tuple[int, bytes]


class RangeServer(ThreadingHTTPServer):
    """``requests`` lists the paths asked for; ``spoil`` may change the status and the body of an answer."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.requests, self.has_ranges = folder, list[str](), True
        self.spoil: Callable[[str, Answer], Answer] = lambda path, answer: answer

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: RangeServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_PUT(self) -> None:
        """Refuses as ``spoil`` says: nothing is written here."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        self.server.requests.append(self.path)
        path = self.server.folder / self.path.lstrip("/")
        status, content = (200, path.read_bytes()) if path.is_file() else (404, b"")
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
        if asked and status == 200 and self.server.has_ranges:
            status, content = 206, content[int(asked[1]) : int(asked[2]) + 1]
        if body:
            status, content = self.server.spoil(self.path, (status, content))
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            try:
                self.wfile.write(content)
            except ConnectionError:  # the client had enough
                self.close_connection = True

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(folder: Path) -> Iterator[RangeServer]:
    """Serves a folder on this machine."""
    with RangeServer(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
