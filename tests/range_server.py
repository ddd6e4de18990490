"""A web server of one folder that answers ranges, counts requests, and misbehaves as a test asks it to."""

import re
from collections.abc import Callable
from pathlib import Path

from local_server import LocalServer, QuietHandler

Answer = tuple[int, bytes]


class RangeServer(LocalServer):
    """``requests`` lists the paths asked for; ``spoil`` may change the status and the body of an answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_Handler)
        self.folder, self.requests, self.has_ranges = folder, list[str](), True
        self.spoil: Callable[[str, Answer], Answer] = lambda path, answer: answer


class _Handler(QuietHandler):
    server: RangeServer

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
