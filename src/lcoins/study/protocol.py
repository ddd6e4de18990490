"""The protocol of a study: all that is decided before the first person takes part, in one JSON file.

``protocol.json`` lies in the folder of the study, beside ``pictures/``. It names every picture by its SHA-256, holds
each person's trials in their order, and the rules by which people are excluded later.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from lcoins.files import sha256_of, write_whole

FORMAT, VERSION = "lcoins-study", 1
FILE, PICTURES = "protocol.json", "pictures"
Question = Literal["reality", "correspondence"]
Mode = Literal["all-at-once", "2afc"]
Kind = Literal["vote", "gold", "repeat"]
TRUTH = "Ground truth"

QUESTION_TEXTS: dict[Question, str] = {
    "reality": "Which picture looks most real?",
    "correspondence": "Which picture matches the sentence best?",
}
CONSENT = """You will look at pictures and choose one of them, about {trials} times; this takes about {minutes} minutes.
Some pictures were colored by computer programs. We want to know which ones people prefer.
You need a screen in color, and should see colors as most people do; we ask about both first.
We store your choices, how long they took, how large the pictures were on your screen, whether the page was out of \
focus, and the participant number that a recruiting platform hands over. We store no name and no IP address.
Taking part is voluntary. You may stop at any time by closing the page."""


@dataclass(frozen=True)
class Rules:
    """When a person is excluded, decided in advance; shares lie in 0..1.

    ``gold_right``: at least this share of the trials with a known answer must be right. ``seconds``: the median answer
    must take at least this long. ``one_position``: at most this share of the votes may go to one position.
    ``answered``: at least this share of the trials must be answered. ``color_plates``: at least so many of the plates
    in red and green must be read. Beside these, who misreads the control plate or says that a filter changes the
    colors of the screen is excluded.
    """

    gold_right: float
    one_position: float
    seconds: float = 1.0
    answered: float = 0.5
    color_plates: int = 1


@dataclass(frozen=True)
class Entry:
    """What is compared: a system or the real photos. ``weights`` is the SHA-256 of a system's weights, if known."""

    name: str
    kind: str
    source: str
    weights: str | None = None


@dataclass(frozen=True)
class Picture:
    """A picture that is shown: ``file`` in the folder of pictures, whose name is the start of its SHA-256.

    ``entry`` is "" for a picture that was spoiled for a gold trial. ``source`` is the file or photo it comes from.
    """

    file: str
    sha256: str
    image: str
    entry: str
    source: str
    source_sha256: str


@dataclass(frozen=True)
class Stimulus:
    """A question: an image, the caption shown with it, its pictures by name of file, and the entry of each.

    The entry of a picture that was spoiled is "". ``right`` is the index of the right answer of a gold trial.
    """

    image: str
    caption: str
    pictures: tuple[str, ...]
    entries: tuple[str, ...]
    right: int | None = None


@dataclass(frozen=True)
class Trial:
    """A stimulus (its index) with its pictures from the first position to the last.

    ``repeat_of`` is the index in the person's trials of the one that is shown again.
    """

    kind: Kind
    stimulus: int
    order: tuple[int, ...]
    repeat_of: int | None = None


@dataclass
class Protocol:
    """A study; ``slots`` holds the trials of each person, ``plates`` file and digit of the color-vision check."""

    title: str
    question: Question
    mode: Mode
    seed: int
    code: dict[str, Any]
    consent: dict[str, str]
    rules: Rules
    entries: list[Entry]
    pictures: list[Picture]
    stimuli: list[Stimulus]
    slots: list[list[Trial]]
    plates: list[dict[str, str]]
    settings: dict[str, Any] = field(default_factory=dict)

    def shown(self, trial: Trial) -> list[str]:
        """The files of a trial's pictures from the first position to the last."""
        pictures = self.stimuli[trial.stimulus].pictures
        return [pictures[index] for index in trial.order]


def write_protocol(protocol: Protocol, folder: Path) -> Path:
    """Writes ``protocol.json``, one line for each person, picture and stimulus."""
    content = {"format": FORMAT, "version": VERSION, **asdict(protocol)}
    lines = []
    for key, value in content.items():
        if isinstance(value, list) and value:
            rows = ",\n  ".join(json.dumps(_short(row), ensure_ascii=False) for row in value)
            lines.append(f" {json.dumps(key)}: [\n  {rows}\n ]")
        else:
            lines.append(f" {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    path = folder / FILE
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def _short(row: Any) -> Any:
    """A person's trials as lists of kind, stimulus, order and what they repeat, for there are many of them."""
    return [list(trial.values()) for trial in row] if isinstance(row, list) else row


def read_protocol(folder: Path) -> Protocol:
    """The protocol of a study; raises FileNotFoundError, or ValueError for a file of another kind or version."""
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(f"{path}: no such protocol; make a study with `lcoins study make`, or check the folder")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON ({error}); make the study anew with `lcoins study make`") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise ValueError(
            f"{path}: expected a protocol of {FORMAT}, version {VERSION}; make it with this lcoins' `study make`"
        )
    return _protocol(content, path)


def _protocol(content: Mapping[str, Any], path: Path) -> Protocol:
    try:
        protocol = Protocol(
            **{key: content[key] for key in ("title", "question", "mode", "seed", "code", "consent", "plates")},
            settings=content["settings"],
            rules=Rules(**content["rules"]),
            entries=[Entry(**row) for row in content["entries"]],
            pictures=[Picture(**row) for row in content["pictures"]],
            stimuli=[
                Stimulus(**{**row, "pictures": tuple(row["pictures"]), "entries": tuple(row["entries"])})
                for row in content["stimuli"]
            ],
            slots=[
                [Trial(kind, stimulus, tuple(order), repeat) for kind, stimulus, order, repeat in slot]
                for slot in content["slots"]
            ],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: a part is missing or malformed ({error}); make the study anew") from error
    if protocol.question not in get_args(Question) or protocol.mode not in get_args(Mode) or not protocol.slots:
        raise ValueError(f"{path}: unknown question or mode, or no trials; make the study anew")
    return protocol


def expect_pictures(protocol: Protocol, folder: Path) -> None:
    """Raises ValueError unless every picture of the protocol is there with its SHA-256."""
    wanted = {picture.file: picture.sha256 for picture in protocol.pictures}
    wanted |= {plate["file"]: plate["sha256"] for plate in protocol.plates}
    for file, digest in wanted.items():
        path = folder / PICTURES / file
        if not path.is_file() or sha256_of(path) != digest:
            what = "differs from" if path.is_file() else "is missing, unlike"
            raise ValueError(f"{path} {what} what {FILE} names; restore the folder, or make the study anew")
