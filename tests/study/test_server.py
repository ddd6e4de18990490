"""The page over HTTP: what it refuses, simulated people, a killed server, and a person in a real browser."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from drawn_study import draw_study
from simulated_people import Client, World, run, take_part, true_shares
from typer.testing import CliRunner

from lcoins.cli.main import app
from lcoins.study.protocol import CONSENT

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("sqlalchemy", "starlette", "uvicorn")),
    reason="needs the page of a study: pip install 'lcoins[study]'",
)
STRENGTHS = {"one": -0.6, "two": 0.0, "three": 0.3, "Ground truth": 0.9}


@dataclass
class Served:
    """A running `lcoins study serve` of a study."""

    process: subprocess.Popen[str]
    address: str
    folder: Path
    world: World

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def serve(folder: Path, world: World, port: int = 0, *options: str) -> Served:
    command = [sys.executable, "-m", "lcoins.cli.main", "study", "serve", str(folder), "--port", str(port), *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path)), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    assert process.stdout is not None
    said = process.stdout.readline()
    found = re.search(r"The study is at (\S+)", said)
    assert found, said + process.communicate()[0]
    return Served(process, found[1], folder, world)


def make(folder: Path, **options: Any) -> tuple[Path, World]:
    protocol = draw_study(folder, **options)
    return folder / "study", World(protocol, STRENGTHS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    server = serve(*make(tmp_path_factory.mktemp("served")), 0, "--max-people", "400")
    yield server
    server.kill()


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with closing(Client(served.address)) as opened:
        yield opened


def join(client: Client, query: str = "") -> dict[str, Any]:
    state = client.open()
    return client.state("POST", "/join", {"consent": state["consent"]["version"], "query": query})


CHECK = {"digits": ["none"] * 3, "filter": "no", "device": "phone", "screen": [390, 844]}
VOTE = {"number": 0, "position": 1, "milliseconds": 900, "width": 90, "height": 60, "pixel_ratio": 2, "focus_lost": 0}
UUID = "00000000-0000-4000-8000-00000000000{}"


def test_a_person_from_consent_to_the_code(served: Served, client: Client) -> None:
    assert join(client, "?PROLIFIC_PID=abc&SESSION_ID=1")["stage"] == "check"
    assert client.state("POST", "/check", CHECK)["stage"] == "trial"
    done = take_part(served.address, served.world, 0, "honest")
    assert re.fullmatch(r"[0-9A-F]{8}", done["code"]) and len(done["votes"]) == len(served.world.protocol.slots[0])
    vote = {**VOTE, "uuid": UUID.format(1)}
    first = client.state("POST", "/vote", vote)
    assert first["answered"] == 1 and client.state("POST", "/vote", vote) == first  # sent again, counted once
    assert client.state() == first  # a reload resumes
    with closing(Client(served.address)) as other:  # and so does another browser of the same worker
        assert join(other, "?PROLIFIC_PID=abc")["answered"] == 1
    assert client.ask("POST", "/vote", {**vote, "number": 1})[0] == 403


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/vote", {**VOTE, "uuid": UUID.format(2), "position": 99}, 400),
        ("/vote", {**VOTE, "uuid": "no"}, 400),
        ("/vote", {**VOTE, "uuid": UUID.format(3), "width": "wide"}, 400),
        ("/vote", {**VOTE, "uuid": UUID.format(4), "milliseconds": True}, 400),
        ("/vote", {**VOTE, "uuid": UUID.format(5), "number": 7}, 409),
        ("/vote", [], 400),
        ("/vote", {"uuid": "x" * 5000}, 413),
        ("/check", {**CHECK, "digits": ["1"]}, 400),
        ("/check", {**CHECK, "digits": ["1", "2", []]}, 400),
        ("/check", {**CHECK, "filter": "perhaps"}, 400),
        ("/join", {"consent": "old", "query": ""}, 409),
        ("/join", {"query": "?assignmentId=ASSIGNMENT_ID_NOT_AVAILABLE"}, 409),
        ("/join", {"query": "?PROLIFIC_PID=5f1&SESSION_ID=\ud800"}, 400),
        ("/join", {"query": "?workerId=A2&assignmentId=%00"}, 400),
        ("/nowhere", {}, 404),
    ],
)
def test_what_is_malformed_is_refused(served: Served, client: Client, path: str, body: Any, status: int) -> None:
    join(client)
    client.state("POST", "/check", CHECK)
    if path == "/join":
        body = {"consent": served.world.protocol.consent["version"]} | body
    assert client.ask("POST", path, body)[0] == status
    assert client.state()["answered"] == 0


@pytest.mark.parametrize(
    ("name", "value"), [("milliseconds", 1e9), ("width", "x" * 99), ("uuid", "X")], ids=("a time", "a size", "a uuid")
)
def test_a_refusal_names_the_field_and_what_came(client: Client, name: str, value: Any) -> None:
    join(client)
    client.state("POST", "/check", CHECK)
    told = json.loads(client.ask("POST", "/vote", {**VOTE, "uuid": UUID.format(6), name: value})[1])["error"]
    assert told.startswith(f"Expected {name} as ") and f"got {value!r}"[:54] in told and len(told) < 120


def test_other_sites_and_hosts_are_refused(client: Client) -> None:
    join(client)
    body = json.dumps(CHECK).encode()
    good = {"Cookie": client.cookie, "X-CSRF-Token": client.csrf, "Content-Type": "application/json"}
    for change in (
        {"X-CSRF-Token": "0" * 64},
        {"X-CSRF-Token": "é" * 64},
        {"Origin": "http://example.org"},
        {"Origin": "http://["},
        {"Host": "example.org"},
        {"Cookie": ""},
    ):
        client.connection.request("POST", "/check", body, good | change)
        answer = client.connection.getresponse()
        answer.read()
        assert answer.status == 403, change
    client.connection.request("GET", "/")
    answer = client.connection.getresponse()
    answer.read()
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "HttpOnly" in answer.headers["Set-Cookie"] and "SameSite=lax" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("path", ["/protocol.json", "/votes.sqlite", "/pictures/..%2fprotocol.json", "/pictures/x.jpg"])
def test_nothing_but_the_pictures_is_served(client: Client, path: str) -> None:
    assert client.ask("GET", path)[0] == 404


def test_the_state_tells_nothing_about_systems_or_right_answers(client: Client) -> None:
    told = json.dumps([join(client), client.state("POST", "/check", CHECK)])
    assert not [name for name in (*STRENGTHS, "gold", "repeat", "right", "digit") if name in told]


def test_another_worker_in_the_same_browser_begins_anew(served: Served) -> None:
    with closing(Client(served.address)) as browser:
        join(browser, "?PROLIFIC_PID=one&SESSION_ID=1")
        for query, stage in (
            ("?PROLIFIC_PID=one&SESSION_ID=1", "check"),
            ("", "check"),
            ("?PROLIFIC_PID=b", "consent"),
        ):
            assert browser.ask("GET", f"/{query}")[0] == 200
            assert browser.state()["stage"] == stage


def test_a_session_that_floods_is_slowed() -> None:
    from lcoins.study.server import Buckets

    now = [0.0]
    buckets = Buckets(5, 20, lambda: now[0])
    assert sum(buckets.take("a") for _ in range(50)) == 20 and buckets.take("b")
    now[0] = 1.0
    assert sum(buckets.take("a") for _ in range(50)) == 5


def test_simulated_people_are_understood(tmp_path: Path) -> None:
    """40 people, of whom 4 press at random and 4 to the left: the truth lies in the intervals of those who remain.

    They come one after the other: who gets which pictures depends on who comes first, and so would the votes.
    """
    folder, world = make(tmp_path, images=10, people=40, per_person=8, repeat_share=0.125)
    server = serve(folder, world)
    done = run(server.address, world, 40, 1)
    server.process.send_signal(signal.SIGINT)
    server.process.communicate(timeout=30)
    assert all(one["code"] for one in done)
    said = CliRunner().invoke(app, ["study", "report", str(folder)], catch_exceptions=False)
    assert said.exit_code == 0
    report = (folder / "report" / "report.md").read_text()
    assert f"{len(done) * len(world.protocol.slots[0]):,} answers" in report and "Result: everybody" in report
    with (folder / "report" / "estimates.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["people"] == "without excluded people"]
    shares = {row["of"]: row for row in rows if row["figure"] == "share"}
    truth = true_shares(world, [tuple(STRENGTHS)], 1000)
    inside = [float(shares[n]["low"]) <= share <= float(shares[n]["high"]) for n, share in truth.items()]
    assert sum(inside) >= 3, inside  # of four intervals at 95 %
    with (folder / "report" / "people.csv").open(newline="") as file:
        excluded = {int(row["person"]): row["excluded"] == "True" for row in csv.DictReader(file)}
    with (folder / "report" / "payment.csv").open(newline="") as file:
        number = {int(row["worker"].rpartition("x")[2]): int(row["person"]) for row in csv.DictReader(file)}
    by_kind: dict[str, list[bool]] = {"honest": [], "careless": [], "left": []}
    for one in done:
        by_kind[one["kind"]].append(excluded[number[one["number"]]])
    assert sum(by_kind["careless"]) >= 3 and sum(by_kind["left"]) == 4 and sum(by_kind["honest"]) <= 2


def test_a_killed_server_loses_no_acknowledged_vote(tmp_path: Path) -> None:
    from sqlalchemy import select

    from lcoins.study.database import store_url
    from lcoins.study.store import Store
    from lcoins.study.tables import vote

    folder, world = make(tmp_path)
    server = serve(folder, world)
    port = int(server.address.rsplit(":", 1)[1].strip("/"))
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(take_part, server.address, world, number, "honest") for number in range(8)]
        for _ in range(2):
            time.sleep(0.7)
            server.process.send_signal(signal.SIGKILL)
            server.process.communicate()
            server = serve(folder, world, port)
        done = [job.result(timeout=120) for job in jobs]
    server.kill()
    store = Store(store_url(folder), world.protocol, folder)
    with store.database.engine.begin() as connection:
        kept = connection.execute(select(vote.c.uuid)).scalars().all()
    store.database.close()
    assert sorted(kept) == sorted(one for person in done for one in person["votes"])
    assert len(kept) == 8 * len(world.protocol.slots[0])


def test_a_person_in_a_browser(served: Served, chromium: Any) -> None:
    """By keyboard alone on a phone's screen, with a reload in the middle, and without a word of complaint."""
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{served.address}?workerId=W7&assignmentId=A1&hitId=H")
    page.check("#agree")
    page.keyboard.press("Enter")
    digits = [plate["digit"] for plate in served.world.protocol.plates]
    page.locator("#plates select").nth(2).wait_for()
    for index, digit in enumerate(digits):
        page.locator("#plates select").nth(index).select_option(digit)
    page.check("input[name=filter][value=no]")
    page.check("input[name=device][value=phone]")
    page.click("#check button")
    total = len(served.world.protocol.slots[0])
    for number in range(total):
        page.locator("#progress", has_text=f"{number + 1} of {total}").wait_for()
        page.locator(".option img").first.wait_for()
        page.wait_for_timeout(100)  # two frames, after which the clock runs
        if number == 3:
            shown = page.locator(".option img").evaluate_all("all => all.map(image => image.src)")
            page.reload()
            page.locator(".option img").first.wait_for()
            assert shown == page.locator(".option img").evaluate_all("all => all.map(image => image.src)")
            page.wait_for_timeout(100)
        page.keyboard.press("2")
        page.keyboard.press("Enter")
    page.locator("#done").wait_for()
    assert re.fullmatch(r"[0-9A-F]{8}", page.locator("#code").inner_text())
    assert complaints == []
    assert all(url.startswith((served.address, "data:")) for url in asked)
    context.close()


