"""The service for programs: what it answers, refuses and bounds."""

import base64
import errno
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from drawn_photos import FakeColorizer, gray_ramp
from PIL import Image
from shrunk import MODEL, checkpoint
from torch import Tensor

from lcoins.app import service as service_module
from lcoins.app.guard import LOCAL, listener
from lcoins.app.service import Service, ServiceLimits
from lcoins.cli.service import read_token
from lcoins.files import WriteError
from lcoins.models.colorizer import Colorization

TOKEN = "a token of some length"


@dataclass
class WaitingColorizer(FakeColorizer):
    """Colors only when it may, so that a test decides how many wait."""

    gate: threading.Event = field(default_factory=threading.Event)

    def colorize(self, lightness: Tensor, captions: list[str]) -> Colorization:
        assert self.gate.wait(20)
        return super().colorize(lightness, captions)


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Iterator[tuple[httpx.Client, Service]]:
    """A client of a service, which the test's parameters describe."""
    options: dict[str, Any] = {"colorizer": FakeColorizer(), "limits": ServiceLimits()} | getattr(request, "param", {})
    service = Service(**options)
    config = uvicorn.Config(service.app(LOCAL), log_level="warning", access_log=False, ws="none")
    server, opened = uvicorn.Server(config), listener("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [opened]})
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{opened.getsockname()[1]}", timeout=30, trust_env=False) as client:
        yield client, service
    server.should_exit = True
    thread.join()
    opened.close()


def photo(image: Image.Image | None = None, form: str = "PNG") -> str:
    file = io.BytesIO()
    (image or gray_ramp()).save(file, form)
    return base64.b64encode(file.getvalue()).decode()


def opened(encoded: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def test_a_picture_for_each_sentence_and_what_its_words_change(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    asked = {"photo": photo(), "sentences": ["a red car", "a yelow door"], "format": "png"}
    answer = client.post("/colorize", json=asked)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    first, second = content["pictures"]
    assert content["size"] == [40, 30] and opened(first["picture"]).size == (40, 30)
    assert first["words"] == [{"word": "red", "share": 1.0}] and first["remarks"] == []
    assert second["words"] == [] and "did you mean yellow?" in second["remarks"][0]
    red = np.array(opened(first["picture"])).mean(axis=(0, 1))
    assert red[0] > red[2] + 30


def test_hints_and_formats(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    flat = photo(Image.new("L", (64, 64), 128))
    asked = {"photo": flat, "sentences": ["a red car"], "hints": ["50%,50%=blue"], "format": "webp"}
    (picture,) = client.post("/colorize", json=asked).json()["pictures"]
    image = opened(picture["picture"])
    assert image.format == "WEBP"
    middle = np.array(image)[32, 32]
    assert middle[2] > middle[0] + 30


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"photo": "!"}, 422, "in base64"),
        ({"photo": base64.b64encode(b"no photo").decode()}, 422, "photo: "),
        ({"sentences": []}, 422, "at least 1"),
        ({"sentences": ["a red car"] * 9}, 422, "at most 8"),
        ({"sentences": [" "]}, 422, "got an empty one"),
        ({"hints": ["red"]}, 422, "expected a hint such as"),
        ({"hints": ["400,1=red"]}, 422, "lies outside the photo"),
        ({"strength": -1}, 422, "greater than or equal to 0"),
        ({"format": "bmp"}, 422, "'jpeg', 'png' or 'webp'"),
    ],
)
def test_a_wrong_request_is_told_what_is_wrong(
    served: tuple[httpx.Client, Service], change: dict[str, Any], status: int, says: str
) -> None:
    client, _ = served
    answer = client.post("/colorize", json={"photo": photo(), "sentences": ["a red car"]} | change)
    assert answer.status_code == status and says in answer.text
    assert "/tmp" not in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize(("number", "status"), [(errno.ENOSPC, 507), (errno.EACCES, 422)])
