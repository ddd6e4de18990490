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
from lcoins.data.caption_lists import captions_by_photo, read_pairs
from lcoins.study.design import Cell, Positions, balance, draw_design
from lcoins.study.pictures import (
    FolderSource,
    Source,
    available,
    grayed,
    mean_chroma,
    open_source,
    photo_source,
    spoiled,
    store_bytes,
    store_image_set,
    store_picture,
)
from lcoins.study.plates import DIGITS, plate
from lcoins.study.protocol import (
    CONSENT,
    FILE,
    PICTURES,
    Mode,
    Picture,
    Protocol,
    Question,
    Rules,
    Stimulus,
    Trial,
    write_protocol,
)

GOLD_SHARE, REPEAT_SHARE = 0.05, 0.05  # of a person's votes
GOLD_CAPTION = "a black and white photo"  # its right answer is known whatever the systems did


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
    pictures: list[Picture] = []
    by_image: dict[str, list[Picture]] = {}
    for photo in progress(chosen):
        drawn = {source.entry.name: source.picture(photo, texts[photo]) for source in sources}
        by_image[photo] = store_image_set(photo, drawn, folder / PICTURES, options.size)
        pictures += by_image[photo]
    shown = len(sources) if options.mode == "all-at-once" else 2
    demands = OF_TWO if shown == 2 else OF_MORE
    per_person = options.per_person or options.images
    cells = draw_design(options.images, len(sources), shown, options.people, per_person, rng)
    stimuli, slots = _votes(cells, chosen, texts, by_image)
    golds = max(demands.least_gold, round(options.gold_share * per_person)) if options.gold_share > 0 else 0
    gold_stimuli: list[Stimulus] = []
    if golds:
        gold_stimuli, made = _gold(spare or chosen, texts, sources, real, shown, golds, folder / PICTURES, options)
        pictures += made
    trials = [
        _session(slot, stimuli, gold_stimuli, len(stimuli), golds, round(options.repeat_share * per_person), rng)
        for slot in slots
    ]
    minutes = math.ceil(len(trials[0]) * demands.seconds / 60)
    consent = options.consent.read_text(encoding="utf-8").strip() if options.consent else CONSENT
    consent = consent.replace("{trials}", str(len(trials[0]))).replace("{minutes}", str(minutes))
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
        consent={"version": hashlib.sha256(consent.encode()).hexdigest()[:12], "text": consent},
        rules=Rules(gold_right=demands.gold_right, one_position=demands.one_position),
        entries=[source.entry for source in sources],
        pictures=list(dict.fromkeys(pictures)),
        stimuli=[*stimuli, *gold_stimuli],
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


def _votes(
    slots: Sequence[Sequence[Cell]],
    images: Sequence[str],
    texts: Mapping[str, str],
    by_image: Mapping[str, Sequence[Picture]],
) -> tuple[list[Stimulus], list[list[Trial]]]:
    """One stimulus for each image and set of entries that occurs, and each person's trials without gold."""
    index: dict[tuple[int, tuple[int, ...]], int] = {}
    stimuli: list[Stimulus] = []
    trials: list[list[Trial]] = []
    for slot in slots:
        own = []
        for image, order in slot:
            entries = tuple(sorted(order))
            if (image, entries) not in index:
                index[image, entries] = len(stimuli)
                name = images[image]
                chosen = [by_image[name][entry] for entry in entries]
                files, names = tuple(p.file for p in chosen), tuple(p.entry for p in chosen)
                stimuli.append(Stimulus(name, texts[name], files, names))
            own.append(Trial("vote", index[image, entries], tuple(entries.index(entry) for entry in order)))
        trials.append(own)
    return stimuli, trials


