"""`lcoins serve`: a photo and sentences in, pictures and what each word changed out, as JSON over HTTP.

One photo is colored at a time; a bounded number may wait, and more are refused at once, so that memory is bounded. The
service keeps nothing: a photo lies in a temporary folder while it is colored.
"""

import asyncio
import base64
import binascii
import hmac
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from lcoins import __version__
from lcoins.app.guard import Guard
from lcoins.colorize.by_hand import placed, read_hints
from lcoins.colorize.photo import checked_sentence, lightness_for_network, recompose_strips
from lcoins.colorize.sentence_colors import sentence_colors
from lcoins.colorize.understood import remarks
from lcoins.files import stops_all
from lcoins.imaging.read import read_gray_photo
from lcoins.imaging.write import write_picture
from lcoins.models.colorizer import ColorizationSystem

READABLE = re.compile(r"/(health|metrics|openapi\.json)")
MOST_SENTENCES = 8  # of one request
TEXT_BYTES = 200_000  # of a request beside its photo
FOLDER_PREFIX = "lcoins-serve-"
SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp"}


class ColorRequest(BaseModel):
    """A photo and what it should look like."""

    photo: str = Field(description="The photo's file, of any format that lcoins reads, in base64.")
    sentences: list[str] = Field(min_length=1, max_length=MOST_SENTENCES, description="A picture is made for each.")
    hints: list[str] = Field([], max_length=100, description='By hand: "25%,60%=red" or "120,80=#804020".')
    strength: float = Field(1.0, ge=0, le=3, description="Of the colors: 0 gray, 1 as predicted.")
    format: Literal["jpeg", "png", "webp"] = "jpeg"


class WordEffect(BaseModel):
    """A color of the sentence, as written, and the share of the picture, 0 to 1, that it changes visibly."""

    word: str
    share: float


class Picture(BaseModel):
    """The picture of one sentence."""

    sentence: str
    picture: str = Field(description="The picture's file, in base64, of the photo's size.")
    words: list[WordEffect]
    silent: list[str] = Field(description="Color words that found no region in the photo.")
    not_found: list[str] = Field(description="Things not found or too small: their colors go anywhere or nowhere.")
    remarks: list[str] = Field(description="What was not understood, or read as another word.")


class Pictures(BaseModel):
    """The answer to a request."""

    size: tuple[int, int] = Field(description="Width and height.")
    notices: list[str] = Field(description="Remarks about the photo's file.")
    pictures: list[Picture]


@dataclass(frozen=True)
class ServiceLimits:
    """Bounds of a request's photo, in MiB and megapixels, and how many requests may wait beside the one at work."""

    megabytes: int = 20
    megapixels: int = 60
    waiting: int = 8

    @property
    def body_bytes(self) -> int:
        """The most bytes of a request, whose photo is in base64."""
        return self.megabytes * 2**20 * 4 // 3 + TEXT_BYTES


class Service:
    """Answers requests by a system on its device; with a ``token``, those that carry it ("Authorization: Bearer")."""

    def __init__(
        self, colorizer: ColorizationSystem, limits: ServiceLimits, token: str | None = None, device: str = "cpu"
    ) -> None:
        self.colorizer, self.limits, self.token, self.device = colorizer, limits, token, device
        self.turn, self.inside = asyncio.Lock(), 0
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "lcoins_requests", "Requests to color, by HTTP status.", ["status"], registry=self.registry
        )
        self.seconds = Histogram(
            "lcoins_color_seconds", "Time to color one photo, without waiting.", registry=self.registry
        )
        inside = Gauge("lcoins_requests_inside", "Requests at work or waiting.", registry=self.registry)
        inside.set_function(lambda: self.inside)

    def app(self, hosts: Iterable[str] | None) -> FastAPI:
        """The application, for these host names; None for any."""
        guard = Middleware(Guard, hosts, READABLE, {"/colorize": self.limits.body_bytes})
        app = FastAPI(title="lcoins", version=__version__, docs_url=None, redoc_url=None, middleware=[guard])
        allowed = [Depends(self._expect_token)]
        app.get("/health", summary="Whether the service answers, and its version.")(self.health)
        app.get("/metrics", summary="Figures in the format of Prometheus.", dependencies=allowed)(self.metrics)
        app.post("/colorize", summary="Color a photo by sentences.", dependencies=allowed)(self.colorize)
        return app

    def _expect_token(
        self, given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
    ) -> None:
        said = given.credentials if given else ""
        if self.token is not None and not hmac.compare_digest(said.encode("latin-1"), self.token.encode()):
            raise HTTPException(401, "A token is needed: Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    def health(self) -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    def metrics(self) -> Response:
        return Response(generate_latest(self.registry), media_type="text/plain; version=0.0.4")

    async def colorize(self, asked: ColorRequest, request: Request) -> Pictures:
        """The pictures, after those who came before; 503 with Retry-After where too many wait already."""
        try:
            found = await self._in_turn(asked, request)
        except Exception as error:
            self.requests.labels(error.status_code if isinstance(error, HTTPException) else 500).inc()
            raise
        self.requests.labels(200).inc()
        return found

    async def _in_turn(self, asked: ColorRequest, request: Request) -> Pictures:
        if self.inside > self.limits.waiting:
            raise HTTPException(503, "Too many requests wait; try again.", {"Retry-After": "5"})
        self.inside += 1
        try:
            async with self.turn:
                if await request.is_disconnected():
                    raise HTTPException(499, "The sender is gone.")
                with self.seconds.time():
                    return await run_in_threadpool(self.pictures, asked)
        finally:
            self.inside -= 1

    def pictures(self, asked: ColorRequest) -> Pictures:
        """Colors a photo. HTTPException says what is wrong with the request, or with the disk."""
        with tempfile.TemporaryDirectory() as folder, _in_words(folder):
            sentences = [checked_sentence(sentence) for sentence in asked.sentences]
            hints = read_hints(asked.hints, ())
            file = Path(folder) / "photo"
            file.write_bytes(_decoded(asked.photo))
            photo = read_gray_photo(file, max_pixels=self.limits.megapixels * 1_000_000)
            seen = lightness_for_network(self.colorizer, photo.lightness, self.device)
            by_hand = placed(hints, photo.size, self.colorizer.image_size)
            pictures = []
            for sentence in sentences:
                colors = sentence_colors(self.colorizer, seen, sentence, by_hand)
                target = Path(folder) / f"picture{SUFFIXES[asked.format]}"
                strips = recompose_strips(photo.lightness, colors.offset, colors.slope, strength=asked.strength)
                write_picture(target, photo, strips)
                words = [WordEffect(word=word, share=round(share, 4)) for word, share in colors.shares()]
                encoded = base64.b64encode(target.read_bytes()).decode()
                pictures.append(
                    Picture(
                        sentence=sentence,
                        picture=encoded,
                        words=words,
                        silent=colors.silent(),
                        not_found=list(colors.not_found),
                        remarks=remarks(sentence),
                    )
                )
            notices = [notice.replace(f"{file}: ", "") for notice in photo.notices]
            return Pictures(size=photo.size, notices=notices, pictures=pictures)


@contextmanager
def _in_words(folder: str) -> Iterator[None]:
    """Turns errors into answers, which name no path of the server."""
    try:
        yield
    except (ValueError, OSError) as error:
        said = str(error).replace(f"{folder}{os.sep}", "")
        raise HTTPException(507 if stops_all(error) else 422, said) from error


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError(f"expected the photo's file in base64: {error}") from error