def test_a_file_that_cannot_be_written_is_told_without_its_path(
    served: tuple[httpx.Client, Service], number: int, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(target: Path, *_: Any) -> None:
        raise WriteError(number, os.strerror(number), str(target))

    monkeypatch.setattr(service_module, "write_picture", fail)
    answer = served[0].post("/colorize", json={"photo": photo(), "sentences": ["a red car"]})
    assert answer.status_code == status and "could not be written" in answer.text and "/tmp" not in answer.text


@pytest.mark.parametrize("served", [{"limits": ServiceLimits(megabytes=1, megapixels=1)}], indirect=True)
def test_what_is_too_large_is_refused(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    large = client.post("/colorize", json={"photo": photo(Image.new("L", (1001, 1000))), "sentences": ["a red car"]})
    assert large.status_code == 422 and "1001 x 1000" in large.text
    body = json.dumps({"photo": "A" * 2_000_000, "sentences": ["a red car"]})
    assert client.post("/colorize", content=body).status_code == 413


@pytest.mark.parametrize("served", [{"token": TOKEN}], indirect=True)
def test_with_a_token_others_are_kept_out(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    asked = {"photo": photo(), "sentences": ["a red car"]}
    for headers in ({}, {"Authorization": "Bearer other"}, {"Authorization": f"Basic {TOKEN}"}):
        assert client.post("/colorize", json=asked, headers=headers).status_code == 401
        assert client.get("/metrics", headers=headers).status_code == 401
    allowed = {"Authorization": f"Bearer {TOKEN}"}
    assert client.post("/colorize", json=asked, headers=allowed).status_code == 200
    assert client.get("/metrics", headers=allowed).status_code == 200
    assert client.get("/health").json()["status"] == "ok"


def test_foreign_pages_hosts_and_paths_are_refused(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    asked = {"photo": photo(), "sentences": ["a red car"]}
    assert client.post("/colorize", json=asked, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get("/health", headers={"Host": "evil.example"}).status_code == 403
    assert client.get("/docs").status_code == 404
    assert client.get("/colorize").status_code == 404


def test_the_description_names_the_request(served: tuple[httpx.Client, Service]) -> None:
    client, _ = served
    description = client.get("/openapi.json").json()
    assert {"photo", "sentences", "hints", "strength", "format"} == set(
        description["components"]["schemas"]["ColorRequest"]["properties"]
    )
    assert set(description["paths"]) == {"/health", "/metrics", "/colorize"}


@pytest.mark.parametrize(
    "served", [{"colorizer": WaitingColorizer(), "limits": ServiceLimits(waiting=2)}], indirect=True
)
def test_only_so_many_wait_and_none_of_them_is_lost(served: tuple[httpx.Client, Service]) -> None:
    client, service = served
    asked = {"photo": photo(), "sentences": ["a red car"]}
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.post, "/colorize", json=asked) for _ in range(3)]
        end = time.monotonic() + 20
        while service.inside < 3 and time.monotonic() < end:
            time.sleep(0.01)
        refused = client.post("/colorize", json=asked)
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "5"
        assert client.get("/health").status_code == 200  # answers while it colors
        assert isinstance(service.colorizer, WaitingColorizer)
        service.colorizer.gate.set()
        assert [one.result().status_code for one in waiting] == [200, 200, 200]
    metrics = client.get("/metrics").text
    assert 'lcoins_requests_total{status="200"} 3.0' in metrics and 'status="503"} 1.0' in metrics
    assert "lcoins_requests_inside 0.0" in metrics and "process_resident_memory_bytes" in metrics


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LCOINS_TOKEN", raising=False)
    assert read_token(None) is None
    monkeypatch.setenv("LCOINS_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    monkeypatch.setenv("LCOINS_TOKEN", f"{TOKEN}\n")  # as a secret of a container often ends
    assert read_token(None) == TOKEN
    (tmp_path / "token").write_text("short\n")
    with pytest.raises(ValueError, match="expected a token of at least 16 characters, got 5"):
        read_token(tmp_path / "token")


KILLED = """
import os, signal
from lcoins.app.folder import temporary_folder
from lcoins.app.service import FOLDER_PREFIX
with temporary_folder(FOLDER_PREFIX) as folder:
    (folder / "photo").write_bytes(b"private")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_nothing_is_left_after_a_kill_and_an_end(ending: signal.Signals, tmp_path: Path) -> None:
    temporary, weights = tmp_path / "tmp", checkpoint(tmp_path, MODEL)
    temporary.mkdir()
    environment = {
        **os.environ,
        "TMPDIR": str(temporary),
        "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)),
    }
    subprocess.run([sys.executable, "-c", KILLED], env=environment)
    (dead,) = temporary.glob("*/files/photo")
    command = [sys.executable, "-u", "-m", "lcoins.cli.main", "serve", "--port", "0", "--checkpoint", str(weights)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path, env=environment
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "removed 1 file of a service that was killed\n" and not dead.exists()
    found = re.search(r"serving at (\S+) ", process.stdout.readline())
    assert found
    answer = httpx.post(found[1], json={"photo": photo(), "sentences": ["a red car"]}, timeout=60, trust_env=False)
    assert answer.status_code == 200, answer.text
    process.send_signal(ending)
    assert process.communicate(timeout=60)[0] == "" and process.returncode == 0
    assert not list(temporary.iterdir())
