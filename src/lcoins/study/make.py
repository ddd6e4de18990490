"""Makes a study: chooses the images, stores their pictures, and draws each person's trials."""

import hashlib
import io
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lcoins.code_version import code_version
from lcoins.color.words import colors_named, recolor
from lcoins.data.caption_lists import read_pairs
from lcoins.data.pairs import captions_by_photo
from lcoins.study.design import balance, draw_design
from lcoins.study.pictures import (
    FolderSource,
    Source,
    available,
    mean_chroma,
    open_source,
    photo_source,
    store_bytes,
    store_image_set,
)
from lcoins.study.plates import DIGITS, plate
from lcoins.study.protocol import (
    CONSENT,
    FILE,
    PICTURES,
    TRUTH,
    Mode,
    Picture,
    Protocol,
    Question,
    Rules,
    Stimulus,
    write_protocol,
)
from lcoins.study.trials import gold_stimuli, session_trials, vote_trials
from lcoins.wording import counted

GOLD_SHARE, REPEAT_SHARE = 0.05, 0.05  # of a person's votes


@dataclass(frozen=True)
class Demands:
    """What a trial asks by the number of pictures in it: seconds of a person's time, and the limits of exclusion."""

    seconds: int
    least_gold: int
    gold_right: float
    one_position: float


# With fewer gold trials, a person who presses at random would pass too often: by these, 3.5 % of them between two
# pictures (7 of 8 right), and 5 % among four (3 of 4).
OF_TWO = Demands(seconds=5, least_gold=8, gold_right=0.8, one_position=0.8)
OF_MORE = Demands(seconds=12, least_gold=4, gold_right=0.75, one_position=0.5)


@dataclass(frozen=True)
class StudyOptions:
    """What a study asks and of whom; ``size`` is the longer side of a picture in pixels.

    ``consent`` is a text file with what people agree to, None for CONSENT. Its version is the start of its SHA-256.
    """

    question: Question = "reality"
    mode: Mode = "all-at-once"
    images: int = 100
    people: int = 25
    per_person: int | None = None
    seed: int = 0
    size: int = 512
    replace_colors: bool = False
    gold_share: float = GOLD_SHARE
    repeat_share: float = REPEAT_SHARE
    title: str = "Colorized photos"
    consent: Path | None = None


def make_study(
    folder: Path,
    systems: Mapping[str, str],
    captions: Path,
    photos: Path | None,
    options: StudyOptions,
    progress: Callable[[Sequence[str]], Iterable[str]] = iter,
) -> tuple[Protocol, list[str]]:
    """Writes the pictures and, last, ``protocol.json``; gives the protocol and remarks for the person who made it.

    Args:
        folder: Where the study goes; a study that is there is never overwritten.
        systems: By name a folder of pictures, a package, a run, a checkpoint, or "builtin".
        captions: The caption list; the first caption of a photo counts.
        photos: The folder of real photos: needed by systems that color here, and shown where the question is reality.
        options: What is asked.
        progress: Wraps the chosen photos, to show how far the work is.

    Raises ValueError where the parts do not fit, FileNotFoundError where one is missing.
    """
    if (folder / FILE).exists():
        raise ValueError(f"{folder / FILE} exists, and people may have voted; choose another folder")
    real = photo_source(photos) if photos else None
    sources: list[Source] = [open_source(name, source, real) for name, source in systems.items()]
    _check(options, sources, real)
    if options.question == "reality" and real:
        sources.append(real)
    listed = captions_by_photo(read_pairs(captions)[0])
    texts = {photo: own[0] for photo, own in listed.items()}
    if options.replace_colors:
        mixed = random.Random(options.seed)
        texts = {photo: recolor(text, mixed) for photo, text in texts.items() if colors_named(text)}
    chosen, spare, remarks = _choose(texts, sources, options)
    rng = np.random.default_rng(options.seed)
    shown = len(sources) if options.mode == "all-at-once" else 2
    demands = OF_TWO if shown == 2 else OF_MORE
    per_person = options.per_person or options.images
    cells = draw_design(options.images, len(sources), shown, options.people, per_person, rng)
    consent = _consent_text(options.consent)
    pictures: list[Picture] = []
    by_image: dict[str, list[Picture]] = {}
    chroma = dict.fromkeys((source.entry.name for source in sources), 0.0)
    for photo in progress(chosen):
        drawn = {source.entry.name: source.picture(photo, texts[photo]) for source in sources}
        for name, (picture, _, _) in drawn.items():
            chroma[name] += mean_chroma(picture)
        by_image[photo] = store_image_set(photo, drawn, folder / PICTURES, options.size)
        pictures += by_image[photo]
    remarks += _same_pictures(by_image)
    stimuli, slots = vote_trials(cells, chosen, texts, by_image)
    golds = max(demands.least_gold, round(options.gold_share * per_person)) if options.gold_share > 0 else 0
    gold: list[Stimulus] = []
    if golds:
        vivid = max(sources, key=lambda source: chroma[source.entry.name])
        basis = real if options.question == "reality" and real else vivid
        candidates = spare if len(spare) >= golds else [*spare, *chosen]
        gold, made = gold_stimuli(
            candidates, texts, basis, options.question, shown, golds, folder / PICTURES, options.size
        )
        pictures += made
    trials = [
        session_trials(slot, gold, len(stimuli), golds, round(options.repeat_share * per_person), rng) for slot in slots
    ]
    settings = asdict(options) | {
        "consent": str(options.consent) if options.consent else None,
        "per_person": per_person,
        "trials_a_person": len(trials[0]),
        "balance": {name: list(counts) for name, counts in vars(balance(cells, options.images, len(sources))).items()},
    }
    protocol = Protocol(
        title=options.title,
        question=options.question,
        mode=options.mode,
        seed=options.seed,
        code=code_version(),
        consent=_consent(consent, len(trials[0]), math.ceil(len(trials[0]) * demands.seconds / 60)),
        rules=Rules(gold_right=demands.gold_right, one_position=demands.one_position),
        entries=[source.entry for source in sources],
        pictures=list(dict.fromkeys(pictures)),
        stimuli=[*stimuli, *gold],
        slots=trials,
        plates=_plates(folder / PICTURES, rng),
        settings=settings,
    )
    write_protocol(protocol, folder)
    return protocol, remarks