@pytest.mark.parametrize(("width", "height"), [(320, 568), (375, 667), (600, 900), (844, 390)])
def test_pictures_fit_on_a_small_screen(served: Served, chromium: Any, width: int, height: int) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(served.address)
    page.locator("#terms p").first.wait_for()
    assert page.locator("#terms p").count() == len(CONSENT.splitlines())
    page.check("#agree")
    page.click("#consent button")
    page.locator("#plates select").nth(2).wait_for()
    for index in range(3):
        page.locator("#plates select").nth(index).select_option("none")
    page.check("input[name=filter][value=no]")
    page.check("input[name=device][value=phone]")
    page.click("#check button")
    page.locator(".option img").first.wait_for()
    rows = page.locator(".option").evaluate_all(
        "all => all.map(one => (one.querySelector('img').style.width = '900px', one)).map(one => one.offsetTop)"
    )
    assert len(rows) == 4 and len(set(rows)) == 2
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator(".option").evaluate_all("all => all.slice(2).forEach(one => one.remove())")
    page.locator("#options").evaluate("options => options.classList.add('two')")
    assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")  # of two, nothing is out of sight
    context.close()


def test_a_page_that_must_wait_says_why_and_tries_again(served: Served, chromium: Any) -> None:
    page = chromium.new_page()
    statuses = [429, 503]

    def answer(route: Any) -> None:
        if statuses:
            route.fulfill(status=statuses.pop(0), json={"error": "Wait."})
        else:
            route.continue_()

    page.route("**/join", answer)
    page.goto(served.address)
    page.check("#agree")
    page.click("#consent button")
    page.locator("#message", has_text="Many people are here at once; this page tries again by itself").wait_for()
    page.locator("#message", has_text="The study does not answer; this page tries again by itself").wait_for()
    page.locator("#plates select").first.wait_for()
    assert not page.locator("#message").is_visible()
    page.close()


