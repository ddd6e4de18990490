"""People with known preferences who take part in a study through its HTTP interface: honest, careless, left-biased.

python tests/simulated_people.py http://127.0.0.1:7861/ STUDY --people 200 --at-once 50
"""

import argparse
import http.client
import json
import math
import random
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lcoins.study.protocol import Protocol, read_protocol

PERSON_SPREAD, IMAGE_SPREAD = 0.5, 0.4  # standard deviation of log strengths from person to person, image to image
KINDS = ("honest",) * 8 + ("careless", "left")


@dataclass
class World:
    """What is true: the log strength of each entry, and where each picture comes from."""

    protocol: Protocol
    strengths: dict[str, float]
    seed: int = 0
    entry: dict[tuple[str, str], str] = field(init=False)
    answers: dict[str, str] = field(init=False)
    lifted: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        stimuli = self.protocol.stimuli
        self.entry = {
            (f, s.caption): e for s in stimuli if s.right is None for f, e in zip(s.pictures, s.entries, strict=True)
        }
        self.answers = {f: s.pictures[s.right] for s in stimuli if s.right is not None for f in s.pictures}
        rng = random.Random(self.seed)
        for stimulus in stimuli:
            for entry in stimulus.entries:
                self.lifted.setdefault((stimulus.image, entry), rng.gauss(0, IMAGE_SPREAD))
        self.image = {s.caption: s.image for s in stimuli}


class Client:
    """A browser's part: the cookie, the CSRF token, and sending again when the server asks to wait."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self.connection = http.client.HTTPConnection(self.host, timeout=60)
        self.cookie, self.csrf = "", ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, bytes]:
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, "Origin": f"http://{self.host}"}
        for _ in range(200):
            try:
                self.connection.request(method, path, content, headers)
                answer = self.connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                self.connection.close()
                time.sleep(0.1)
                continue
            if answer.status == 429:
                time.sleep(0.25)
                continue
            if given := answer.getheader("Set-Cookie"):
                self.cookie = given.partition(";")[0]
            return answer.status, text
        raise RuntimeError(f"no answer to {method} {path}")

    def close(self) -> None:
        self.connection.close()

    def state(self, method: str = "GET", path: str = "/state", body: Any = None) -> dict[str, Any]:
        status, text = self.ask(method, path, body)
        if status != 200:
            raise RuntimeError(f"{method} {path} gave {status}: {text.decode()}")
        state = json.loads(text)
        self.csrf = state["csrf"]
        return state

    def open(self) -> dict[str, Any]:
        self.ask("GET", "/")
        return self.state()


def take_part(address: str, world: World, number: int, kind: str, until: float = math.inf) -> dict[str, Any]:
    """One person from consent to the code, or until a time; gives the acknowledged votes and how long each took."""
    rng = random.Random(world.seed * 100_003 + number)
    own = {entry: rng.gauss(0, PERSON_SPREAD) for entry in world.strengths}
    votes, seconds = [], []
    with closing(Client(address)) as client:
        version = client.open()["consent"]["version"]
        client.state("POST", "/join", {"consent": version, "query": f"?PROLIFIC_PID=p{world.seed}x{number}"})
        digits = [plate["digit"] for plate in world.protocol.plates]
        check = {"digits": digits, "filter": "no", "device": "computer", "screen": [1920, 1080]}
        state = client.state("POST", "/check", check)
        while state["stage"] == "trial" and time.monotonic() < until:
            trial = state["trial"]
            files = [path.rsplit("/", 1)[-1] for path in trial["pictures"]]
            ballot = {
                "uuid": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "number": trial["number"],
                "position": choose(world, rng, kind, files, trial["caption"], own),
                "milliseconds": round(1000 * rng.lognormvariate(math.log(1.3 if kind == "careless" else 4), 0.4)),
                "width": 360.0,
                "height": 270.0,
                "pixel_ratio": 1.0,
                "focus_lost": 0,
            }
            began = time.monotonic()
            state = client.state("POST", "/vote", ballot)
            seconds.append(time.monotonic() - began)
            votes.append(ballot["uuid"])
    return {"kind": kind, "votes": votes, "seconds": seconds, "code": state.get("code"), "number": number}


def choose(world: World, rng: random.Random, kind: str, files: list[str], caption: str, own: dict[str, float]) -> int:
    """The position that a person of this kind chooses."""
    if kind == "careless":
        return rng.randrange(len(files))
    if kind == "left" and rng.random() < 0.85:
        return 0
    if (files[0], caption) not in world.entry:  # a trial with a known answer, which careful people miss rarely
        return files.index(world.answers[files[0]]) if rng.random() < 0.98 else rng.randrange(len(files))
    noisy = []
    for file in files:
        entry = world.entry[file, caption]
        gumbel = -math.log(-math.log(rng.random()))
        noisy.append(world.strengths[entry] + own[entry] + world.lifted[world.image[caption], entry] + gumbel)
    return noisy.index(max(noisy))


def true_shares(world: World, sets: list[tuple[str, ...]], draws: int = 4000) -> dict[str, float]:
    """The share of choices of each entry where it is shown, over many people and images, by simulation."""
    rng = random.Random(1)
    wins: Counter[str] = Counter()
    shown: Counter[str] = Counter()
    spread = math.hypot(PERSON_SPREAD, IMAGE_SPREAD)
    for one in sets:
        for _ in range(draws):
            powers = [math.exp(world.strengths[entry] + rng.gauss(0, spread)) for entry in one]
            for entry, power in zip(one, powers, strict=True):
                wins[entry] += power / sum(powers)
                shown[entry] += 1
    return {entry: wins[entry] / shown[entry] for entry in world.strengths}


def run(address: str, world: World, people: int, at_once: int, seconds: float = math.inf) -> list[dict[str, Any]]:
    """Lets so many people take part, ``at_once`` at a time; each tenth is careless, each tenth presses left."""
    until = time.monotonic() + seconds
    with ThreadPoolExecutor(at_once) as pool:
        jobs = [pool.submit(take_part, address, world, n, KINDS[n % len(KINDS)], until) for n in range(people)]
        return [job.result() for job in jobs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("study", type=Path)
    parser.add_argument("--people", type=int, default=200)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    protocol = read_protocol(options.study)
    names = [entry.name for entry in protocol.entries]
    strengths = {name: 0.5 * (index - (len(names) - 1) / 2) for index, name in enumerate(names)}
    world = World(protocol, strengths, options.seed)
    began = time.monotonic()
    done = run(options.address, world, options.people, options.at_once, options.seconds)
    wall = time.monotonic() - began
    took = sorted(second for one in done for second in one["seconds"])
    votes = [vote for one in done for vote in one["votes"]]
    print(f"{len(done)} people, {len(votes)} votes acknowledged in {wall:.0f} s, {len(votes) / wall:.0f} a second")
    middle, slow = (1000 * took[len(took) * percent // 100] for percent in (50, 99))
    print(f"answer to a vote: median {middle:.0f} ms, 99 % {slow:.0f} ms")
    print(f"finished: {sum(one['code'] is not None for one in done)}")
    sets = sorted({stimulus.entries for stimulus in protocol.stimuli if stimulus.right is None})
    for name, share in true_shares(world, sets).items():
        print(f"true share of {name}: {100 * share:.1f} %")
    Path("acknowledged.json").write_text(json.dumps(votes))


if __name__ == "__main__":
    main()