def votes_on_a_pair(protocol: Protocol) -> float:
    """Votes of one person that decide between two given systems, on average: those that go to one of the two."""
    entries, per_person = len(protocol.entries), protocol.settings["per_person"]
    pairs = entries * (entries - 1) / 2
    return per_person / pairs if protocol.mode == "2afc" else per_person * 2 / entries


def _check(options: StudyOptions, sources: Sequence[Source], real: FolderSource | None) -> None:
    if options.replace_colors and (fixed := [s.entry.name for s in sources if not s.colors_here]):
        raise ValueError(
            f"--replace-colors needs systems that color here, but {', '.join(fixed)} has finished pictures; give the "
            f"captions that they were made from, without --replace-colors"
        )
    if options.question == "reality" and real is None and options.gold_share > 0:
        raise ValueError("gold trials about reality need the real photos; give their folder with --photos, or --gold 0")
    if TRUTH in {source.entry.name for source in sources}:
        raise ValueError(f"{TRUTH!r} is what the real photos are called; give that system another name")


def _choose(
    texts: Mapping[str, str], sources: Sequence[Source], options: StudyOptions
) -> tuple[list[str], list[str], list[str]]:
    """The images of the study, those left for gold trials, and remarks."""
    usable, lacking = available(texts, sources)
    short = ", ".join(f"{name} lacks {count}" for name, count in lacking.items() if count)
    if len(usable) < options.images:
        raise ValueError(
            f"expected {options.images} photos with a caption and a picture of every system, got {len(usable)} of "
            f"{len(texts)} on the list ({short or 'the list has no more'}); lower --images, or add pictures"
        )
    remarks = [f"{len(texts) - len(usable)} of {len(texts)} photos left out: {short}"] if short else []
    mixed = random.Random(options.seed).sample(usable, len(usable))
    return mixed[: options.images], mixed[options.images :], remarks


def _same_pictures(by_image: Mapping[str, Sequence[Picture]]) -> list[str]:
    """A remark where pictures of one image do not differ at all: between them a vote says nothing."""
    same = [photo for photo, own in by_image.items() if len({picture.file for picture in own}) < len(own)]
    if not same:
        return []
    return [
        f"the very same picture of two systems for {len(same)} of {counted(len(by_image), 'image')}, such as "
        f"{same[0]}: votes between them are chance; take these photos off the list if that is not meant"
    ]


def _consent_text(path: Path | None) -> str:
    """What people agree to, before the numbers are put in."""
    if path is not None and not path.is_file():
        raise FileNotFoundError(f"{path}: no such text of consent; check --consent")
    return path.read_text(encoding="utf-8").strip() if path else CONSENT


def _consent(text: str, trials: int, minutes: int) -> dict[str, str]:
    """What people agree to, and the version by which their consent names it."""
    text = text.replace("{trials}", str(trials)).replace("{minutes}", str(minutes))
    return {"version": hashlib.sha256(text.encode()).hexdigest()[:12], "text": text}


def _plates(folder: Path, rng: np.random.Generator) -> list[dict[str, str]]:
    """A control plate and two plates in red and green."""
    plates = []
    for digit, control in zip(rng.choice(list(DIGITS), size=3, replace=False), (True, False, False), strict=True):
        buffer = io.BytesIO()
        plate(str(digit), rng, control=control).save(buffer, "PNG")
        digest, file = store_bytes(buffer.getvalue(), folder, ".png")
        plates.append({"file": file, "sha256": digest, "digit": str(digit), "kind": "control" if control else "color"})
    return plates