def _gold(
    candidates: Sequence[str],
    texts: Mapping[str, str],
    sources: Sequence[Source],
    real: FolderSource | None,
    shown: int,
    count: int,
    folder: Path,
    options: StudyOptions,
) -> tuple[list[Stimulus], list[Picture]]:
    """Stimuli with a known answer, on the most colorful of the candidates.

    Reality: the real photo among color-swapped and gray copies of it. Correspondence: a gray picture among pictures in
    color, under GOLD_CAPTION.
    """
    basis = real if options.question == "reality" and real else sources[0]
    seen = {photo: basis.picture(photo, texts[photo]) for photo in candidates[: 4 * count]}
    ranked = sorted(seen, key=lambda photo: -mean_chroma(seen[photo][0]))
    stimuli, pictures = [], []
    for photo in ranked[:count]:
        picture, source, digest = seen[photo]
        picture.thumbnail((options.size, options.size))
        if options.question == "reality":
            drawn, caption = [picture, *spoiled(picture, min(shown - 1, 6))], texts[photo]
        else:
            drawn, caption = [grayed(picture), picture, *spoiled(picture, min(shown, 6))[2:]], GOLD_CAPTION
            drawn = drawn[:shown]
        made = [store_picture(one, folder, image=photo, entry="", source=source, source_sha256=digest) for one in drawn]
        pictures += made
        stimuli.append(Stimulus(photo, caption, tuple(p.file for p in made), ("",) * len(made), right=0))
    return stimuli, pictures


def _session(
    votes: Sequence[Trial],
    stimuli: Sequence[Stimulus],
    gold: Sequence[Stimulus],
    first_gold: int,
    golds: int,
    repeats: int,
    rng: np.random.Generator,
) -> list[Trial]:
    """A person's votes with gold trials spread among them, and early ones shown again, mixed anew, near the end."""
    trials: list[Trial] = list(votes)
    early = rng.choice(max(1, len(votes) // 2), size=min(repeats, max(1, len(votes) // 2)), replace=False)
    originals = [votes[int(index)] for index in sorted(early)] if repeats else []
    again = []
    for original in originals:
        positions = Positions(len(original.order), len(original.order))
        positions.own[original.order, np.arange(len(original.order))] += 1  # not where it stood before
        again.append((Trial("repeat", original.stimulus, positions.order(original.order, rng)), original))
    late = len(trials) * 3 // 4
    for trial, _ in again:
        trials.insert(int(rng.integers(late, len(trials) + 1)), trial)
    answers = Positions(1, max((len(stimulus.pictures) for stimulus in gold), default=1))
    for part, index in enumerate(rng.permutation(golds) if golds else []):
        which = int(index) % len(gold)
        order = _gold_order(len(gold[which].pictures), answers, rng)
        start, end = (1 + round(len(trials) * edge / golds) for edge in (part, part + 1))
        trials.insert(int(rng.integers(start, max(start, end) + 1)), Trial("gold", first_gold + which, order))
    repeated = {id(trial): original for trial, original in again}
    place = {id(trial): index for index, trial in enumerate(trials)}
    return [
        Trial(trial.kind, trial.stimulus, trial.order, place[id(repeated[id(trial)])])
        if id(trial) in repeated
        else trial
        for trial in trials
    ]


def _gold_order(pictures: int, answers: Positions, rng: np.random.Generator) -> tuple[int, ...]:
    """A random order in which the right answer, picture 0, stands where it stood least often so far."""
    place = int(np.lexsort((rng.random(pictures), answers.own[0, :pictures]))[0])
    answers.own[0, place] += 1
    others = [int(index) for index in rng.permutation(np.arange(1, pictures))]
    return (*others[:place], 0, *others[place:])


def _plates(folder: Path, rng: np.random.Generator) -> list[dict[str, str]]:
    """A control plate and two plates in red and green."""
    plates = []
    for digit, control in zip(rng.choice(list(DIGITS), size=3, replace=False), (True, False, False), strict=True):
        buffer = io.BytesIO()
        plate(str(digit), rng, control=control).save(buffer, "PNG")
        digest, file = store_bytes(buffer.getvalue(), folder, ".png")
        plates.append({"file": file, "sha256": digest, "digit": str(digit), "kind": "control" if control else "color"})
    return plates
