"""Opens the port of a local server and filters the requests to it: only what is asked for rightly, of bounded size.

All local servers are behind it: those of `lcoins demo`, of `lcoins serve` and of a study.
"""

import asyncio
import json
import re
import signal
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Protocol

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = ("127.0.0.1", "localhost", "::1")
BACKLOG = 512  # connections that may wait from the opening of the port until the server starts
UPLOAD, EVENT = "/gradio_api/upload", "/gradio_api/queue/join"
# Gradio serves much more: an API and its description, a proxy, recordings, statistics, the history of runs.
READABLE = re.compile(
    r"/|/theme\.css|/favicon\.ico|/robots\.txt|/(assets|static)/.+"
    r"|/gradio_api/(heartbeat/\w+|queue/data|upload_progress|startup-events|file=.+)"
)
EVENT_BYTES = 2**20  # of an event, which carries texts and numbers; files come by UPLOAD
SILENCE = 30.0  # seconds without a byte, after which a request that is only half there is given up
SLOWEST = 30_000  # bytes a second that a request must reach on average, with SILENCE in hand


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens at a port, for 0 at any free one.

    Raises ValueError if the port is taken or the host is not an address of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise ValueError(f"cannot serve at {host}, port {port}: {error}; choose another --port or --host") from error


def answered_hosts(host: str) -> tuple[str, ...] | None:
    """The host names under which a server at an address answers: at a local one the local names, else any (None)."""
    return LOCAL if host in LOCAL else None


def serve(
    app: Callable[[Iterable[str] | None], ASGIApp], host: str, port: int, ready: Callable[[str], None] = lambda _: None
) -> None:
    """Serves until Ctrl-C or until the process is asked to end; then everything that was begun is finished.

    ``app`` makes the application for the host names under which it answers. ``ready`` is told the address, which ends
    in a slash, once the port is open; port 0 takes a free one. Raises ValueError if the port is taken or the host is
    not an address of this machine.
    """
    with listener(host, port) as opened:
        # No access log: it would have people's addresses.
        config = uvicorn.Config(
            app(answered_hosts(host)),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
        )
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{opened.getsockname()[1]}/")
        # At its end uvicorn passes the signal on, by which the process would end before its callers have cleaned up.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[opened])


class Room(Protocol):
    """The space on the disk that all files of a page share."""

    def reserve(self, size: int) -> bool:
        """Whether ``size`` more bytes fit; they then count as taken until they are released."""

    def release(self, size: int) -> None:
        """Gives back what was reserved: the file is on the disk now, and counted there, or it never came."""


class Guard:
    """ASGI middleware in front of a page's server: only the paths it names, for the hosts it knows, of bounded size.

    What changes something, every POST, must come from the page itself, and within a time that goes by its length.
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
            return
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.passed(scope, receive, send)
            return
        timely = _Timely(receive, int(Headers(scope=scope)["content-length"]))
        try:
            await self.passed(scope, timely, send)
        except ClientDisconnect:  # there is nobody to answer, unless it was us who gave up
            if timely.late:
                late = PlainTextResponse("The request came too slowly.", 408, {"Connection": "close"})
                await late(scope, receive, send)

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
        if from_elsewhere(headers):
            return 403, "The request comes from another site."
        length = headers.get("content-length", "")
        if not length.isdecimal() or "transfer-encoding" in headers:  # which would make the length count for nothing
            return 411, "Content-Length required."
        return (413, "Request too large.") if int(length) > self.writable[path] else None


class _Timely:
    """Receives a request, and says that its sender is gone when it is silent or too slow; then it is ``late``."""

    def __init__(self, receive: Receive, length: int) -> None:
        self.receive, self.late, self.whole = receive, False, False
        self.end = asyncio.get_running_loop().time() + SILENCE + length / SLOWEST

    async def __call__(self) -> Message:
        if self.whole:  # what follows is the end of the connection, for which a long answer may wait
            return await self.receive()
        try:
            async with asyncio.timeout_at(min(self.end, asyncio.get_running_loop().time() + SILENCE)):
                message = await self.receive()
        except TimeoutError:
            self.late = True
            return {"type": "http.disconnect"}
        self.whole = not message.get("more_body", False)
        return message


class GradioGuard(Guard):
    """The guard of the page of `lcoins demo`; Gradio itself checks what passes.

    ``max_bytes`` limits an upload, and ``room`` all files together.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None, max_bytes: int, room: Room) -> None:
        super().__init__(app, hosts, READABLE, {UPLOAD: max_bytes, EVENT: EVENT_BYTES})
        self.room = room

    async def passed(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == UPLOAD:
            await self._upload(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"] == EVENT:
            body = await _body(receive)
            receive = _replayed(body, receive)
            if names_an_address(body):
                await PlainTextResponse("Files must be uploaded.", 403)(scope, receive, send)
                return
        await super().passed(scope, receive, send)

    async def _upload(self, scope: Scope, receive: Receive, send: Send) -> None:
        size = int(Headers(scope=scope)["content-length"])
        if not await run_in_threadpool(self.room.reserve, size):
            full = "This server holds as many photos as it may; try again in ten minutes."
            await PlainTextResponse(full, 507)(scope, receive, send)
            return
        try:
            await super().passed(scope, receive, send)
        finally:
            self.room.release(size)


def from_elsewhere(headers: Headers) -> bool:
    """Whether a browser says that another site's page sends a request; programs that say nothing are let through.

    Sec-Fetch-Site compares what the person sees, also behind a proxy. Older browsers send Origin alone, as do all for
    a page that is not on this machine and not encrypted.

    >>> from_elsewhere(Headers({"sec-fetch-site": "cross-site", "host": "127.0.0.1:7860"}))
    True
    >>> from_elsewhere(Headers({"origin": "http://127.0.0.1:7860", "host": "127.0.0.1:7860"}))
    False
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site != "same-origin"
    return origin is not None and origin.partition("://")[2] != headers.get("host")


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
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
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
