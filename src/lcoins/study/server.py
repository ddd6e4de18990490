"""Serves a study's page: consent, a check of screen and eyes, trial after trial, and a completion code at the end.

The server keeps no address of anybody and writes no access log. A session is a random token in a cookie, of which the
store has the hash; every POST must carry the token that belongs to it, so that no other site can vote for a person.
"""

import hashlib
import hmac
import json
import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lcoins.app.guard import Guard
from lcoins.study.protocol import PICTURES, QUESTION_TEXTS, Protocol
from lcoins.study.store import Ballot, Refused, Store

COOKIE, COOKIE_SECONDS = "lcoins_study", 14 * 24 * 3600
BODY_BYTES = 4096
READABLE = re.compile(r"/|/page\.(css|js)|/state|/pictures/[0-9a-f]{24}\.(jpg|png)")
WRITABLE = dict.fromkeys(("/join", "/check", "/vote"), BODY_BYTES)
PAGE = {"": ("page.html", "text/html"), "page.css": ("page.css", "text/css"), "page.js": ("page.js", "text/javascript")}
POSTS_A_SECOND, POSTS_AT_ONCE = 5.0, 20.0  # of one session
JOINS_A_SECOND, JOINS_AT_ONCE = 10.0, 100.0  # of all
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
WORKER = re.compile(r"[\w-]{1,128}", re.ASCII)
PLATFORMS = {"PROLIFIC_PID": ("prolific", "SESSION_ID"), "workerId": ("amt", "assignmentId")}
NOT_ACCEPTED = "ASSIGNMENT_ID_NOT_AVAILABLE"  # what AMT gives for the assignment while a worker only looks at a task
SECURITY = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self' data:; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Buckets:
    """Limits how often something happens: ``rate`` times a second for each key, and ``burst`` at once."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self.burst, self.clock = rate, burst, clock
        self.left: dict[str, tuple[float, float]] = {}
        self.lock = threading.Lock()

    def take(self, key: str) -> bool:
        """Whether one more is allowed now."""
        with self.lock:
            now = self.clock()
            if len(self.left) > 10_000:  # those that are full again need not be remembered
                self.left = {k: v for k, v in self.left.items() if v[0] + (now - v[1]) * self.rate < self.burst}
            level, then = self.left.get(key, (self.burst, now))
            level = min(self.burst, level + (now - then) * self.rate)
            self.left[key] = (level - 1 if level >= 1 else level, now)
            return level >= 1


class StudyPage:
    """Answers the requests of a study's page. ``return_url`` is where a person goes with the code at the end."""

    def __init__(self, store: Store, folder: Path, *, max_people: int, return_url: str | None = None) -> None:
        self.store, self.protocol, self.folder = store, store.protocol, folder / PICTURES
        self.max_people, self.return_url = max_people, return_url
        self.posts, self.joins = Buckets(POSTS_A_SECOND, POSTS_AT_ONCE), Buckets(JOINS_A_SECOND, JOINS_AT_ONCE)
        self.files = picture_files(self.protocol)
        here = Path(__file__).parent
        self.page = {name: ((here / file).read_bytes(), kind) for name, (file, kind) in PAGE.items()}

    def app(self, hosts: Iterable[str] | None) -> Starlette:
        """The application, for these host names; None for any."""
        routes = [
            *(Route(f"/{name}", self.static) for name in PAGE),
            Route("/state", self.state),
            Route("/pictures/{file}", self.picture),
            *(Route(path, self.post, methods=["POST"]) for path in WRITABLE),
        ]
        guards = [Middleware(SafeHeaders), Middleware(Guard, hosts, READABLE, WRITABLE)]
        return Starlette(routes=routes, middleware=guards)

    def static(self, request: Request) -> Response:
        """The page itself and what it consists of; the page gives a session to who has none, or another's."""
        content, kind = self.page[request.url.path.removeprefix("/")]
        response = Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})
        if kind == "text/html" and self._needs_session(request):
            secure = request.url.scheme == "https"
            token = secrets.token_urlsafe(32)
            response.set_cookie(COOKIE, token, COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)
        return response

    def _needs_session(self, request: Request) -> bool:
        token = session(request)
        try:
            platform, worker, _ = who(request.url.query)
        except Refused:
            worker = None  # which is said when they join
        return token is None or (worker is not None and self.store.is_of_another(token, platform, worker))

    def picture(self, request: Request) -> Response:
        """A picture, which never changes under its name."""
        file = request.path_params["file"]
        if file not in self.files:
            return JSONResponse({"error": "Not found."}, 404)
        return FileResponse(self.folder / file, headers={"Cache-Control": "private, max-age=604800, immutable"})

    def state(self, request: Request) -> Response:
        """Where the person is, and what the page shows there."""
        token = session(request)
        if token is None:
            return refusal("Cookies are needed; allow them and reload the page.", 403)
        return JSONResponse(self._state(token), headers={"Cache-Control": "no-store"})

    async def post(self, request: Request) -> Response:
        """Takes consent, the check or a vote, and answers with the new state."""
        token = session(request)
        given = request.headers.get("x-csrf-token", "")
        if token is None or not hmac.compare_digest(given.encode(), csrf_token(token).encode()):
            return refusal("This session is not valid; reload the page.", 403)
        if not self.posts.take(token):
            return refusal("Too many requests of one person; wait a second and send this again.", 429)
        try:
            content = json.loads(await request.body())
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            return refusal("Expected a JSON object.", 400)
        actions = {"/join": self._join, "/check": self._check, "/vote": self._vote}
        try:
            await run_in_threadpool(actions[request.url.path], token, content)
            return JSONResponse(await run_in_threadpool(self._state, token), headers={"Cache-Control": "no-store"})
        except Refused as error:
            return refusal(str(error), error.status)

    def _state(self, token: str) -> dict[str, Any]:
        person = self.store.person(token)
        common: dict[str, Any] = {"csrf": csrf_token(token), "title": self.protocol.title}
        if person is None:
            return common | {"stage": "consent", "consent": self.protocol.consent}
        trials = self.protocol.slots[person.slot]
        common |= {"answered": person.answered, "total": len(trials)}
        if person.checks is None:
            return common | {
                "stage": "check",
                "plates": [f"pictures/{plate['file']}" for plate in self.protocol.plates],
            }
        if person.answered >= len(trials):
            return common | {"stage": "done", "code": person.code, "return_url": self.return_url}
        shown = [[f"pictures/{file}" for file in self.protocol.shown(trial)] for trial in trials[person.answered :][:2]]
        return common | {
            "stage": "trial",
            "question": QUESTION_TEXTS[self.protocol.question],
            "trial": {
                "number": person.answered,
                "caption": self.protocol.stimuli[trials[person.answered].stimulus].caption,
                "pictures": shown[0],
            },
            "next": shown[1] if len(shown) > 1 else [],
        }

    def _join(self, token: str, content: dict[str, Any]) -> None:
        if content.get("consent") != self.protocol.consent["version"]:
            raise Refused("The consent text has changed; reload the page.")
        platform, worker, assignment = who(content.get("query"))
        if self.store.person(token) is None:
            if not self.joins.take(""):
                raise Refused("Many people are joining; try again in a minute.", 429)
            if self.store.people() >= self.max_people and not self.store.knows(platform, worker):
                raise Refused("This study has enough participants. Thank you for your interest.")
        self.store.join(token, platform, worker, assignment, self.protocol.consent["version"])

    def _check(self, token: str, content: dict[str, Any]) -> None:
        digits, screen = content.get("digits"), content.get("screen")
        allowed = {"none", *"0123456789"}
        if (
            not isinstance(digits, list)
            or len(digits) != len(self.protocol.plates)
            or not allowed.issuperset(digit if isinstance(digit, str) else "" for digit in digits)
        ):
            raise Refused("Expected a digit for each disk.", 400)
        if content.get("filter") not in ("yes", "no", "unsure") or content.get("device") not in (
            "computer",
            "tablet",
            "phone",
        ):
            raise Refused("Expected an answer to both questions.", 400)
        if not isinstance(screen, list) or len(screen) != 2:
            raise Refused("Expected the size of the screen.", 400)
        sizes = [number("screen", value, 1, 100_000) for value in screen]
        answers = {"digits": digits, "filter": content["filter"], "device": content["device"], "screen": sizes}
        self.store.check(token, answers)

    def _vote(self, token: str, content: dict[str, Any]) -> None:
        uuid = content.get("uuid")
        if not isinstance(uuid, str) or not UUID.fullmatch(uuid):
            raise Refused(f"Expected uuid as a UUID in small letters, got {uuid!r:.50}.", 400)
        self.store.vote(
            token,
            Ballot(
                uuid=uuid,
                number=int(number("number", content.get("number"), 0, 100_000)),
                position=int(number("position", content.get("position"), 0, 100)),
                milliseconds=int(number("milliseconds", content.get("milliseconds"), 0, 86_400_000)),
                width=number("width", content.get("width"), 1, 100_000),
                height=number("height", content.get("height"), 1, 100_000),
                pixel_ratio=number("pixel_ratio", content.get("pixel_ratio"), 0.05, 20),
                focus_lost=int(number("focus_lost", content.get("focus_lost"), 0, 100_000)),
            ),
        )


