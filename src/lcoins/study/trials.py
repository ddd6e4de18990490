"""The trials of a study: votes on the design's cells, gold trials with a known answer, and trials shown again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from lcoins.study.design import Cell, Positions
from lcoins.study.pictures import Source, grayed, mean_chroma, spoiled, store_picture
from lcoins.study.protocol import Picture, Question, Stimulus, Trial

LEAST_CHROMA = 8.0  # of a gold trial's picture, in CIELAB units on average: one sees that it is not gray
GOLD_CAPTION = "a black and white photo"  # its right answer is known whatever the systems did


def vote_trials(
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


def gold_stimuli(
    candidates: Sequence[str],
    texts: Mapping[str, str],
    basis: Source,
    question: Question,
    shown: int,
    count: int,
    folder: Path,
    size: int,
) -> tuple[list[Stimulus], list[Picture]]:
    """Up to ``count`` stimuli with a known answer, on the most colorful of the candidates as ``basis`` gives them.

    Reality: the real photo among color-swapped and gray copies of it. Correspondence: a gray picture among pictures in
    color, under GOLD_CAPTION. Raises ValueError where ``basis`` gives none that one can tell from a gray one.
    """
    seen = {photo: basis.picture(photo, texts[photo]) for photo in candidates[: 4 * count]}
    chroma = {photo: mean_chroma(picture) for photo, (picture, _, _) in seen.items()}
    ranked = sorted((photo for photo in seen if chroma[photo] >= LEAST_CHROMA), key=lambda photo: -chroma[photo])
    if not ranked:
        raise ValueError(
            f"gold trials need pictures in color, but those of {basis.entry.name} are gray, or nearly; put photos in "
            f"color on the list, add a system that colors, or give --gold 0"
        )
    stimuli, pictures = [], []
    for photo in ranked[:count]:
        picture, source, digest = seen[photo]
        picture.thumbnail((size, size))
        if question == "reality":
            drawn, caption = [picture, *spoiled(picture, min(shown - 1, 6))], texts[photo]
        else:
            drawn, caption = [grayed(picture), picture, *spoiled(picture, min(shown, 6))[2:]], GOLD_CAPTION
            drawn = drawn[:shown]
        made = [store_picture(one, folder, image=photo, entry="", source=source, source_sha256=digest) for one in drawn]
        pictures += made
        stimuli.append(Stimulus(photo, caption, tuple(p.file for p in made), ("",) * len(made), right=0))
    return stimuli, pictures


def session_trials(
    votes: Sequence[Trial],
    gold: Sequence[Stimulus],
    first_gold: int,
    golds: int,
    repeats: int,
    rng: np.random.Generator,
) -> list[Trial]:
    """A person's votes with gold trials spread among them, and early ones shown again, mixed anew, near the end.

    ``golds`` trials show the stimuli ``gold``, some of them again if they are fewer, from index ``first_gold`` on.
    """
    trials: list[Trial] = list(votes)
    half = max(1, len(votes) // 2)
    early = rng.choice(half, size=min(repeats, half), replace=False)
    again = []
    for original in (votes[int(index)] for index in sorted(early)):
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
        replace(trial, repeat_of=place[id(repeated[id(trial)])]) if id(trial) in repeated else trial for trial in trials
    ]


def _gold_order(pictures: int, answers: Positions, rng: np.random.Generator) -> tuple[int, ...]:
    """A random order in which the right answer, picture 0, stands where it stood least often so far."""
    place = int(np.lexsort((rng.random(pictures), answers.own[0, :pictures]))[0])
    answers.own[0, place] += 1
    others = [int(index) for index in rng.permutation(np.arange(1, pictures))]
    return (*others[:place], 0, *others[place:])
