"""What the votes say: shares, strengths, agreement and bias, with intervals over people and images alike.

All intervals come from one bootstrap: people are drawn with replacement, images too, independently, and a vote counts
as often as its person times its image was drawn (the pigeonhole bootstrap of Owen 2007). Votes of one person, and votes
on one image, are alike, so an interval over single votes would be too narrow; this one is rather a little too wide.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lcoins.study.ballots import Ballots

Array = NDArray[np.float64]
RESAMPLES, LEVEL = 2000, 0.95
PRIOR_VOTES = 1.0  # spread evenly over all sets and their entries, so that who never wins has a finite strength
STEPS, TOLERANCE = 5000, 1e-7  # of the fit; the change of a log strength at which it ends


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
    """Estimates everything with ``resamples`` bootstrap samples, which ``seed`` decides."""
    people, images = int(ballots.person.max()) + 1, int(ballots.image.max()) + 1
    rng = np.random.default_rng(seed)
    drawn_people = rng.multinomial(people, np.full(people, 1 / people), size=resamples)
    drawn_images = rng.multinomial(images, np.full(images, 1 / images), size=resamples)
    weights = [np.ones(len(ballots))]
    weights += [
        (one[ballots.person] * other[ballots.image]).astype(np.float64)
        for one, other in zip(drawn_people, drawn_images, strict=True)
    ]
    wins = np.stack([np.bincount(ballots.entry, weight, len(ballots.entries)) for weight in weights]).astype(np.float64)
    sets = np.stack([np.bincount(ballots.choice_set, weight, len(ballots.members)) for weight in weights]).astype(
        np.float64
    )
    places = np.stack([np.bincount(ballots.position, weight, ballots.shown) for weight in weights])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = wins / (sets @ ballots.members)
        positions = places / places.sum(axis=1, keepdims=True)
    strengths = fit_strengths(wins, sets, ballots.members)
    order = np.argsort(-strengths[0], kind="stable")
    chances = shares[0] * (1 - shares[0]) / (sets[0] @ ballots.members)
    ratio = np.nanvar(shares[1:], axis=0)[chances > 0] / chances[chances > 0]
    unit_image = np.zeros(int(ballots.unit.max()) + 1, dtype=np.int64)
    unit_image[ballots.unit] = ballots.image
    image_weights = np.concatenate([np.ones((1, images)), drawn_images])
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
        alpha=_alpha(ballots, image_weights[:, unit_image]),
        design_effect=float(ratio.mean()) if len(ratio) else 1.0,
    )


def fit_strengths(wins: Array, sets: Array, members: Array) -> Array:
    """Log strengths (B, E), mean 0, by which entries are chosen in proportion: Plackett-Luce's first choice.

    With two entries a set this is Bradley-Terry. Maximum likelihood by minorize-maximize (Hunter 2004), for B samples
    at once, with PRIOR_VOTES.

    Args:
        wins: (B, E), how often each entry was chosen.
        sets: (B, S), how often each set was shown.
        members: (S, E), 1 where a set has an entry.
    """
    even = members / members.sum(axis=1, keepdims=True) / len(members)
    wins = wins + PRIOR_VOTES * even.sum(axis=0)
    sets = sets + PRIOR_VOTES / len(members)
    logs = np.zeros_like(wins)
    for _ in range(STEPS):
        strength = np.exp(logs)
        new = np.log(wins / ((sets / (strength @ members.T)) @ members))
        new -= new.mean(axis=1, keepdims=True)
        change = np.abs(new - logs).max()
        logs = new
        if change < TOLERANCE:
            return logs
    raise RuntimeError(
        f"the strengths have not settled after {STEPS} steps; are there systems that were never compared, directly or "
        f"through others?"
    )


def _alpha(ballots: Ballots, weights: Array) -> Estimate | None:
    """Krippendorff's alpha of which picture is chosen; ``weights`` (B, U) of each unit, all 1 in the first row."""
    counts = np.zeros((weights.shape[1], ballots.shown))
    np.add.at(counts, (ballots.unit, ballots.picture), 1)
    return _estimate(krippendorff_alpha(counts, weights)) if (counts.sum(axis=1) > 1).any() else None


def krippendorff_alpha(counts: Array, weights: Array) -> Array:
    """Nominal alpha (B,) of ratings counted by unit and value (U, C); units with one rating do not count.

    ``weights`` (B, U) say how often each unit counts. 1 is agreement, 0 what chance gives; NaN where only one value
    occurs.
    """
    raters = counts.sum(axis=1)
    usable = raters > 1
    counts, raters, weights = counts[usable], raters[usable], weights[:, usable]
    differing = (raters**2 - (counts**2).sum(axis=1)) / (raters - 1)
    values = weights @ counts
    total = values.sum(axis=1)
    expected = (total**2 - (values**2).sum(axis=1)) / (total - 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return 1 - (weights @ differing) / expected


def _estimate(samples: Array) -> Estimate:
    """The first sample with the middle 95 % of the others; samples without a value are left out."""
    low, high = np.nanquantile(samples[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(samples[0]), float(low), float(high))