class SafeHeaders:
    """ASGI middleware that adds SECURITY to every response, refusals among them."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                added = [(name.lower().encode(), value.encode()) for name, value in SECURITY.items()]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        await self.app(scope, receive, with_headers)


def picture_files(protocol: Protocol) -> frozenset[str]:
    """The names of all files that a page may ask for."""
    return frozenset([*(picture.file for picture in protocol.pictures), *(plate["file"] for plate in protocol.plates)])


def session(request: Request) -> str | None:
    """The token in the cookie, or None if there is none that this server could have given."""
    token = request.cookies.get(COOKIE, "")
    return token if TOKEN.fullmatch(token) else None


def csrf_token(token: str) -> str:
    """What a POST of this session carries in its header, which a foreign page cannot know."""
    return hashlib.sha256(f"csrf {token}".encode()).hexdigest()


def refusal(text: str, status: int) -> Response:
    """An answer that says in one sentence what is wrong."""
    return JSONResponse({"error": text}, status, headers={"Retry-After": "1"} if status == 429 else None)


def number(name: str, value: Any, low: float, high: float) -> float:
    """A number of JSON within limits; raises Refused (400) for anything else, and names it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise Refused(f"Expected {name} as a number from {low:,} to {high:,}, got {value!r:.50}.", 400)
    return value


def who(query: Any) -> tuple[str, str | None, str | None]:
    """Platform, worker and assignment from the address by which a person came.

    >>> who("?PROLIFIC_PID=5f1&STUDY_ID=2&SESSION_ID=9")
    ('prolific', '5f1', '9')
    >>> who("?workerId=A2&assignmentId=3X&hitId=7")
    ('amt', 'A2', '3X')
    >>> who("")
    ('direct', None, None)
    """
    given = parse_qs(query.removeprefix("?")) if isinstance(query, str) else {}
    values = {name: texts[0] for name, texts in given.items()}
    if values.get("assignmentId") == NOT_ACCEPTED:
        raise Refused("Please accept the task first, then open this page again.")
    for name, (platform, assignment) in PLATFORMS.items():
        if name in values:
            if not WORKER.fullmatch(values[name]):
                raise Refused(f"{name} in the address is not valid; use the link of the platform.", 400)
            given_assignment = values.get(assignment, "")
            if not given_assignment.isprintable():  # a half letter or NUL, which databases refuse
                raise Refused(f"{assignment} in the address is not valid; use the link of the platform.", 400)
            return platform, values[name], given_assignment[:128] or None
    return "direct", None, None
