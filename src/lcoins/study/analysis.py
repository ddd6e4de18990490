"""What the votes say: shares, strengths, agreement and bias, with intervals over people and images alike.

All intervals come from one bootstrap: people are drawn with replacement, images too, independently, and a vote counts
as often as its person times its image was drawn (the pigeonhole bootstrap of Owen 2007). Votes of one person, and votes
on one image, are alike, so an interval over single votes would be too narrow; this one is rather a little too wide.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lcoins.study.ballots import Ballots, Whole

Array = NDArray[np.float64]
RESAMPLES, LEVEL = 2000, 0.95
PRIOR_VOTES = 1.0  # spread evenly over all sets and their entries, so that who never wins has a finite strength
STEPS, TOLERANCE = 200, 1e-9  # of the fit; the change of a log strength at which it ends
LONGEST_STEP = 2.0  # of a log strength: farther out the likelihood is no parabola


@dataclass(frozen=True)
class Estimate:
    """A figure with the two ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Step:
    """A gap between two entries that follow each other: of shares, and the preference for the better one (0..1)."""

    better: str
    worse: str
    gap: Estimate
    preference: Estimate

    @property
    def may_be_chance(self) -> bool:
        """Whether the interval of the gap contains 0."""
        return self.gap.low <= 0 <= self.gap.high


@dataclass(frozen=True)
class Analysis:
    """``shares`` and ``strengths`` (natural log, mean 0) by entry, the best first; ``steps`` between neighbors.

    ``positions``: share of the votes by position, 1/shown without bias. ``alpha``: Krippendorff's, of which picture of
    a stimulus is chosen (nominal), None where nobody shares a stimulus. ``design_effect``: variance of the shares over
    that of as many independent votes, mean over entries.
    """

    votes: int
    people: int
    images: int
    shares: dict[str, Estimate]
    strengths: dict[str, Estimate]
    steps: list[Step]
    positions: list[Estimate]
    alpha: Estimate | None
    design_effect: float


def analyze(ballots: Ballots, seed: int = 0, resamples: int = RESAMPLES) -> Analysis:
    """Estimates everything with ``resamples`` bootstrap samples, which ``seed`` decides.

    Raises ValueError where votes do not compare all entries with each other, directly or through others.
    """
    people, images = int(ballots.person.max()) + 1, int(ballots.image.max()) + 1
    rng = np.random.default_rng(seed)
    drawn_people = rng.multinomial(people, np.full(people, 1 / people), size=resamples)
    drawn_images = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
    draws = [(np.ones(people), np.ones(images)), *zip(drawn_people, drawn_images, strict=True)]
    shared = bool((np.bincount(ballots.unit) > 1).any())  # a stimulus by several people
    counted, alphas = [], []
    for of_people, of_images in draws:  # one after the other: the weights of all votes in all would fill the memory
        person, image = of_people[ballots.person].astype(np.float64), of_images[ballots.image].astype(np.float64)
        weight = person * image
        counted.append(
            (
                np.bincount(ballots.entry, weight, len(ballots.entries)),
                np.bincount(ballots.choice_set, weight, len(ballots.members)),
                np.bincount(ballots.position, weight, ballots.shown),
            )
        )
        if shared:
            alphas.append(krippendorff_alpha(ballots.unit, ballots.picture, person, image))
    wins, sets, places = (np.stack(counts) for counts in zip(*counted, strict=True))
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = wins / (sets @ ballots.members)
        positions = places / places.sum(axis=1, keepdims=True)
    strengths = fit_strengths(wins, sets, ballots.members)
    order = np.argsort(-strengths[0], kind="stable")
    chances = shares[0] * (1 - shares[0]) / (sets[0] @ ballots.members)
    ratio = np.nanvar(shares[1:], axis=0)[chances > 0] / chances[chances > 0]
    return Analysis(
        votes=len(ballots),
        people=people,
        images=images,
        shares={ballots.entries[index]: _estimate(shares[:, index]) for index in order},
        strengths={ballots.entries[index]: _estimate(strengths[:, index]) for index in order},
        steps=[
            Step(
                ballots.entries[better],
                ballots.entries[worse],
                _estimate(shares[:, better] - shares[:, worse]),
                _estimate(1 / (1 + np.exp(strengths[:, worse] - strengths[:, better]))),
            )
            for better, worse in pairwise(order)
        ],
        positions=[_estimate(column) for column in positions.T],
        alpha=_estimate(np.array(alphas)) if shared else None,
        design_effect=float(ratio.mean()) if len(ratio) else 1.0,
    )


