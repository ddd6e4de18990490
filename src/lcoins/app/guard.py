"""What the page's server answers at all: the routes that its own page uses, asked for by this page, of bounded size."""

import re
from collections.abc import Iterable

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

UPLOAD = "/gradio_api/upload"
# Gradio serves much more: an API and its description, a proxy, recordings, statistics, the history of runs.
READ = re.compile(
    r"/|/theme\.css|/favicon\.ico|/robots\.txt|/(assets|static)/.+"
    r"|/gradio_api/(heartbeat/\w+|queue/data|upload_progress|startup-events|file=.+)"
)
WRITTEN = frozenset((UPLOAD, "/gradio_api/queue/join"))
EVENT_BYTES = 2**20  # of an event: texts and numbers; files come by UPLOAD


class Guard:
    """ASGI middleware before Gradio; whatever it lets through is Gradio's own to check.

    ``hosts`` are the names under which the page may be asked for, None for any: a foreign page that makes its own name
    point to this machine (DNS rebinding) names another. ``max_bytes`` bounds the body of an upload.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str] | None, max_bytes: int) -> None:
        self.app, self.max_bytes = app, max_bytes
        self.hosts = None if hosts is None else frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif refusal is not None:
            code, text = refusal
            await PlainTextResponse(text, code)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        headers, path = Headers(scope=scope), scope["path"]
        if self.hosts is not None and host_name(headers.get("host", "")) not in self.hosts:
            return 403, "This page answers under its own address only."
        if scope["method"] in ("GET", "HEAD"):
            return None if READ.fullmatch(path) else (404, "There is nothing here.")
        if scope["method"] != "POST" or path not in WRITTEN:
            return 404, "There is nothing here."
        length = headers.get("content-length", "")
        if not length.isdecimal():
            return 411, "The size of what is sent must be told."
        if int(length) > (self.max_bytes if path == UPLOAD else EVENT_BYTES):
            return 413, "This is too large."
        return None


def host_name(header: str) -> str:
    """The name in a Host header, without its port.

    >>> host_name("127.0.0.1:7860"), host_name("[::1]:7860"), host_name("localhost")
    ('127.0.0.1', '::1', 'localhost')
    """
    return header[1:].partition("]")[0] if header.startswith("[") else header.partition(":")[0]
