"""Opens the port of a page's server and filters the requests to it: only what the page asks for, of bounded size."""

import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "::1")
UPLOAD, EVENT = "/gradio_api/upload", "/gradio_api/queue/join"
# Gradio serves much more: an API and its description, a proxy, recordings, statistics, the history of runs.
READABLE = re.compile(
    r"/|/theme\.css|/favicon\.ico|/robots\.txt|/(assets|static)/.+"
    r"|/gradio_api/(heartbeat/\w+|queue/data|upload_progress|startup-events|file=.+)"
)
EVENT_BYTES = 2**20  # of an event, which carries texts and numbers; files come by UPLOAD


def listener(host: str, port: int, backlog: int | None = None) -> socket.socket:
    """A socket that listens at a port, for 0 at any free one.

    Raises ValueError if the port is taken or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=backlog)
    except OSError as error:
        raise ValueError(f"cannot serve at {host}, port {port}: {error}; choose another --port or --host") from error


class Guard:
    """ASGI middleware in front of a page's server: only the paths it names, for the hosts it knows, of bounded size.

    ``hosts`` are the host names under which the page answers, None for any: a foreign page whose own name points to
    this machine (DNS rebinding) sends another one. ``readable`` are the paths to GET, ``writable`` those to POST to,
    with the most bytes that a body may have.
    """

    def __init__(
        self, app: ASGIApp, hosts: Iterable[str] | None, readable: re.Pattern[str], writable: Mapping[str, int]
    ) -> None:
        self.app, self.readable, self.writable = app, readable, writable
        self.hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
            return
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            code, text = refusal
            await PlainTextResponse(text, code)(scope, receive, send)
        else:
            await self.passed(scope, receive, send)

    async def passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hands on what the guard lets through."""
        await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self.hosts is not None and host_name(headers.get("host", "")) not in self.hosts:
            return 403, "Unknown Host header."
        if scope["method"] in ("GET", "HEAD"):
            return None if self.readable.fullmatch(path) else (404, "Not found.")
        if scope["method"] != "POST" or path not in self.writable:
            return 404, "Not found."
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "Content-Length required."
        return (413, "Request too large.") if int(length) > self.writable[path] else None


class GradioGuard(Guard):
    """The guard of the page of `lcoins demo`; Gradio itself checks what passes. ``max_bytes`` limits an upload."""

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None, max_bytes: int) -> None:
        super().__init__(app, hosts, READABLE, {UPLOAD: max_bytes, EVENT: EVENT_BYTES})

    async def passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == EVENT:
            body = await _body(receive)
            receive = _replayed(body, receive)
            if names_an_address(body):
                await PlainTextResponse("Files must be uploaded.", 403)(scope, receive, send)
                return
        await super().passed(scope, receive, send)


def names_an_address(body: bytes) -> bool:
    """Whether an event gives the path of a file as a web address, which Gradio would download to this machine.

    A body that cannot be read counts as such.

    >>> names_an_address(b'{"data": [{"path": "https://example.org/a.jpg"}]}')
    True
    >>> names_an_address(b'{"data": ["https://example.org/a.jpg", {"path": "/tmp/a.jpg"}]}')
    False
    """
    try:
        event = json.loads(body)
    except (ValueError, RecursionError):
        return True
    return any("://" in str(value.get("path", "")) for value in _dictionaries(event))


def _dictionaries(event: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries inside a value of JSON."""
    waiting = [event]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


async def _body(receive: Receive) -> bytes:
    """The whole body of a request, which Content-Length has bounded."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Gives a body that has been read once more, then what follows it, such as the end of the connection."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return messages.pop() if messages else await receive()

    return replay


def host_name(header: str) -> str:
    """The name in a Host header, without its port.

    >>> host_name("127.0.0.1:7860"), host_name("[::1]:7860"), host_name("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    return header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