def fit_strengths(wins: Array, sets: Array, members: Array) -> Array:
    """Log strengths (B, E), mean 0, by which entries are chosen in proportion: Plackett-Luce's first choice.

    With two entries a set this is Bradley-Terry. Maximum likelihood by Newton's method, for B samples at once, with
    PRIOR_VOTES. Raises ValueError where the sets do not connect all entries.

    Args:
        wins: (B, E), how often each entry was chosen.
        sets: (B, S), how often each set was shown.
        members: (S, E), 1 where a set has an entry.
    """
    if not _connected(members):
        raise ValueError(
            "the votes so far do not compare all systems with each other, directly or through others; collect more"
        )
    even = members / members.sum(axis=1, keepdims=True) / len(members)
    wins = wins + PRIOR_VOTES * even.sum(axis=0)
    sets = sets + PRIOR_VOTES / len(members)

    def likelihood(logs: Array) -> Array:
        return (wins * logs).sum(axis=1) - (sets * np.log(np.exp(logs) @ members.T)).sum(axis=1)

    logs, level = np.zeros_like(wins), likelihood(np.zeros_like(wins))
    diagonal = np.arange(wins.shape[1])
    for _ in range(STEPS):
        chosen = np.exp(logs)[:, None] * members  # (B, S, E), then the chances within each set
        chosen /= chosen.sum(axis=2, keepdims=True)
        expected = (sets[:, :, None] * chosen).sum(axis=1)
        curvature = -np.einsum("bs,bsi,bsj->bij", sets, chosen, chosen)
        curvature[:, diagonal, diagonal] += expected
        curvature += curvature[:, diagonal, diagonal].mean(axis=1)[:, None, None]  # which alone fixes the mean
        step = np.linalg.solve(curvature, (wins - expected)[:, :, None])[:, :, 0]
        step *= LONGEST_STEP / np.maximum(np.abs(step).max(axis=1, keepdims=True), LONGEST_STEP)
        for _ in range(STEPS):  # a step that overshoots is halved
            worse = (likelihood(logs + step) < level - TOLERANCE * np.abs(level)) & (np.abs(step).max(axis=1) > 0)
            if not worse.any():
                break
            step[worse] /= 2
        logs = logs + step
        level = likelihood(logs)
        if np.abs(step).max() < TOLERANCE:
            return logs - logs.mean(axis=1, keepdims=True)
    raise RuntimeError(f"the strengths have not settled after {STEPS} steps")


def _connected(members: Array) -> bool:
    """Whether sets (S, E) lead from each entry to each other one."""
    reached = members[0] > 0
    for _ in members:
        reached = reached | (members[(members @ reached) > 0] > 0).any(axis=0)
    return bool(reached.all())


def krippendorff_alpha(unit: Whole, value: Whole, person_weight: Array, unit_weight: Array) -> float:
    """Nominal alpha of ratings: ``value`` (N,) that someone gave to ``unit`` (N,), both as small numbers.

    The weights (N,) say how often a bootstrap drew the rating's person and its unit; a person drawn twice does not
    agree with themselves. 1 is agreement, 0 what chance gives; NaN where only one value occurs. Units with one rating
    do not count.
    """
    units, values = int(unit.max()) + 1, int(value.max()) + 1
    counts = np.bincount(unit * values + value, person_weight, units * values).reshape(units, values)
    raters = counts.sum(axis=1)
    pairs = raters**2 - np.bincount(unit, person_weight**2, units)  # of two persons
    drawn = np.zeros(units)
    drawn[unit] = unit_weight
    drawn[pairs == 0] = 0
    with np.errstate(invalid="ignore", divide="ignore"):
        differing = np.nan_to_num(raters * (raters**2 - (counts**2).sum(axis=1)) / pairs)
        totals = drawn @ counts
        total = totals.sum()
        weight = drawn[unit] * person_weight
        expected = total * (total**2 - (totals**2).sum()) / (total**2 - (weight**2).sum())
        return float(1 - drawn @ differing / expected)


def _estimate(samples: Array) -> Estimate:
    """The first sample with the middle 95 % of the others; samples without a value are left out."""
    low, high = np.nanquantile(samples[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(samples[0]), float(low), float(high))