@pytest.mark.parametrize(("address", "shown"), [(None, "give"), ("https://example.org/back", "return")])
def test_the_end_says_one_thing_to_do(served: Served, chromium: Any, address: str | None, shown: str) -> None:
    page = chromium.new_page()
    state = {"csrf": "", "title": "Study", "stage": "done", "code": "ABCD1234", "return_url": address}
    page.route("**/state", lambda route: route.fulfill(json=state))
    page.goto(served.address)
    page.locator("#code", has_text="ABCD1234").wait_for()
    assert [name for name in ("give", "return") if page.locator(f"#{name}").is_visible()] == [shown]
    page.close()


@pytest.mark.parametrize(("host", "told"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_who_lets_others_in_is_told_what_that_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str, told: bool
) -> None:
    monkeypatch.setattr("lcoins.app.guard.serve", lambda *parts: None)
    done = CliRunner().invoke(app, ["study", "serve", str(make(tmp_path)[0]), "--host", host], catch_exceptions=False)
    assert done.exit_code == 0 and ("encrypts nothing" in done.stderr) is told


def test_a_taken_port_is_named(served: Served) -> None:
    port = served.address.rsplit(":", 1)[1].strip("/")
    command = [sys.executable, "-m", "lcoins.cli.main", "study", "serve", str(served.folder), "--port", port]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 2 and "choose another --port" in done.stderr and "Traceback" not in done.stderr
