"""The guard: only the page's own requests of bounded size reach Gradio."""

import asyncio
import json
from importlib.util import find_spec
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(find_spec("gradio") is None, reason="needs Gradio: pip install 'lcoins[demo]'")


def ask(guard_options: dict[str, Any], method: str, path: str, body: bytes = b"{}", **headers: str) -> int:
    """The status that the guard gives a request, 200 where it lets it through."""
    from starlette.responses import PlainTextResponse

    from lcoins.app.guard import GradioGuard

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    parts: list[Any] = [
        {"type": "http.request", "body": body[:5], "more_body": True},
        {"type": "http.request", "body": body[5:], "more_body": False},
    ]

    async def receive() -> Any:
        return parts.pop(0)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw}
    asyncio.run(GradioGuard(PlainTextResponse("through"), **guard_options)(scope, receive, send))
    return sent[0]["status"]


class Shelf:
    """A room with space for 5 MB, of which nothing may stay reserved."""

    def __init__(self) -> None:
        self.taken = 0

    def reserve(self, size: int) -> bool:
        fits = self.taken + size <= 5_000_000
        self.taken += size * fits
        return fits

    def release(self, size: int) -> None:
        self.taken -= size


LOCAL: dict[str, Any] = {"hosts": ["127.0.0.1"], "max_bytes": 5_000_000, "room": Shelf()}
UPLOAD, EVENT = "/gradio_api/upload", "/gradio_api/queue/join"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/assets/index.js", 200),
        ("GET", "/gradio_api/file=/tmp/x.jpg", 200),
        ("GET", "/gradio_api/info", 404),
        ("GET", "/config", 404),
        ("GET", "/docs", 404),
        ("GET", "/monitoring", 404),
        ("GET", "/gradio_api/proxy=http://example.org", 404),
        ("GET", "/gradio_api/vibe-code", 404),
        ("POST", "/gradio_api/run/predict", 404),
        ("POST", "/gradio_api/call/show", 404),
        ("POST", "/gradio_api/process_recording", 404),
        ("POST", "/", 404),
        ("DELETE", "/", 404),
    ],
)
def test_only_the_pages_own_routes_are_open(method: str, path: str, status: int) -> None:
    assert ask(LOCAL, method, path, host="127.0.0.1:7860", content_length="10") == status


def test_bodies_are_bounded_and_hosts_are_own() -> None:
    own = {"host": "127.0.0.1:7860"}
    assert ask(LOCAL, "POST", UPLOAD, content_length="5000000", **own) == 200
    assert ask(LOCAL, "POST", UPLOAD, content_length="5000001", **own) == 413
    assert ask(LOCAL, "POST", EVENT, content_length="2000000", **own) == 413
    assert ask(LOCAL, "POST", EVENT, transfer_encoding="chunked", **own) == 411
    assert ask(LOCAL, "POST", EVENT, content_length="10", transfer_encoding="chunked", **own) == 411
    assert ask(LOCAL, "GET", "/", host="evil.example:7860") == 403
    assert ask(LOCAL, "GET", "/") == 403
    assert ask({**LOCAL, "hosts": None}, "GET", "/", host="my-machine.lan:7860") == 200


@pytest.mark.parametrize("path", [UPLOAD, EVENT])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program, such as curl
        ({"origin": "http://127.0.0.1:7860"}, 200),
        ({"origin": "http://127.0.0.1:7860", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "http://127.0.0.1:8888"}, 403),  # another server on this machine
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"sec_fetch_site": "cross-site"}, 403),
        ({"origin": "http://127.0.0.1:8888", "sec_fetch_site": "same-site"}, 403),
        ({"sec_fetch_site": "none"}, 403),
    ],
)
def test_only_the_page_itself_changes_anything(path: str, headers: dict[str, str], status: int) -> None:
    assert ask(LOCAL, "POST", path, host="127.0.0.1:7860", content_length="2", **headers) == status


def test_an_upload_needs_room() -> None:
    shelf = Shelf()
    options = {**LOCAL, "room": shelf}
    assert ask(options, "POST", UPLOAD, host="127.0.0.1", content_length="4000000") == 200 and shelf.taken == 0
    shelf.taken = 4_000_000  # by those on their way
    assert ask(options, "POST", UPLOAD, host="127.0.0.1", content_length="4000000") == 507
    assert ask(options, "POST", EVENT, host="127.0.0.1", content_length="2") == 200 and shelf.taken == 4_000_000


@pytest.mark.parametrize("path", [UPLOAD, EVENT])
@pytest.mark.parametrize("pause", [10.0, 0.02], ids=["silent", "slow"])
def test_a_request_that_stays_half_there_is_given_up(monkeypatch: pytest.MonkeyPatch, path: str, pause: float) -> None:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    from lcoins.app import guard

    monkeypatch.setattr(guard, "SILENCE", 0.1)
    monkeypatch.setattr(guard, "SLOWEST", 10_000)
    sent: list[Any] = []

    async def receive() -> Any:
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": b"{", "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await Request(scope, receive).body()
        await PlainTextResponse("through")(scope, receive, send)

    shelf = Shelf()
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    asyncio.run(asyncio.wait_for(guard.GradioGuard(app, ["127.0.0.1"], 1000, shelf)(scope, receive, send), 5))
    assert sent[0]["status"] == 408 and shelf.taken == 0


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("a red star, see https://example.org", 200),
        ({"path": "/tmp/a.jpg", "meta": {"_type": "gradio.FileData"}, "url": "http://127.0.0.1:7860/a.jpg"}, 200),
        ({"path": "https://example.org/a.jpg", "meta": {"_type": "gradio.FileData"}}, 403),
        ([{"deep": [{"path": "http://example.org/a.jpg"}]}], 403),
    ],
)
def test_an_event_cannot_make_the_server_fetch_an_address(value: Any, status: int) -> None:
    body = json.dumps({"data": [None, value]}).encode()
    headers = {"host": "127.0.0.1:7860", "content_length": str(len(body))}
    assert ask(LOCAL, "POST", "/gradio_api/queue/join", body, **headers) == status


@pytest.mark.parametrize("body", [b"no json", b"[" * 100_000, b"\xff"], ids=["text", "nested", "bytes"])
def test_events_that_cannot_be_read_are_refused(body: bytes) -> None:
    headers = {"host": "127.0.0.1:7860", "content_length": str(len(body))}
    assert ask(LOCAL, "POST", "/gradio_api/queue/join", body, **headers) == 403


def test_gradio_receives_the_whole_body() -> None:
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse

    from lcoins.app.guard import GradioGuard

    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(await Request(scope, receive).body())
        await PlainTextResponse("through")(scope, receive, send)

    parts: list[Any] = [
        {"type": "http.request", "body": b'{"da', "more_body": True},
        {"type": "http.request", "body": b'ta": []}', "more_body": False},
    ]

    async def receive() -> Any:
        return parts.pop(0)

    async def send(message: Any) -> None:
        pass

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/gradio_api/queue/join",
        "headers": [(b"host", b"127.0.0.1:7860"), (b"content-length", b"12")],
    }
    asyncio.run(GradioGuard(app, ["127.0.0.1"], 100, Shelf())(scope, receive, send))
    assert seen == [b'{"data": []}']
